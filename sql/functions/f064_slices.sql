-- Narrow alerts: one model, backend, agent or version that got worse, where all events together do not show it.

CREATE OR REPLACE FUNCTION monitoring_slice_latency(
    p_dimension text, p_value text, p_from timestamptz, p_until timestamptz, p_unfit tstzmultirange DEFAULT '{}')
RETURNS double precision
LANGUAGE sql STABLE
SET jit = off
AS $$
WITH duration AS (
    SELECT value, sum(coalesce(events, 1)) AS events
    FROM (
        SELECT unnest(s.latency_values) AS value, unnest(s.latency_counts) AS events
        FROM monitoring_rollup_slices s
        WHERE s.hour_start >= p_from AND s.hour_start < p_until AND NOT s.hour_start <@ p_unfit
          AND CASE p_dimension WHEN 'model' THEN s.model WHEN 'backend' THEN s.backend WHEN 'agent' THEN s.agent ELSE s.version END = p_value
    ) measured
    GROUP BY value
),
ranked AS (
    SELECT value, sum(events) OVER (ORDER BY value)::bigint AS rank FROM duration ORDER BY value
)
SELECT monitoring_percentile(array_agg(value), array_agg(rank), 0.95) FROM ranked
$$;
COMMENT ON FUNCTION monitoring_slice_latency(text, text, timestamptz, timestamptz, tstzmultirange) IS
    'The p95 of a slice''s latency in whole UTC hours, in milliseconds, as percentile_cont gives it; null without latencies.';

CREATE OR REPLACE FUNCTION monitoring_slice_windows(p_at timestamptz, p_settings jsonb, p_with_hours boolean)
RETURNS TABLE (metric_name text, alert_type text, floor double precision, window_seconds integer, by_hours boolean,
               starts_at timestamptz, recent_at timestamptz, ends_at timestamptz)
LANGUAGE sql STABLE
AS $$
WITH sliced AS MATERIALIZED (
    SELECT s.metric_name, s.alert_type, s.floor, monitoring_last_clearing(s.metric_name, p_at) AS cleared_at
    FROM monitoring_metric_settings(p_settings) s
    WHERE s.metric_name IN ('fallback_rate', 'error_rate', 'duplicate_rate', 'latency_p95') AND s.enabled AND s.rule = 'evidence'
),
scanned AS (
    SELECT w.window_seconds, grain.by_hours, CASE WHEN grain.by_hours THEN date_trunc('hour', p_at, 'UTC') ELSE p_at END AS ends_at
    FROM monitoring_scanned_windows(p_settings) w
    CROSS JOIN (VALUES (false), (p_with_hours)) grain (by_hours)
    WHERE w.window_seconds >= 600 AND w.window_seconds <= CASE WHEN grain.by_hours THEN 86400 ELSE 7200 END
      AND (NOT grain.by_hours OR w.window_seconds % 3600 = 0)
    GROUP BY w.window_seconds, grain.by_hours
)
SELECT
    sliced.metric_name, sliced.alert_type, sliced.floor, scanned.window_seconds, scanned.by_hours,
    greatest(scanned.ends_at - scanned.window_seconds * interval '1 second', cleared.at),
    CASE WHEN scanned.window_seconds >= 21600
        THEN greatest(scanned.ends_at - (scanned.window_seconds + 21599) / 21600 * interval '1 hour', cleared.at) END,
    scanned.ends_at
FROM sliced
JOIN scanned ON CASE WHEN sliced.metric_name = 'latency_p95' THEN scanned.by_hours
                     ELSE NOT scanned.by_hours OR scanned.window_seconds > 7200 END
CROSS JOIN LATERAL (
    SELECT CASE WHEN scanned.by_hours THEN date_trunc('hour', sliced.cleared_at + interval '59 minutes 59 seconds', 'UTC')
                ELSE monitoring_bucket(sliced.cleared_at + interval '4 minutes 59 seconds') END AS at
) cleared
$$;
COMMENT ON FUNCTION monitoring_slice_windows(timestamptz, jsonb, boolean) IS
    'The windows of slices that end at a moment: to two hours by five minutes, beyond them up to a day by whole hours, those with hours alone. '
    'Latency is known of slices by hours only. None reaches back over the metric''s last close.';

