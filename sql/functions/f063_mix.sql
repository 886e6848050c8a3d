-- The mix of models: has it moved?

CREATE OR REPLACE FUNCTION monitoring_judge_mix(p_moments timestamptz[], p_settings jsonb, p_complete boolean, p_hourly timestamptz[])
RETURNS TABLE (at timestamptz, judgement monitoring_judgement)
LANGUAGE plpgsql STABLE
SET jit = off
SET work_mem = '16MB'
AS $$
#variable_conflict use_column
DECLARE
    v_least   CONSTANT double precision := (p_settings -> 'slices' ->> 'least_events')::double precision;
    v_days    CONSTANT integer := (p_settings -> 'baseline' ->> 'window_days')::integer;
    v_from    CONSTANT timestamptz := (SELECT min(moment) FROM unnest(p_moments) moment);
    v_until   CONSTANT timestamptz := (SELECT max(moment) FROM unnest(p_moments) moment);
    v_hour    CONSTANT timestamptz := date_trunc('hour', v_from, 'UTC');
    -- A day before the first moment and a bit, so that every window begins at a place.
    v_first   CONSTANT timestamptz := v_hour - CASE WHEN cardinality(p_hourly) > 0 THEN interval '24 hours' ELSE interval '4 hours' END;
    v_near    timestamptz;
    v_is_live boolean;
    v_setting record;
    v_cleared timestamptz;
