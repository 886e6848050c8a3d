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

CREATE OR REPLACE FUNCTION monitoring_slice_windows(p_moments timestamptz[], p_settings jsonb, p_hourly timestamptz[])
RETURNS TABLE (at timestamptz, metric_name text, alert_type text, floor double precision, window_seconds integer, by_hours boolean,
               starts_at timestamptz, recent_at timestamptz, ends_at timestamptz)
LANGUAGE sql STABLE
AS $$
WITH sliced AS MATERIALIZED (
    SELECT
        s.metric_name, s.alert_type, s.floor,
        monitoring_last_clearing(s.metric_name, (SELECT min(moment) FROM unnest(p_moments) moment)) AS cleared_at
    FROM monitoring_metric_settings(p_settings) s
    WHERE s.metric_name IN ('fallback_rate', 'error_rate', 'duplicate_rate', 'latency_p95') AND s.enabled AND s.rule = 'evidence'
),
scanned AS MATERIALIZED (
    SELECT w.window_seconds, grain.by_hours
    FROM monitoring_scanned_windows(p_settings) w
    CROSS JOIN (VALUES (false), (true)) grain (by_hours)
    WHERE w.window_seconds >= 600 AND w.window_seconds <= CASE WHEN grain.by_hours THEN 86400 ELSE 7200 END
      AND (NOT grain.by_hours OR w.window_seconds % 3600 = 0)
)
SELECT
    moment, sliced.metric_name, sliced.alert_type, sliced.floor, scanned.window_seconds, scanned.by_hours,
    greatest(ends.at - scanned.window_seconds * interval '1 second', cleared.at),
    CASE WHEN scanned.window_seconds >= 21600
        THEN greatest(ends.at - (scanned.window_seconds + 21599) / 21600 * interval '1 hour', cleared.at) END,
    ends.at
FROM sliced
JOIN scanned ON CASE WHEN sliced.metric_name = 'latency_p95' THEN scanned.by_hours
                     ELSE NOT scanned.by_hours OR scanned.window_seconds > 7200 END
JOIN unnest(p_moments) moment ON NOT scanned.by_hours OR moment = ANY (p_hourly)
CROSS JOIN LATERAL (
    SELECT CASE WHEN scanned.by_hours THEN date_trunc('hour', moment, 'UTC') ELSE moment END AS at
) ends
CROSS JOIN LATERAL (
    SELECT CASE WHEN scanned.by_hours THEN date_trunc('hour', sliced.cleared_at + interval '59 minutes 59 seconds', 'UTC')
                ELSE monitoring_bucket(sliced.cleared_at + interval '4 minutes 59 seconds') END AS at
) cleared
$$;
COMMENT ON FUNCTION monitoring_slice_windows(timestamptz[], jsonb, timestamptz[]) IS
    'The windows of slices that end at moments: to two hours by five minutes, beyond them up to a day by whole hours, those of the moments '
    'in p_hourly alone. Latency is known of slices by hours only. None reaches back over the metric''s last close.';

CREATE OR REPLACE FUNCTION monitoring_slice_counts(p_moments timestamptz[], p_settings jsonb, p_complete boolean, p_hourly timestamptz[])
RETURNS TABLE (at timestamptz, metric_name text, alert_type text, dimension text, value text, window_seconds integer,
               starts_at timestamptz, ends_at timestamptz, live_since timestamptz, total double precision, bad double precision,
               expected double precision, weight double precision, dispersion double precision, daily double precision,
               recent_bad double precision, recent_expected double precision, calm double precision[], baseline_total double precision,
               baseline_bad double precision, baseline_until timestamptz, floored boolean, watched bigint)