CREATE OR REPLACE FUNCTION monitoring_slice_counts(p_at timestamptz, p_settings jsonb, p_with_hours boolean)
RETURNS TABLE (metric_name text, alert_type text, dimension text, value text, window_seconds integer, starts_at timestamptz,
               ends_at timestamptz, live_since timestamptz, total double precision, bad double precision, expected double precision,
               weight double precision, dispersion double precision, daily double precision, recent_bad double precision,
               recent_expected double precision, calm double precision[], baseline_total double precision,
               baseline_bad double precision, baseline_until timestamptz, floored boolean, watched bigint)
LANGUAGE plpgsql STABLE
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_name   text := p_settings -> 'baseline' ->> 'name';
    v_days   integer := (p_settings -> 'baseline' ->> 'window_days')::integer;
    v_day    date := (p_at AT TIME ZONE 'UTC')::date;
    v_hour   timestamptz := date_trunc('hour', p_at, 'UTC');
    v_least  double precision := (p_settings -> 'slices' ->> 'least_events')::double precision;
    v_bad    double precision := (p_settings ->> 'least_bad_events')::double precision;
    v_limits double precision[];
    v_first  timestamptz;
BEGIN
    SELECT array_agg(p.latency_p95 ORDER BY p.hour_of_day) FILTER (WHERE p.metric_name = 'latency_p95')
    INTO v_limits
    FROM monitoring_profile(v_name, v_days, v_day) p;
    SELECT least(
        v_hour - interval '24 hours',
        CASE WHEN count(*) > 0 THEN greatest(min(date_trunc('hour', a.live_since, 'UTC')), v_hour - interval '72 hours') END)
    INTO v_first
    FROM monitoring_alerts a
    WHERE a.slice_dimension IS NOT NULL AND (a.status <> 'resolved' OR a.held_severity IS NOT NULL) AND a.live_since <= p_at;
    RETURN QUERY
        WITH windows AS MATERIALIZED (
            SELECT * FROM monitoring_slice_windows(p_at, p_settings, p_with_hours)
        ),
        live AS MATERIALIZED (
            SELECT a.metric_name, a.slice_dimension AS dimension, a.slice_value AS value, min(a.live_since) AS since
            FROM monitoring_alerts a
            WHERE a.slice_dimension IS NOT NULL AND (a.status <> 'resolved' OR a.held_severity IS NOT NULL) AND a.live_since <= p_at
            GROUP BY a.metric_name, a.slice_dimension, a.slice_value
        ),
        profile AS MATERIALIZED (
            SELECT p.metric_name, p.hour_of_day, p.rate, p.overall_rate, p.hourly_dispersion, p.dispersion, p.baseline_until
            FROM monitoring_profile(v_name, v_days, v_day) p
        ),
        known AS MATERIALIZED (
            SELECT p.metric_name, min(p.overall_rate) AS rate, min(p.dispersion) AS dispersion, min(p.baseline_until) AS baseline_until
            FROM profile p
            GROUP BY p.metric_name
        ),
        stretches AS (                                  -- every value by five minutes, and by hours
            SELECT false AS by_hours, b.dimension, b.value, b.bucket_start AS starts_at, b.total_events, b.failed_events, b.fallback_events,
                b.duplicate_events, NULL::bigint AS latency_events, NULL::bigint AS slow_events
            FROM monitoring_slice_buckets(p_at - interval '2 hours', p_at) b
            UNION ALL
            SELECT true, h.dimension, h.value, h.hour_start, h.total_events, h.failed_events, h.fallback_events, h.duplicate_events,
                h.latency_events, h.slow_events
            FROM monitoring_slice_hours(CASE WHEN p_with_hours THEN v_first ELSE v_hour END, v_hour, v_limits) h
        ),
        cells AS MATERIALIZED (                         -- one row a metric, value and stretch
            SELECT
                each.metric_name, s.by_hours, s.dimension, s.value, s.starts_at, each.total::double precision AS total,
                each.bad::double precision AS bad, each.total * profile.rate AS expected
            FROM stretches s
            CROSS JOIN LATERAL (VALUES
                ('fallback_rate',  s.total_events,   s.fallback_events),
                ('error_rate',     s.total_events,   s.failed_events),
                ('duplicate_rate', s.total_events,   s.duplicate_events),
                ('latency_p95',    s.latency_events, s.slow_events)) each (metric_name, total, bad)
            JOIN profile
                ON profile.metric_name = each.metric_name
                AND profile.hour_of_day = extract(hour FROM s.starts_at AT TIME ZONE 'UTC')::integer
            WHERE s.value <> '' AND each.total > 0
        ),
        own AS MATERIALIZED (                           -- its own share before, shrunk by ten bad events towards that of all
            SELECT
                c.metric_name, c.dimension, c.value, greatest(c.of_hours, c.of_buckets) AS total,
                greatest((coalesce(b.bad_events, 0) + 10) / (coalesce(b.expected, 0) + 10), kinds.floor / known.rate) AS factor,
                (coalesce(b.bad_events, 0) + 10) / (coalesce(b.expected, 0) + 10) < kinds.floor / known.rate AS floored,
                coalesce(b.bad_events, 0) + 10 AS weight,
                coalesce(b.dispersion, known.dispersion, 1) AS dispersion,
                coalesce(b.total_events, 0) AS baseline_total, coalesce(b.bad_events, 0) AS baseline_bad, known.baseline_until,
                kinds.alert_type
            FROM (
                SELECT
                    cells.metric_name, cells.dimension, cells.value,
                    sum(cells.total) FILTER (WHERE cells.by_hours) AS of_hours, sum(cells.total) FILTER (WHERE NOT cells.by_hours) AS of_buckets
                FROM cells
                GROUP BY cells.metric_name, cells.dimension, cells.value
            ) c
            JOIN known USING (metric_name)
            JOIN (SELECT DISTINCT w.metric_name, w.alert_type, w.floor FROM windows w) kinds USING (metric_name)
            LEFT JOIN monitoring_slices_of_baseline(v_name, v_days, v_day) b USING (metric_name, dimension, value)
        ),
        crowd AS (                                      -- so many values are looked at
            SELECT own.metric_name, count(*) AS watched FROM own WHERE own.total >= v_least GROUP BY own.metric_name
        ),
        back AS (                                       -- summed back from the end
            SELECT
                c.metric_name, c.dimension, c.value, own.dispersion,
                sum(c.bad) OVER stretch AS bad, sum(c.expected * own.factor) OVER stretch AS expected
            FROM cells c
            JOIN own USING (metric_name, dimension, value)
            WINDOW stretch AS (PARTITION BY c.metric_name, c.by_hours, c.dimension, c.value ORDER BY c.starts_at DESC)
        ),
        hot AS MATERIALIZED (                           -- where some stretch that ends now could pass the test, and where there is an alert
            SELECT DISTINCT b.metric_name, b.dimension, b.value
            FROM back b
            WHERE b.bad >= v_bad AND b.bad > b.expected AND monitoring_poisson_likelihood(b.bad, b.expected) / b.dispersion >= 4
            UNION
            SELECT live.metric_name, live.dimension, live.value FROM live
        ),
        sums AS (
            SELECT
                w.metric_name, c.dimension, c.value, w.window_seconds, w.starts_at, w.ends_at,
                sum(c.total) AS total, sum(c.bad) AS bad, sum(c.expected) AS expected,
                coalesce(sum(c.bad) FILTER (WHERE c.starts_at >= w.recent_at), 0) AS recent_bad,
                coalesce(sum(c.expected) FILTER (WHERE c.starts_at >= w.recent_at), 0) AS recent_expected
            FROM hot
            JOIN cells c USING (metric_name, dimension, value)
            JOIN windows w ON w.metric_name = c.metric_name AND w.by_hours = c.by_hours AND c.starts_at >= w.starts_at
            GROUP BY w.metric_name, c.dimension, c.value, w.window_seconds, w.starts_at, w.ends_at
        ),
        runs AS (
            SELECT
                live.metric_name, live.dimension, live.value, multiples.place,
                sum(((multiples.multiple - 1) * c.expected * own.factor - c.bad * ln(multiples.multiple)) / own.dispersion) OVER (
                    PARTITION BY live.metric_name, live.dimension, live.value, multiples.place ORDER BY c.starts_at DESC) AS for_normal
            FROM live
            JOIN cells c ON c.metric_name = live.metric_name AND c.dimension = live.dimension AND c.value = live.value
                AND c.by_hours = p_with_hours AND c.starts_at >= date_trunc('hour', live.since, 'UTC')
            JOIN own ON own.metric_name = live.metric_name AND own.dimension = live.dimension AND own.value = live.value
            CROSS JOIN (VALUES (1, 1.6::double precision), (2, 2), (3, 3)) multiples (place, multiple)
        ),
        calmness AS (
            SELECT best.metric_name, best.dimension, best.value, array_agg(best.for_normal ORDER BY best.place) AS calm
            FROM (
                SELECT r.metric_name, r.dimension, r.value, r.place, greatest(0, max(r.for_normal)) AS for_normal
                FROM runs r
                GROUP BY r.metric_name, r.dimension, r.value, r.place
            ) best
            GROUP BY best.metric_name, best.dimension, best.value
        )
        SELECT
            s.metric_name, own.alert_type, s.dimension, s.value, s.window_seconds, s.starts_at, s.ends_at, live.since,
            s.total, s.bad, s.expected * own.factor, own.weight, own.dispersion,
            s.expected * own.factor * 86400 / s.window_seconds, s.recent_bad, s.recent_expected * own.factor,
            calmness.calm, own.baseline_total, own.baseline_bad, own.baseline_until, own.floored, coalesce(crowd.watched, 1)
        FROM sums s
        JOIN own USING (metric_name, dimension, value)
        LEFT JOIN crowd USING (metric_name)
        LEFT JOIN live USING (metric_name, dimension, value)
        LEFT JOIN calmness USING (metric_name, dimension, value);
