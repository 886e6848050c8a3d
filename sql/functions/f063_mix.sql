-- The mix of models: has it moved?

CREATE OR REPLACE FUNCTION monitoring_judge_mix(p_at timestamptz, p_settings jsonb, p_complete boolean, p_with_hours boolean)
RETURNS SETOF monitoring_judgement
LANGUAGE plpgsql STABLE
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_level   double precision := (p_settings ->> 'significance')::double precision;
    v_least   double precision := (p_settings -> 'slices' ->> 'least_events')::double precision;
    v_days    integer := (p_settings -> 'baseline' ->> 'window_days')::integer;
    v_hour    timestamptz := date_trunc('hour', p_at, 'UTC');
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
        WHERE a.metric_name = 'model_mix' AND (a.status <> 'resolved' OR a.held_severity IS NOT NULL) AND a.live_since <= p_at);
    v_near := v_hour - CASE WHEN v_is_live THEN interval '3 hours' ELSE interval '1 hour' END;
    v_cleared := monitoring_bucket(monitoring_last_clearing('model_mix', p_at) + interval '4 minutes 59 seconds');
    RETURN QUERY
        WITH windows AS MATERIALIZED (                  -- the last one, of three hours, says whether it is over
            SELECT
                scanned.window_seconds, true AS is_judged, ends.at AS ends_at,
                greatest(ends.at - scanned.window_seconds * interval '1 second', v_cleared) AS starts_at
            FROM monitoring_scanned_windows(p_settings) scanned
            CROSS JOIN LATERAL (
                SELECT CASE WHEN scanned.window_seconds <= 3600 THEN p_at ELSE v_hour END AS at
            ) ends
            WHERE scanned.window_seconds IN (600, 1800, 3600)
               OR p_with_hours AND scanned.is_named AND scanned.window_seconds BETWEEN 7200 AND 86400 AND scanned.window_seconds % 3600 = 0
            UNION ALL
            SELECT 0, false, p_at, p_at - interval '3 hours'
            WHERE v_is_live
        ),
        stretches AS MATERIALIZED (                     -- the latest hours by five minutes, what is before them by whole ones
            SELECT near.starts_at, near.model, sum(near.events)::double precision AS events
            FROM (
                SELECT s.hour_start + (m.mark >> 4) * interval '5 minutes' AS starts_at, s.model, m.events
                FROM monitoring_rollup_slices s
                CROSS JOIN LATERAL unnest(s.mark_values, s.mark_counts) AS m (mark, events)
                WHERE s.hour_start >= v_near AND s.hour_start < p_at
            ) near
            WHERE near.starts_at < p_at
            GROUP BY near.starts_at, near.model
            UNION ALL
            SELECT s.hour_start, s.model, sum(s.total_events)::double precision
            FROM monitoring_rollup_slices s
            WHERE p_with_hours AND s.hour_start >= v_hour - interval '24 hours' AND s.hour_start < v_near
            GROUP BY s.hour_start, s.model
        ),
        baseline AS MATERIALIZED (
            SELECT b.value AS model, b.total_events AS events, b.dispersion, b.baseline_until
            FROM monitoring_slices_of_baseline(
                p_settings -> 'baseline' ->> 'name', v_days,
                (p_at AT TIME ZONE 'UTC')::date) b
            WHERE b.metric_name = 'model_mix'
        ),
        models AS (
            SELECT model FROM baseline UNION SELECT model FROM stretches
        ),
        cells AS (                                      -- half an event more than was seen, so that no share is nought
            SELECT
                w.window_seconds, w.starts_at, w.ends_at, w.is_judged, m.model,
                coalesce(sum(h.events), 0) AS seen, coalesce(min(b.events), 0) AS before
            FROM windows w
            CROSS JOIN models m
            LEFT JOIN stretches h ON h.model = m.model AND h.starts_at >= w.starts_at AND h.starts_at < w.ends_at
            LEFT JOIN baseline b ON b.model = m.model
            GROUP BY w.window_seconds, w.starts_at, w.ends_at, w.is_judged, m.model
        ),
        shares AS (
            SELECT
                c.*,
                (c.seen + 0.5) / (sum(c.seen) OVER w + 0.5 * count(*) OVER w) AS share,
                (c.before + 0.5) / (sum(c.before) OVER w + 0.5 * count(*) OVER w) AS share_before
            FROM cells c
            WINDOW w AS (PARTITION BY c.window_seconds)
        ),
        ranked AS (
            SELECT s.*, row_number() OVER (PARTITION BY s.window_seconds ORDER BY abs(s.share - s.share_before) DESC, s.model) AS place
            FROM shares s
        ),
        indices AS (
            SELECT
                s.window_seconds, s.starts_at, s.ends_at, s.is_judged, sum(s.seen) AS total, sum(s.before) AS weight, count(*) AS models,
                sum((s.share - s.share_before) * ln(s.share / s.share_before)) AS psi,
                (array_agg(s.model ORDER BY s.share - s.share_before DESC, s.model))[1] AS risen,
                (array_agg(s.seen ORDER BY s.share - s.share_before DESC, s.model))[1] AS risen_seen,
                (array_agg(s.share ORDER BY s.share - s.share_before DESC, s.model))[1] AS risen_share,
                (array_agg(s.share_before ORDER BY s.share - s.share_before DESC, s.model))[1] AS risen_before,
                jsonb_agg(jsonb_build_object(
                    'model', s.model, 'share', round(s.share::numeric, 4), 'baseline_share', round(s.share_before::numeric, 4))
                    ORDER BY s.place) FILTER (WHERE s.place <= 10) AS detail
            FROM ranked s
            GROUP BY s.window_seconds, s.starts_at, s.ends_at, s.is_judged
        ),
        spread AS (
            SELECT coalesce(max(b.dispersion), 1) AS dispersion, count(*) > 0 AS armed, max(b.baseline_until) AS baseline_until FROM baseline b
        ),
        tested AS (
            SELECT
                i.*, spread.dispersion, spread.armed, spread.baseline_until, noise.unit,
                greatest(v_setting.floor, noise.unit * monitoring_chi_square_quantile(v_level, greatest(i.models - 1, 1))) AS threshold,
                CASE WHEN i.total > 0 AND spread.armed AND (p_complete OR i.psi >= v_setting.floor)
                    THEN monitoring_chi_square_p(i.psi / noise.unit, greatest(i.models - 1, 1)) END AS p_value
            FROM indices i
            CROSS JOIN spread
            CROSS JOIN LATERAL (
                SELECT 1 / nullif(i.total, 0) + (1 + (spread.dispersion - 1) * v_days * 8 / 7) / nullif(i.weight, 0) AS unit
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
            SELECT CASE WHEN g.total >= v_least AND g.psi < 0.1 + (g.models - 1) / g.total THEN 2.5 ELSE 0 END::double precision AS calm
            FROM graded g
            WHERE NOT g.is_judged
        )
        SELECT
            v_setting.metric_name, v_setting.alert_type, NULL::text, NULL::text, g.window_seconds, 0, g.starts_at, g.ends_at, 'model_mix',
            v_setting.rule, CASE WHEN g.total > 0 THEN g.psi END, CASE WHEN g.total > 0 THEN g.threshold END,
            CASE WHEN g.total > 0 THEN g.ratio END, g.total, g.risen_seen, g.total * g.risen_before, NULL::double precision,
            g.p_value, v_level, g.dispersion, g.weight, NULL::double precision, ARRAY[over.calm, over.calm, over.calm],
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
            false, 'model', nullif(g.risen, ''), NULL::double precision,
            jsonb_build_object('models', g.detail, 'risen', jsonb_build_object(
                'model', g.risen, 'share', round(g.risen_share::numeric, 4), 'baseline_share', round(g.risen_before::numeric, 4))), NULL::timestamptz, g.baseline_until,
            v_setting.threshold_low, v_setting.threshold_medium, v_setting.threshold_high, v_setting.threshold_critical
        FROM graded g
        LEFT JOIN over ON true
        WHERE g.is_judged AND (g.window_seconds >= 3600 OR g.ratio >= 1);
END
$$;
COMMENT ON FUNCTION monitoring_judge_mix(timestamptz, jsonb, boolean, boolean) IS
    'The mix of models in windows that end at a moment (of over an hour: at its last full hour, and with hours alone) against the baseline''s: the population stability index '
    'PSI = sum((a - e) ln(a / e)) over the models, half an event added to each count. Its threshold is the floor (0.2) or, where that '
    'is more, what chance exceeds at the level: chi-square of one degree less than there are models, times dispersion (1/n + 1/N). ratio is '
    'PSI over threshold; bad and expected are those of the model whose share rose most. The ratio rule knows the floor alone.';