LANGUAGE plpgsql STABLE
SET jit = off
SET work_mem = '16MB'
AS $$
#variable_conflict use_column
DECLARE
    v_name   CONSTANT text := p_settings -> 'baseline' ->> 'name';
    v_days   CONSTANT integer := (p_settings -> 'baseline' ->> 'window_days')::integer;
    v_from   CONSTANT timestamptz := (SELECT min(moment) FROM unnest(p_moments) moment);
    v_until  CONSTANT timestamptz := (SELECT max(moment) FROM unnest(p_moments) moment);
    v_day    CONSTANT date := (v_from AT TIME ZONE 'UTC')::date;
    v_hour   CONSTANT timestamptz := date_trunc('hour', v_from, 'UTC');
    v_least  CONSTANT double precision := (p_settings -> 'slices' ->> 'least_events')::double precision;
    v_bad    CONSTANT double precision := (p_settings ->> 'least_bad_events')::double precision;
    v_near   CONSTANT timestamptz := monitoring_bucket(v_from - interval '2 hours');
    v_limits double precision[];
    v_far    timestamptz;                               -- where the curves by hours begin
BEGIN
    SELECT array_agg(p.latency_p95 ORDER BY p.hour_of_day) FILTER (WHERE p.metric_name = 'latency_p95')
    INTO v_limits
    FROM monitoring_profile(v_name, v_days, v_day) p;
    SELECT least(
        v_hour - interval '24 hours',
        CASE WHEN count(*) > 0 THEN greatest(min(date_trunc('hour', a.live_since, 'UTC')), v_hour - interval '72 hours') END)
    INTO v_far
    FROM monitoring_alerts a
    WHERE a.labels IS NULL AND a.slice_dimension IS NOT NULL AND (a.status <> 'resolved' OR a.held_severity IS NOT NULL)
      AND a.live_since <= v_from;
    RETURN QUERY
        WITH windows AS MATERIALIZED (
            SELECT
                w.*, curve.until, least(greatest(monitoring_place(curve.first, w.starts_at, curve.seconds), 1), curve.until) AS begin,
                least(monitoring_place(curve.first, w.recent_at, curve.seconds), curve.until) AS recent
            FROM monitoring_slice_windows(p_moments, p_settings, p_hourly) w
            CROSS JOIN LATERAL (
                SELECT
                    grain.first, grain.seconds, monitoring_place(grain.first, w.ends_at, grain.seconds) AS until
                FROM (VALUES (false, v_near, 300), (true, v_far, 3600)) grain (by_hours, first, seconds)
                WHERE grain.by_hours = w.by_hours
            ) curve
        ),
        live AS MATERIALIZED (
            SELECT a.metric_name, a.slice_dimension AS dimension, a.slice_value AS value, min(a.live_since) AS since
            FROM monitoring_alerts a
            WHERE a.labels IS NULL AND a.slice_dimension IS NOT NULL AND (a.status <> 'resolved' OR a.held_severity IS NOT NULL)
              AND a.live_since <= v_from
            GROUP BY a.metric_name, a.slice_dimension, a.slice_value
        ),
        profile AS MATERIALIZED (
            SELECT p.metric_name, p.hour_of_day, p.rate, p.overall_rate, p.dispersion, p.baseline_until
            FROM monitoring_profile(v_name, v_days, v_day) p
        ),
        known AS MATERIALIZED (
            SELECT p.metric_name, min(p.overall_rate) AS rate, min(p.dispersion) AS dispersion, min(p.baseline_until) AS baseline_until
            FROM profile p
            GROUP BY p.metric_name
        ),
        rates AS MATERIALIZED (                         -- what is usual at an hour of the day, null for what is not armed
            SELECT
                p.hour_of_day,
                max(p.rate) FILTER (WHERE p.metric_name = 'fallback_rate') AS fallback_rate,
                max(p.rate) FILTER (WHERE p.metric_name = 'error_rate') AS error_rate,
                max(p.rate) FILTER (WHERE p.metric_name = 'duplicate_rate') AS duplicate_rate,
                max(p.rate) FILTER (WHERE p.metric_name = 'latency_p95') AS slow_rate
            FROM profile p
            GROUP BY p.hour_of_day
        ),
        baseline AS MATERIALIZED (
            SELECT * FROM monitoring_slices_of_baseline(v_name, v_days, v_day)
        ),
        latencies AS (
            SELECT array_agg(b.value) AS models, array_agg(b.latency_factor) AS factors FROM baseline b WHERE b.latency_factor IS NOT NULL
        ),
        stretches AS MATERIALIZED (                     -- every value by five minutes, and by hours
            SELECT
                s.by_hours, s.dimension, s.value, s.place, s.total_events::double precision, s.latency_events::double precision,
                s.fallback_events::double precision, s.failed_events::double precision, s.duplicate_events::double precision,
                s.slow_events::double precision, rates.*
            FROM (
                SELECT
                    false AS by_hours, b.dimension, b.value, b.bucket_start AS starts_at,
                    monitoring_place(v_near, b.bucket_start, 300) AS place, b.total_events, b.failed_events, b.fallback_events,
                    b.duplicate_events, 0 AS latency_events, 0 AS slow_events
                FROM monitoring_slice_buckets(v_near, v_until) b
                UNION ALL
                SELECT true, h.dimension, h.value, h.hour_start, monitoring_place(v_far, h.hour_start, 3600), h.total_events, h.failed_events,
                    h.fallback_events, h.duplicate_events, h.latency_events, h.slow_events
                FROM latencies
                CROSS JOIN LATERAL monitoring_slice_hours(
                    CASE WHEN cardinality(p_hourly) > 0 THEN v_far ELSE v_hour END,
                    CASE WHEN cardinality(p_hourly) > 0 THEN date_trunc('hour', v_until, 'UTC') ELSE v_hour END,
                    v_limits, latencies.models, latencies.factors) h
            ) s
            JOIN rates ON rates.hour_of_day = extract(hour FROM s.starts_at AT TIME ZONE 'UTC')::integer
            WHERE s.value <> ''
        ),
        present AS MATERIALIZED (
            SELECT
                row_number() OVER () AS id, s.by_hours, s.dimension, s.value,
                CASE WHEN s.by_hours THEN monitoring_place(v_far, date_trunc('hour', v_until, 'UTC'), 3600)
                     ELSE monitoring_place(v_near, v_until, 300) END AS places,
                sum(s.total_events) AS total, sum(s.latency_events) AS measured, sum(s.fallback_events) AS fallback,
                sum(s.failed_events) AS failed, sum(s.duplicate_events) AS duplicate, sum(s.slow_events) AS slow
            FROM stretches s
            GROUP BY s.by_hours, s.dimension, s.value
        ),
        shown AS MATERIALIZED (                         -- what there is of each metric
            SELECT p.id, p.by_hours, p.dimension, p.value, p.places, each.metric_name, each.total, each.bad
            FROM present p
            CROSS JOIN LATERAL (VALUES
                ('fallback_rate',  p.total,    p.fallback),
                ('error_rate',     p.total,    p.failed),
                ('duplicate_rate', p.total,    p.duplicate),
                ('latency_p95',    p.measured, p.slow)) each (metric_name, total, bad)
            WHERE each.total > 0
        ),
        own AS MATERIALIZED (                           -- its own share before, shrunk by ten bad events towards that of all
            SELECT
                p.metric_name, p.dimension, p.value,
                greatest((coalesce(b.bad_events, 0) + 10) / (coalesce(b.expected, 0) + 10), kinds.floor / known.rate) AS factor,
                (coalesce(b.bad_events, 0) + 10) / (coalesce(b.expected, 0) + 10) < kinds.floor / known.rate AS floored,
                coalesce(b.bad_events, 0) + 10 AS weight,
                coalesce(b.dispersion, known.dispersion, 1) AS dispersion,
                coalesce(b.total_events, 0) AS baseline_total, coalesce(b.bad_events, 0) AS baseline_bad, known.baseline_until,
                kinds.alert_type, live.since
            FROM (SELECT DISTINCT shown.metric_name, shown.dimension, shown.value FROM shown) p
            JOIN known USING (metric_name)
            JOIN (SELECT DISTINCT w.metric_name, w.alert_type, w.floor FROM windows w) kinds USING (metric_name)
            LEFT JOIN baseline b USING (metric_name, dimension, value)
            LEFT JOIN live USING (metric_name, dimension, value)
            -- What is told of all events is told of no slice.
            WHERE p_complete OR live.since IS NOT NULL OR NOT EXISTS (
                SELECT FROM monitoring_alerts a
                WHERE a.labels IS NULL AND a.metric_name = p.metric_name AND a.slice_dimension IS NULL AND a.status <> 'resolved')
        ),
        told AS MATERIALIZED (                          -- those that could show something, and where there is an alert
            SELECT shown.*
            FROM shown
            JOIN own USING (metric_name, dimension, value)
            WHERE shown.bad >= v_bad OR own.since IS NOT NULL
        ),
        numbered AS MATERIALIZED (
            SELECT p.id, s.* FROM stretches s JOIN present p USING (by_hours, dimension, value)
        ),
        running AS (                                    -- at each place the sums of all that is before
            SELECT
                p.id,
                coalesce(sum(s.total_events) OVER earlier, 0) AS total, coalesce(sum(s.latency_events) OVER earlier, 0) AS measured,
                coalesce(sum(s.fallback_events) OVER earlier, 0) AS fallback,
                coalesce(sum(s.total_events * s.fallback_rate) OVER earlier, 0) AS fallback_expected,
                coalesce(sum(s.failed_events) OVER earlier, 0) AS failed,
                coalesce(sum(s.total_events * s.error_rate) OVER earlier, 0) AS failed_expected,
                coalesce(sum(s.duplicate_events) OVER earlier, 0) AS duplicate,
                coalesce(sum(s.total_events * s.duplicate_rate) OVER earlier, 0) AS duplicate_expected,
                coalesce(sum(s.slow_events) OVER earlier, 0) AS slow,
                coalesce(sum(s.latency_events * s.slow_rate) OVER earlier, 0) AS slow_expected
            FROM present p
            CROSS JOIN LATERAL generate_series(1, p.places) place
            LEFT JOIN numbered s USING (id, place)
            WHERE p.total >= v_least OR p.id IN (SELECT told.id FROM told)
            WINDOW earlier AS (PARTITION BY p.id ORDER BY place ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
            ORDER BY p.id, place
        ),
        back AS MATERIALIZED (
            SELECT
                r.id, array_agg(r.total) AS total, array_agg(r.measured) AS measured,
                array_agg(r.fallback) AS fallback, array_agg(r.fallback_expected) AS fallback_expected,
                array_agg(r.failed) AS failed, array_agg(r.failed_expected) AS failed_expected,
                array_agg(r.duplicate) AS duplicate, array_agg(r.duplicate_expected) AS duplicate_expected,
                array_agg(r.slow) AS slow, array_agg(r.slow_expected) AS slow_expected
            FROM running r
            GROUP BY r.id
        ),
        curves AS MATERIALIZED (
            SELECT told.metric_name, told.by_hours, told.dimension, told.value, each.total, each.bad, each.expected
            FROM back
            CROSS JOIN LATERAL (VALUES
                ('fallback_rate',  back.total,    back.fallback,  back.fallback_expected),
                ('error_rate',     back.total,    back.failed,    back.failed_expected),
                ('duplicate_rate', back.total,    back.duplicate, back.duplicate_expected),
                ('latency_p95',    back.measured, back.slow,      back.slow_expected)) each (metric_name, total, bad, expected)
            JOIN told USING (id, metric_name)
        ),
        sums AS MATERIALIZED (
            SELECT s.*
            FROM (
                SELECT
                    w.at, w.metric_name, c.dimension, c.value, w.window_seconds, w.starts_at, w.ends_at, own.since,
                    c.total[w.until] - c.total[w.begin] AS total,
                    c.bad[w.until] - c.bad[w.begin] AS bad,
                    (c.expected[w.until] - c.expected[w.begin]) * own.factor AS expected,
                    coalesce(c.bad[w.until] - c.bad[w.recent], 0) AS recent_bad,
                    coalesce(c.expected[w.until] - c.expected[w.recent], 0) * own.factor AS recent_expected,
                    own.dispersion
                FROM curves c
                JOIN own USING (metric_name, dimension, value)
                JOIN windows w ON w.metric_name = c.metric_name AND w.by_hours = c.by_hours
                OFFSET 0
            ) s
            WHERE s.total > 0 AND (
                s.since IS NOT NULL
                OR (s.total >= v_least OR s.bad >= 2 * v_bad) AND s.bad >= v_bad AND s.bad >= 1.2 * s.expected
                    AND monitoring_poisson_likelihood(s.bad, s.expected) / s.dispersion >= 4)
        ),
        volumes AS MATERIALIZED (                       -- so many values are looked at: of latency by hours, of the rates by both
            SELECT each.is_latency, p.by_hours, p.dimension, p.value, each.total
            FROM present p
            JOIN back USING (id)
            CROSS JOIN LATERAL (VALUES (false, back.total), (true, back.measured)) each (is_latency, total)
            WHERE (p.by_hours OR NOT each.is_latency) AND EXISTS (SELECT FROM sums)
        ),
        crowd AS MATERIALIZED (
            SELECT asked.at, asked.is_latency, count(DISTINCT (v.dimension, v.value)) AS watched
            FROM (SELECT DISTINCT sums.at, sums.metric_name = 'latency_p95' AS is_latency FROM sums) asked
            JOIN volumes v ON v.is_latency = asked.is_latency
            CROSS JOIN LATERAL (
                SELECT CASE WHEN v.by_hours THEN monitoring_place(v_far, date_trunc('hour', asked.at, 'UTC'), 3600)
                            ELSE monitoring_place(v_near, asked.at, 300) END AS place
            ) until
            WHERE (NOT v.by_hours OR asked.at = ANY (p_hourly)) AND v.total[until.place] - v.total[greatest(until.place - 24, 1)] >= v_least
            GROUP BY asked.at, asked.is_latency
        ),
        calmness AS (                                   -- with hours since it opened, else of the last two
            SELECT
                moment AS at, own.metric_name, own.dimension, own.value,
                array_agg(greatest(0, steps.calm) ORDER BY multiples.place) AS calm
            FROM own
            CROSS JOIN unnest(p_moments) moment
            CROSS JOIN LATERAL (SELECT moment = ANY (p_hourly) AS by_hours) grain
            JOIN curves c
                ON c.metric_name = own.metric_name AND c.dimension = own.dimension AND c.value = own.value AND c.by_hours = grain.by_hours
            CROSS JOIN LATERAL (
                SELECT
                    CASE WHEN c.by_hours THEN monitoring_place(v_far, date_trunc('hour', moment, 'UTC'), 3600)
                         ELSE monitoring_place(v_near, moment, 300) END AS until,
                    CASE WHEN c.by_hours THEN monitoring_place(v_far, date_trunc('hour', own.since, 'UTC'), 3600)
                         ELSE monitoring_place(v_near, date_trunc('hour', own.since, 'UTC'), 300) END AS begin
            ) span
            CROSS JOIN (VALUES (1, 1.6::double precision), (2, 2), (3, 3)) multiples (place, multiple)
            CROSS JOIN LATERAL (
                SELECT max(
                    ((multiples.multiple - 1) * (c.expected[span.until] - c.expected[place]) * own.factor
                        - (c.bad[span.until] - c.bad[place]) * ln(multiples.multiple)) / own.dispersion) AS calm
                FROM generate_series(greatest(span.begin, span.until - CASE WHEN c.by_hours THEN 72 ELSE 24 END, 1), span.until - 1) place
            ) steps
            WHERE own.since IS NOT NULL
            GROUP BY moment, own.metric_name, own.dimension, own.value
        )
        SELECT
            s.at, s.metric_name, own.alert_type, s.dimension, s.value, s.window_seconds, s.starts_at, s.ends_at, s.since,
            s.total, s.bad, s.expected, own.weight, own.dispersion,
            s.expected * 86400 / s.window_seconds, s.recent_bad, s.recent_expected,
            calmness.calm, own.baseline_total, own.baseline_bad, own.baseline_until, own.floored, coalesce(crowd.watched, 1)
        FROM sums s
        JOIN own USING (metric_name, dimension, value)
        LEFT JOIN crowd ON crowd.at = s.at AND crowd.is_latency = (s.metric_name = 'latency_p95')
        LEFT JOIN calmness
            ON calmness.at = s.at AND calmness.metric_name = s.metric_name AND calmness.dimension = s.dimension
            AND calmness.value = s.value;
END
$$;
COMMENT ON FUNCTION monitoring_slice_counts(timestamptz[], jsonb, boolean, timestamptz[]) IS
    'For moments of one UTC day, each rate, each value of a dimension that has an alert or could show something, and each window: '
    'events, bad ones, how many the value''s own past lets expect (its factor (X + 10) / (E + 10) over the profile''s rates, never '
    'under the floor), the bad events which that rests on, the scatter of its hours, and, while it has an alert, calm as in '
    'monitoring_window_counts (with hours of three days, else of the last two hours). watched: how many values were looked at, those '
    'with at least slices.least_events in the last two hours or, with hours, the last 24. Not complete: without the metrics that have '
    'an alert on all events, but for slices with one of their own.';

CREATE OR REPLACE FUNCTION monitoring_judge_slices(p_moments timestamptz[], p_settings jsonb, p_complete boolean, p_hourly timestamptz[])
RETURNS TABLE (at timestamptz, judgement monitoring_judgement)
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
            SELECT c.*
            FROM monitoring_slice_counts(p_moments, p_settings, p_complete, p_hourly) c
            WHERE c.total >= v_least OR c.bad >= 2 * v_least_bad OR c.live_since IS NOT NULL
        ),
        tested AS MATERIALIZED (
            SELECT
                c.*,
                -- All values of all four metrics together raise as many false alerts as one more metric of all events.
                monitoring_level(p_settings, c.daily, c.dispersion) / (4 * c.watched) AS level,
                c.recent_bad / nullif(c.recent_expected, 0) AS recent_ratio,
                s.threshold_low, s.threshold_medium, s.threshold_high, s.threshold_critical,
                CASE WHEN c.bad >= v_least_bad AND c.bad >= 1.2 * c.expected
                    THEN monitoring_poisson_ratio_p(c.bad / c.dispersion, c.expected / c.dispersion, c.weight / c.dispersion)
                END AS p_value
            FROM counts c
            JOIN monitoring_metric_settings(p_settings) s USING (metric_name)
        ),
        shown AS MATERIALIZED (
            SELECT t.*, t.p_value <= t.level AND (t.window_seconds < 21600 OR t.recent_ratio >= 1.2) AS proven
            FROM tested t
            WHERE t.live_since IS NOT NULL OR t.p_value <= t.level
        ),
        latencies AS MATERIALIZED (                     -- the usual p95 of each value that is asked for, once
            SELECT
                asked.dimension, asked.value,
                monitoring_slice_latency(asked.dimension, asked.value, spans.baseline_from, spans.baseline_until, spans.unfit) AS usual
            FROM (SELECT DISTINCT s.dimension, s.value FROM shown s WHERE s.metric_name = 'latency_p95' AND s.proven) asked
            JOIN monitoring_baseline_spans(
                p_settings -> 'baseline' ->> 'name', (p_settings -> 'baseline' ->> 'window_days')::integer,
                (p_moments[1] AT TIME ZONE 'UTC')::date) spans
                ON spans.metric_name = 'latency_p95'
        ),
        valued AS (
            SELECT
                s.*,
                CASE WHEN s.metric_name <> 'latency_p95' THEN s.bad / nullif(s.total, 0)
                     WHEN s.proven THEN monitoring_slice_latency(s.dimension, s.value, s.starts_at, s.ends_at) END AS current_value,
                CASE WHEN s.metric_name <> 'latency_p95' THEN s.expected / nullif(s.total, 0)
                     WHEN s.proven THEN latencies.usual END AS baseline_value
            FROM shown s
            LEFT JOIN latencies USING (dimension, value)
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
        SELECT g.at, ROW (
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
            g.threshold_low, g.threshold_medium, g.threshold_high, g.threshold_critical)::monitoring_judgement
        FROM graded g;
END
$$;
COMMENT ON FUNCTION monitoring_judge_slices(timestamptz[], jsonb, boolean, timestamptz[]) IS
    'The single values of the dimensions that got worse at moments of one UTC day, and those that have an alert, in windows that end '
    'there, the longer ones at the moments in p_hourly alone. The evidence rule as for all events, at a level shared by the four metrics '
    'and by all the values with at least slices.least_events in a window. With twice least_bad_events fewer events are enough.';

CREATE OR REPLACE FUNCTION monitoring_is_told(p_status text, p_resolved_by text, p_held_severity text, p_severity text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT p_status <> 'resolved'
    OR p_resolved_by IS NOT NULL AND coalesce(monitoring_severity_rank(p_severity) <= monitoring_severity_rank(p_held_severity), false)
$$;
COMMENT ON FUNCTION monitoring_is_told(text, text, text, text) IS
    'Whether an alert (its status, who resolved it, the severity that it is held at) says already what would be told at a severity: it is '
    'live, or a person has resolved it and its condition goes on no worse. One that was ended as part of another is held by nobody.';

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
        WHERE a.labels IS NULL AND a.metric_name = v_part AND a.slice_dimension IS NOT NULL
          AND monitoring_is_told(a.status, a.resolved_by, a.held_severity, p_row ->> 'severity')
          AND (a.slice_dimension, a.slice_value) IS DISTINCT FROM (v_dimension, v_value)) THEN
        RETURN true;
    END IF;
    WITH profile AS (
        SELECT p.hour_of_day, p.rate, p.latency_p95
        FROM monitoring_profile(p_settings -> 'baseline' ->> 'name', (p_settings -> 'baseline' ->> 'window_days')::integer, v_day) p
        WHERE p.metric_name = v_part
    ),
    own AS (                                            -- a slice is judged by what is slow for its models, all events together are not
        SELECT b.value AS model, b.latency_factor
        FROM monitoring_slices_of_baseline(
            p_settings -> 'baseline' ->> 'name', (p_settings -> 'baseline' ->> 'window_days')::integer, v_day) b
        WHERE v_part = 'latency_p95' AND v_dimension IS NOT NULL AND b.latency_factor IS NOT NULL
    ),
    slice AS (
        SELECT
            each.total * profile.rate AS expected, each.bad,
            EXISTS (
                SELECT FROM monitoring_alerts a
                WHERE a.labels IS NULL AND a.metric_name = v_part
                  AND monitoring_is_told(a.status, a.resolved_by, a.held_severity, p_row ->> 'severity')
                  AND (a.slice_dimension, a.slice_value) IS DISTINCT FROM (v_dimension, v_value)
                  AND a.slice_value = CASE a.slice_dimension
                        WHEN 'model' THEN s.model WHEN 'backend' THEN s.backend WHEN 'agent' THEN s.agent ELSE s.version END) AS told
        FROM monitoring_rollup_slices s
        JOIN profile ON profile.hour_of_day = extract(hour FROM s.hour_start AT TIME ZONE 'UTC')::integer
        LEFT JOIN own ON own.model = s.model
        CROSS JOIN LATERAL (                            -- of latency whole hours, of all else the five minutes that lie in the window
            SELECT
                s.latency_events AS total,
                monitoring_count_above(s.latency_values, s.latency_counts, profile.latency_p95 * coalesce(own.latency_factor, 1)) AS bad
            WHERE v_part = 'latency_p95'
            UNION ALL
            SELECT coalesce(sum(m.events), 0), coalesce(sum(m.events) FILTER (WHERE m.mark & v_bit <> 0), 0)
            FROM unnest(s.mark_values, s.mark_counts) AS m (mark, events)
            WHERE v_part <> 'latency_p95' AND s.hour_start + (m.mark >> 4) * interval '5 minutes' >= v_from
              AND s.hour_start + (m.mark >> 4) * interval '5 minutes' < v_until
        ) each
        WHERE s.hour_start > v_from - interval '1 hour' AND s.hour_start < v_until
          AND (v_dimension IS NULL OR v_value =
            CASE v_dimension WHEN 'model' THEN s.model WHEN 'backend' THEN s.backend WHEN 'agent' THEN s.agent ELSE s.version END)
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
    'Whether what a slice, or all events together, show (a judgement as JSON) is still proven without the events of those slices of the '
    'metric that are told already: a model''s failures make its backend and its agent look bad too, and all events.';