END
$$;
COMMENT ON FUNCTION monitoring_slice_counts(timestamptz, jsonb, boolean) IS
    'For each rate, each value of a dimension that has an alert or could show something, and each window: events, bad ones, how many the value''s own past lets expect (its factor '
    '(X + 10) / (E + 10) over the profile''s rates, never under the floor), the bad events which that rests on, the scatter of its '
    'hours, and, while it has an alert, calm as in monitoring_window_counts (without hours, of the last two). watched: how many values were '
    'looked at.';

CREATE OR REPLACE FUNCTION monitoring_judge_slices(p_at timestamptz, p_settings jsonb, p_with_hours boolean)
RETURNS SETOF monitoring_judgement
LANGUAGE plpgsql STABLE
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_least_bad double precision := (p_settings ->> 'least_bad_events')::double precision;
    v_least     double precision := (p_settings -> 'slices' ->> 'least_events')::double precision;
BEGIN
    IF NOT (p_settings -> 'slices' ->> 'enabled')::boolean THEN
        RETURN;
    END IF;
    RETURN QUERY
        WITH counts AS MATERIALIZED (
            SELECT c.* FROM monitoring_slice_counts(p_at, p_settings, p_with_hours) c WHERE c.total >= v_least OR c.live_since IS NOT NULL
        ),
        tested AS MATERIALIZED (
            SELECT
                c.*, monitoring_level(p_settings, c.daily, c.dispersion) / c.watched AS level, c.bad / nullif(c.expected, 0) AS excess, c.recent_bad / nullif(c.recent_expected, 0) AS recent_ratio,
                s.threshold_low, s.threshold_medium, s.threshold_high, s.threshold_critical,
                CASE WHEN c.bad >= v_least_bad AND c.bad >= 1.2 * c.expected
                    THEN monitoring_poisson_ratio_p(c.bad / c.dispersion, c.expected / c.dispersion, c.weight / c.dispersion)
                END AS p_value
            FROM counts c
            JOIN monitoring_metric_settings(p_settings) s USING (metric_name)
        ),
        shown AS (
            SELECT t.*, t.p_value <= t.level AND (t.window_seconds < 21600 OR t.recent_ratio >= 1.2) AS proven
            FROM tested t
            WHERE t.live_since IS NOT NULL OR t.p_value <= t.level
        ),
        valued AS (
            SELECT
                s.*,
                CASE WHEN s.metric_name <> 'latency_p95' THEN s.bad / nullif(s.total, 0)
                     WHEN s.proven THEN monitoring_slice_latency(s.dimension, s.value, s.starts_at, s.ends_at) END AS current_value,
                CASE WHEN s.metric_name <> 'latency_p95' THEN s.expected / nullif(s.total, 0)
                     WHEN s.proven THEN (
                        SELECT monitoring_slice_latency(s.dimension, s.value, spans.baseline_from, spans.baseline_until, spans.unfit)
                        FROM monitoring_baseline_spans(
                            p_settings -> 'baseline' ->> 'name', (p_settings -> 'baseline' ->> 'window_days')::integer,
                            (p_at AT TIME ZONE 'UTC')::date) spans
                        WHERE spans.metric_name = 'latency_p95') END AS baseline_value
            FROM shown s
        ),
        compared AS (
            SELECT v.*, round((v.current_value / nullif(v.baseline_value, 0))::numeric, 4)::double precision AS ratio FROM valued v
        ),
        graded AS (
            SELECT
                c.*,
                monitoring_ratio_severity(
                    c.ratio, c.threshold_low, c.threshold_medium, c.threshold_high, c.threshold_critical, false) AS grade
            FROM compared c
        )
        SELECT
            g.metric_name, g.alert_type, g.dimension, g.value, g.window_seconds, 0, g.starts_at, g.ends_at, g.metric_name, 'evidence',
            g.current_value, g.baseline_value, g.ratio, g.total, g.bad, g.expected,
            CASE WHEN g.proven THEN monitoring_poisson_ratio_bound(
                g.bad / g.dispersion, g.expected / g.dispersion, g.weight / g.dispersion, g.level) END,
            g.p_value, g.level, g.dispersion, g.weight, g.recent_ratio, g.calm,
            CASE
                WHEN g.bad < v_least_bad THEN 'too_few'
                WHEN NOT coalesce(g.proven, false) THEN CASE WHEN g.grade IS NULL THEN 'below_threshold' ELSE 'within_noise' END
                WHEN g.grade IS NULL THEN 'below_threshold'
                ELSE g.grade
            END,
            NULL::text, g.floored, g.dimension, g.value,
            CASE WHEN g.bad > g.expected THEN monitoring_poisson_likelihood(g.bad, g.expected) ELSE 0 END / g.dispersion,
            jsonb_build_object('baseline_events', g.baseline_total, 'baseline_bad_events', g.baseline_bad),
            NULL::timestamptz, g.baseline_until,
            g.threshold_low, g.threshold_medium, g.threshold_high, g.threshold_critical
        FROM graded g;