BEGIN
    SELECT * INTO v_setting FROM monitoring_metric_settings(p_settings) s WHERE s.metric_name = 'model_mix' AND s.enabled;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    v_is_live := EXISTS (
        SELECT FROM monitoring_alerts a
        WHERE a.labels IS NULL AND a.metric_name = 'model_mix' AND (a.status <> 'resolved' OR a.held_severity IS NOT NULL) AND a.live_since <= v_from);
    v_near := v_hour - CASE WHEN v_is_live THEN interval '3 hours' ELSE interval '1 hour' END;
    v_cleared := monitoring_bucket(monitoring_last_clearing('model_mix', v_from) + interval '4 minutes 59 seconds');
    RETURN QUERY
        WITH windows AS MATERIALIZED (                  -- the last one, of three hours, says whether it is over
            SELECT
                w.*, monitoring_place(v_first, w.ends_at, 300) AS until,
                least(greatest(monitoring_place(v_first, w.starts_at, 300), 1), monitoring_place(v_first, w.ends_at, 300)) AS begin
            FROM (
                SELECT
                    moment AS at, scanned.window_seconds, true AS is_judged, ends.at AS ends_at,
                    greatest(ends.at - scanned.window_seconds * interval '1 second', v_cleared) AS starts_at
                FROM unnest(p_moments) moment
                CROSS JOIN monitoring_scanned_windows(p_settings) scanned
                CROSS JOIN LATERAL (
                    SELECT CASE WHEN scanned.window_seconds <= 3600 THEN moment ELSE date_trunc('hour', moment, 'UTC') END AS at
                ) ends
                WHERE scanned.window_seconds IN (600, 1800, 3600)
                   OR moment = ANY (p_hourly) AND scanned.is_named AND scanned.window_seconds BETWEEN 7200 AND 86400
                        AND scanned.window_seconds % 3600 = 0
                UNION ALL
                SELECT moment, 0, false, moment, moment - interval '3 hours'
                FROM unnest(p_moments) moment
                WHERE v_is_live
            ) w
        ),
        stretches AS (                                  -- the latest hours by five minutes, what is before them by whole ones
            SELECT marked.model, marked.hour_start + (marked.mark >> 4) * interval '5 minutes' AS starts_at, marked.events::double precision AS events
            FROM (
                SELECT s.model, s.hour_start, unnest(s.mark_values) AS mark, unnest(s.mark_counts) AS events
                FROM monitoring_rollup_slices s
                WHERE s.hour_start >= v_near AND s.hour_start < v_until
            ) marked
            UNION ALL
            SELECT s.model, s.hour_start, s.total_events
            FROM monitoring_rollup_slices s
            WHERE cardinality(p_hourly) > 0 AND s.hour_start >= v_first AND s.hour_start < v_near
        ),
        seen AS MATERIALIZED (
            SELECT s.model, monitoring_place(v_first, s.starts_at, 300) AS place, sum(s.events) AS events
            FROM stretches s
            GROUP BY s.model, s.starts_at
        ),
        baseline AS MATERIALIZED (
            SELECT b.value AS model, b.total_events AS events, b.events_by_hour, b.dispersion, b.clustering, b.baseline_until
            FROM monitoring_slices_of_baseline(
                p_settings -> 'baseline' ->> 'name', v_days,
                (v_from AT TIME ZONE 'UTC')::date) b
            WHERE b.metric_name = 'model_mix'
        ),
        models AS MATERIALIZED (
            SELECT row_number() OVER () AS id, known.model, coalesce(b.events, 0) AS before
            FROM (SELECT model FROM baseline UNION SELECT model FROM seen) known
            LEFT JOIN baseline b USING (model)
        ),
        curves AS MATERIALIZED (                        -- of each model the running sums
            SELECT m.model, m.before, summed.seen
            FROM (
                SELECT back.id, array_agg(back.seen) AS seen
                FROM (
                    SELECT
                        m.id, coalesce(sum(n.events) OVER (
                            PARTITION BY m.id ORDER BY place ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS seen
                    FROM models m
                    CROSS JOIN generate_series(1, monitoring_place(v_first, v_until, 300)) place
                    LEFT JOIN (SELECT models.id, seen.place, seen.events FROM seen JOIN models USING (model)) n USING (id, place)
                    ORDER BY m.id, place
                ) back
                GROUP BY back.id
            ) summed
            JOIN models m USING (id)
        ),
        cells AS (
            SELECT
                w.at, w.window_seconds, w.starts_at, w.ends_at, w.is_judged, c.model, c.before, c.seen[w.until] - c.seen[w.begin] AS seen
            FROM windows w
            CROSS JOIN curves c
        ),
        shares AS MATERIALIZED (                        -- half an event more than was seen, so that no share is nought
            SELECT
                c.*,
                (c.seen + 0.5) / (sum(c.seen) OVER w + 0.5 * count(*) OVER w) AS share,
                (c.before + 0.5) / (sum(c.before) OVER w + 0.5 * count(*) OVER w) AS share_before
            FROM cells c
            WHERE c.seen > 0 OR c.before > 0
            WINDOW w AS (PARTITION BY c.at, c.window_seconds)
        ),
        pooled AS MATERIALIZED (
            SELECT
                s.at, s.window_seconds, s.starts_at, s.ends_at, s.is_judged, sum(s.seen) AS total, sum(s.before) AS weight,
                count(*) AS models, sum((s.share - s.share_before) * ln(s.share / s.share_before)) AS psi
            FROM shares s
            GROUP BY s.at, s.window_seconds, s.starts_at, s.ends_at, s.is_judged
        ),
        usual AS MATERIALIZED (                         -- of each model its share at each hour of day, shrunk by fifty events towards that of all hours
            SELECT
                m.model, hour.hour_of_day,
                (coalesce(b.events_by_hour[hour.hour_of_day + 1], 0) + 50 * m.before / sum(m.before) OVER hours)
                    / (sum(coalesce(b.events_by_hour[hour.hour_of_day + 1], 0)) OVER hours + 50) AS share
            FROM models m
            LEFT JOIN baseline b USING (model)
            CROSS JOIN generate_series(0, 23) hour (hour_of_day)
            WHERE EXISTS (SELECT FROM baseline WHERE baseline.events > 0)
            WINDOW hours AS (PARTITION BY hour.hour_of_day)
        ),
        by_hours AS (                                   -- how the events of a window were spread over the hours of the day
            SELECT
                w.at, w.window_seconds, extract(hour FROM (v_first + (seen.place - 1) * interval '5 minutes') AT TIME ZONE 'UTC') AS hour_of_day,
                sum(seen.events) AS events
            FROM windows w
            JOIN pooled p ON p.at = w.at AND p.window_seconds = w.window_seconds AND p.psi >= least(0.1, v_setting.floor)
            JOIN seen ON seen.place >= w.begin AND seen.place < w.until
            GROUP BY w.at, w.window_seconds, 3
        ),
        nearer AS (                                     -- the index against what is usual at those hours
            SELECT s.at, s.window_seconds, sum((s.share - expected.share) * ln(s.share / expected.share)) AS psi
            FROM shares s
            JOIN pooled p ON p.at = s.at AND p.window_seconds = s.window_seconds
            CROSS JOIN LATERAL (
                SELECT (p.weight * sum(h.events * u.share) / sum(h.events) + 0.5) / (p.weight + 0.5 * p.models) AS share
                FROM by_hours h
                JOIN usual u ON u.hour_of_day = h.hour_of_day
                WHERE h.at = s.at AND h.window_seconds = s.window_seconds AND u.model = s.model
            ) expected
            WHERE p.psi >= least(0.1, v_setting.floor)
            GROUP BY s.at, s.window_seconds
        ),
        indices AS MATERIALIZED (
            SELECT
                p.at, p.window_seconds, p.starts_at, p.ends_at, p.is_judged, p.total, p.weight, p.models, least(p.psi, nearer.psi) AS psi
            FROM pooled p
            LEFT JOIN nearer ON nearer.at = p.at AND nearer.window_seconds = p.window_seconds
        ),
        spread AS MATERIALIZED (
            SELECT
                known.*, known.events > 0 AS armed,
                monitoring_level(p_settings, known.events / v_days, known.dispersion) AS level
            FROM (
                SELECT
                    coalesce(max(b.dispersion), 1) AS dispersion, coalesce(max(b.clustering), 1) AS clustering,
                    coalesce(sum(b.events), 0)::double precision AS events, max(b.baseline_until) AS baseline_until
                FROM baseline b
            ) known
        ),
        quantiles AS MATERIALIZED (
            SELECT counted.models, monitoring_chi_square_quantile(spread.level, greatest(counted.models - 1, 1)) AS quantile
            FROM (SELECT DISTINCT indices.models FROM indices) counted
            CROSS JOIN spread
        ),
        tested AS MATERIALIZED (
            SELECT
                i.*, spread.dispersion, spread.clustering, spread.armed, spread.baseline_until, spread.level, noise.unit,
                CASE WHEN p_complete OR i.psi >= v_setting.floor AND i.total >= v_least
                    THEN greatest(v_setting.floor, noise.unit * quantiles.quantile)
                    ELSE v_setting.floor END AS threshold,
                CASE WHEN i.total > 0 AND spread.armed AND (p_complete OR i.psi >= v_setting.floor AND i.total >= v_least)
                    THEN monitoring_chi_square_p(i.psi / noise.unit, greatest(i.models - 1, 1)) END AS p_value
            FROM indices i
            JOIN quantiles USING (models)
            CROSS JOIN spread
            CROSS JOIN LATERAL (
                -- What comes in sessions is fewer than it seems; what is left of the scatter of days is their own.
                SELECT
                    spread.clustering / nullif(i.total, 0)
                    + (spread.clustering + greatest(0, spread.dispersion - spread.clustering) * v_days * 8 / 7) / nullif(i.weight, 0) AS unit
            ) noise
        ),
        graded AS (
            SELECT
                t.*, round((t.psi / t.threshold)::numeric, 4)::double precision AS ratio,
                monitoring_ratio_severity(
                    round((t.psi / t.threshold)::numeric, 4)::double precision, v_setting.threshold_low, v_setting.threshold_medium,
                    v_setting.threshold_high, v_setting.threshold_critical, false) AS grade
            FROM tested t
        ),
        over AS (                                       -- as near as chance brings it to the baseline, for three hours
            SELECT
                g.at,
                CASE WHEN g.total >= v_least AND g.psi < 0.1 + g.clustering * (g.models - 1) / g.total THEN 2.5 ELSE 0 END::double precision
                    AS calm
            FROM graded g
            WHERE NOT g.is_judged
        ),
        shown AS MATERIALIZED (
            SELECT g.*
            FROM graded g
            WHERE g.is_judged AND (
                g.ratio >= 1 AND (p_complete OR g.total >= v_least)
                OR g.window_seconds >= 3600 AND (p_complete OR v_is_live OR v_setting.rule = 'ratio')
                -- And what says whether an alert is over, however short the windows are.
                OR v_is_live AND g.window_seconds = (SELECT max(w.window_seconds) FROM windows w WHERE w.at = g.at AND w.is_judged))
        ),
        ranked AS (
            SELECT
                s.*,
                row_number() OVER (PARTITION BY s.at, s.window_seconds ORDER BY abs(s.share - s.share_before) DESC, s.model) AS place
            FROM shares s
            JOIN shown USING (at, window_seconds)
        ),
        moved AS (
            SELECT
                s.at, s.window_seconds,
                (array_agg(s.model ORDER BY s.share - s.share_before DESC, s.model))[1] AS risen,
                (array_agg(s.seen ORDER BY s.share - s.share_before DESC, s.model))[1] AS risen_seen,
                (array_agg(s.share ORDER BY s.share - s.share_before DESC, s.model))[1] AS risen_share,
                (array_agg(s.share_before ORDER BY s.share - s.share_before DESC, s.model))[1] AS risen_before,
                jsonb_agg(jsonb_build_object(
                    'model', s.model, 'share', round(s.share::numeric, 4), 'baseline_share', round(s.share_before::numeric, 4))
                    ORDER BY s.place) FILTER (WHERE s.place <= 10) AS detail
            FROM ranked s
            GROUP BY s.at, s.window_seconds
        )
        SELECT g.at, ROW (
            v_setting.metric_name, v_setting.alert_type, NULL::text, NULL::text, g.window_seconds, 0, g.starts_at, g.ends_at, 'model_mix',
            v_setting.rule, CASE WHEN g.total > 0 THEN g.psi END, CASE WHEN g.total > 0 THEN g.threshold END,
            CASE WHEN g.total > 0 THEN g.ratio END, g.total, moved.risen_seen, g.total * moved.risen_before, NULL::double precision,
            g.p_value, g.level, g.dispersion, g.weight, NULL::double precision, ARRAY[over.calm, over.calm, over.calm],
            CASE
                WHEN g.total = 0 THEN 'no_data'
                WHEN NOT g.armed THEN 'not_armed'
                WHEN g.total < v_least THEN 'too_few'
                WHEN g.grade IS NULL THEN CASE WHEN g.psi >= v_setting.floor THEN 'within_noise' ELSE 'below_threshold' END
                ELSE g.grade
            END,
            CASE
                WHEN g.total = 0 THEN 'no_data'
                WHEN NOT g.armed THEN 'not_armed'
                WHEN g.total < v_least THEN 'too_few'
                WHEN g.psi < v_setting.floor THEN 'below_threshold'
                ELSE coalesce(monitoring_ratio_severity(
                    g.psi / v_setting.floor, v_setting.threshold_low, v_setting.threshold_medium, v_setting.threshold_high,
                    v_setting.threshold_critical, false), 'below_threshold')
            END,
            false, 'model', nullif(moved.risen, ''), NULL::double precision,
            jsonb_build_object('models', moved.detail, 'risen', jsonb_build_object(
                'model', moved.risen, 'share', round(moved.risen_share::numeric, 4),
                'baseline_share', round(moved.risen_before::numeric, 4))),
            NULL::timestamptz, g.baseline_until,
            v_setting.threshold_low, v_setting.threshold_medium, v_setting.threshold_high,
            v_setting.threshold_critical)::monitoring_judgement
        FROM shown g
        LEFT JOIN moved USING (at, window_seconds)
        LEFT JOIN over USING (at);
END
$$;
COMMENT ON FUNCTION monitoring_judge_mix(timestamptz[], jsonb, boolean, timestamptz[]) IS
    'The mix of models at moments of one UTC day, in windows that end there (of over an hour: at the last full hour, and of moments in '
    'p_hourly alone): the population stability index PSI = sum((a - e) ln(a / e)) over the models, half an event added to each count, '
    'against the baseline''s mix or that of the same hours of the day, whichever is nearer. Its threshold is the floor (0.2) or, where '
    'that is more, what chance exceeds at the level (that of as many events as are usual in a day): chi-square of one degree less than '
    'there are models, times c/n + (c + max(0, d - c) 8/7 days)/N, c the clustering of the hours'' mixes about their days'', d the '
    'dispersion of the days''. ratio is PSI over threshold; bad and expected are those of the model whose share rose most. The ratio '
    'rule knows the floor alone.';