END
$$;
COMMENT ON FUNCTION monitoring_judge_slices(timestamptz, jsonb, boolean) IS
    'The single values of the dimensions that got worse, and those that have an alert, in windows that end at a moment, the longer ones with '
    'hours alone. The evidence rule as for all events, at a level shared by all the values with at least slices.least_events in a window.';

CREATE OR REPLACE FUNCTION monitoring_slice_stands_alone(p_row jsonb, p_settings jsonb) RETURNS boolean
LANGUAGE plpgsql STABLE
SET jit = off
AS $$
DECLARE
    v_part      text := p_row ->> 'metric_name';
    v_dimension text := p_row ->> 'slice_dimension';
    v_value     text := p_row ->> 'slice_value';
    v_day       date := ((p_row ->> 'ends_at')::timestamptz AT TIME ZONE 'UTC')::date;
    v_from      timestamptz := (p_row ->> 'starts_at')::timestamptz;
    v_until     timestamptz := (p_row ->> 'ends_at')::timestamptz;
    v_bit       integer := CASE v_part WHEN 'fallback_rate' THEN 2 WHEN 'error_rate' THEN 4 ELSE 1 END;
    v_factor    double precision := (p_row ->> 'expected')::double precision;
    v_bad       double precision;
    v_expected  double precision;
    v_whole     double precision;
BEGIN
    IF NOT EXISTS (
        SELECT FROM monitoring_alerts a
        WHERE a.metric_name = v_part AND a.slice_dimension IS NOT NULL AND a.status <> 'resolved'
          AND (a.slice_dimension, a.slice_value) <> (v_dimension, v_value)) THEN
        RETURN true;
    END IF;
    WITH profile AS (
        SELECT p.hour_of_day, p.rate, p.latency_p95
        FROM monitoring_profile(p_settings -> 'baseline' ->> 'name', (p_settings -> 'baseline' ->> 'window_days')::integer, v_day) p
        WHERE p.metric_name = v_part
    ),
    slice AS (
        SELECT
            each.total * profile.rate AS expected, each.bad,
            EXISTS (
                SELECT FROM monitoring_alerts a
                WHERE a.metric_name = v_part AND a.status <> 'resolved'
                  AND (a.slice_dimension, a.slice_value) <> (v_dimension, v_value)
                  AND a.slice_value = CASE a.slice_dimension
                        WHEN 'model' THEN s.model WHEN 'backend' THEN s.backend WHEN 'agent' THEN s.agent ELSE s.version END) AS told
        FROM monitoring_rollup_slices s
        JOIN profile ON profile.hour_of_day = extract(hour FROM s.hour_start AT TIME ZONE 'UTC')::integer
        CROSS JOIN LATERAL (                            -- of latency whole hours, of all else the five minutes that lie in the window
            SELECT s.latency_events AS total, monitoring_count_above(s.latency_values, s.latency_counts, profile.latency_p95) AS bad
            WHERE v_part = 'latency_p95'
            UNION ALL
            SELECT coalesce(sum(m.events), 0), coalesce(sum(m.events) FILTER (WHERE m.mark & v_bit <> 0), 0)
            FROM unnest(s.mark_values, s.mark_counts) AS m (mark, events)
            WHERE v_part <> 'latency_p95' AND s.hour_start + (m.mark >> 4) * interval '5 minutes' >= v_from
              AND s.hour_start + (m.mark >> 4) * interval '5 minutes' < v_until
        ) each
        WHERE s.hour_start > v_from - interval '1 hour' AND s.hour_start < v_until
          AND CASE v_dimension WHEN 'model' THEN s.model WHEN 'backend' THEN s.backend WHEN 'agent' THEN s.agent ELSE s.version END = v_value
    )
    SELECT sum(bad) FILTER (WHERE NOT told), sum(expected) FILTER (WHERE NOT told), sum(expected) INTO v_bad, v_expected, v_whole FROM slice;
    v_factor := v_factor / nullif(v_whole, 0);          -- the slice's own level over the profile's
    RETURN coalesce(v_bad >= (p_settings ->> 'least_bad_events')::double precision AND monitoring_poisson_ratio_p(
        v_bad / (p_row ->> 'dispersion')::double precision, v_expected * v_factor / (p_row ->> 'dispersion')::double precision,
        (p_row ->> 'weight')::double precision / (p_row ->> 'dispersion')::double precision)
        <= (p_row ->> 'significance')::double precision, false);
END
$$;
COMMENT ON FUNCTION monitoring_slice_stands_alone(jsonb, jsonb) IS
    'Whether what a slice shows (a judgement as JSON) is still proven without the events of those slices of the metric that have an '
    'alert already: a model''s failures make its backend and its agent look bad too.';
