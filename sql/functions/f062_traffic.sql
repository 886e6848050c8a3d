-- Traffic: have events stopped, or fallen far below the same hours before?

CREATE OR REPLACE FUNCTION monitoring_expected_traffic(p_from timestamptz, p_until timestamptz, p_settings jsonb)
RETURNS TABLE (hour_start timestamptz, share double precision, expected double precision, weight double precision,
               variability double precision, baseline_from timestamptz, baseline_until timestamptz)
LANGUAGE sql STABLE
AS $$
WITH days AS (
    SELECT day::date AS day
    FROM generate_series(date_trunc('day', p_from, 'UTC') AT TIME ZONE 'UTC', (p_until AT TIME ZONE 'UTC'), interval '1 day') day
)
SELECT
    hour.hour_start,
    hour.share,
    profile.rate * hour.share,
    profile.weight * hour.share,
    profile.variability,
    profile.baseline_from,
    profile.baseline_until
FROM days
CROSS JOIN LATERAL monitoring_profile(
    p_settings -> 'baseline' ->> 'name', (p_settings -> 'baseline' ->> 'window_days')::integer, days.day) profile
CROSS JOIN LATERAL (
    SELECT
        start AS hour_start,
        extract(epoch FROM least(p_until, start + interval '1 hour') - greatest(p_from, start))::double precision / 3600 AS share
    FROM (SELECT (days.day + profile.hour_of_day * interval '1 hour') AT TIME ZONE 'UTC' AS start) begins
) hour
WHERE profile.metric_name = 'total_events' AND hour.share > 0
$$;
COMMENT ON FUNCTION monitoring_expected_traffic(timestamptz, timestamptz, jsonb) IS
    'For each UTC hour that a stretch touches, the share of it that lies in the stretch, and the events to be expected there.';

CREATE OR REPLACE FUNCTION monitoring_judge_traffic(p_at timestamptz, p_settings jsonb, p_complete boolean)
RETURNS SETOF monitoring_judgement
LANGUAGE plpgsql STABLE
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    -- Where there were few weeks to learn from, the expectation is no better than they are: a stricter level makes up for it, and a
    -- stop needs few minutes more to meet it.
    v_level     double precision := (p_settings ->> 'significance')::double precision / 10;
    v_least     double precision := (p_settings ->> 'least_events')::double precision;
    v_least_bad double precision := (p_settings ->> 'least_bad_events')::double precision;
    v_setting   record;
    v_cleared   timestamptz;
    v_first     timestamptz;
BEGIN
    SELECT * INTO v_setting FROM monitoring_metric_settings(p_settings) s WHERE s.metric_name = 'total_events' AND s.enabled;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    v_cleared := monitoring_bucket(monitoring_last_clearing('total_events', p_at));
    v_first := p_at - interval '4 hours';               -- longer ones say nothing of what stopped
    RETURN QUERY
        WITH windows AS MATERIALIZED (
            SELECT scanned.window_seconds, scanned.is_named, greatest(p_at - scanned.window_seconds * interval '1 second', v_cleared) AS starts_at
            FROM monitoring_scanned_windows(p_settings) scanned
            WHERE scanned.window_seconds <= 14400
        ),
        expected AS MATERIALIZED (
            SELECT * FROM monitoring_expected_traffic(v_first, p_at, p_settings)
        ),
        buckets AS MATERIALIZED (                       -- every five minutes, those without events too
            SELECT bucket_start, coalesce(r.total_events, 0)::double precision AS seen, e.expected / (e.share * 12) AS expected,
                e.weight / (e.share * 12) AS weight, e.variability, e.baseline_from, e.baseline_until
            FROM generate_series(v_first, p_at - interval '5 minutes', interval '5 minutes') bucket_start
            LEFT JOIN (
                SELECT held.bucket_start, held.total_events
                FROM monitoring_rollup held
                WHERE held.bucket_start >= v_first AND held.bucket_start < p_at
                OFFSET 0
            ) r USING (bucket_start)
            LEFT JOIN expected e ON e.hour_start = date_trunc('hour', bucket_start, 'UTC')
        ),
        calmness AS (                                   -- the last hour brought half of what it should, or more
            SELECT CASE WHEN sum(b.seen) >= sum(b.expected) / 2 THEN 2.5 ELSE 0 END::double precision AS calm
            FROM buckets b
            WHERE b.bucket_start >= p_at - interval '1 hour'
        ),
        counts AS (
            SELECT
                w.window_seconds, w.is_named, w.starts_at, sum(b.seen) AS seen, sum(b.expected) AS expected,
                sum(b.weight) AS learned, count(*) = count(b.expected) AS armed, max(b.variability) AS variability, min(b.baseline_from) AS baseline_from,
                max(b.baseline_until) AS baseline_until,
                sum(b.seen) FILTER (WHERE b.bucket_start >= p_at - w.window_seconds / 6 * interval '1 second') AS recent_seen,
                sum(b.expected) FILTER (WHERE b.bucket_start >= p_at - w.window_seconds / 6 * interval '1 second') AS recent_expected
            FROM windows w
            JOIN buckets b ON b.bucket_start >= w.starts_at
            GROUP BY w.window_seconds, w.is_named, w.starts_at
        ),
        tested AS (
            SELECT
                c.*, weighed.weight,
                round((c.expected / greatest(c.seen, 1))::numeric, 4)::double precision AS ratio,
                CASE WHEN c.window_seconds >= 7200 THEN c.recent_expected / greatest(c.recent_seen, 1) END AS recent_ratio,
                CASE WHEN c.armed AND (p_complete AND c.is_named OR c.seen * v_setting.threshold_low <= c.expected)
                    THEN monitoring_poisson_shortfall_p(c.seen, c.expected, weighed.weight)
                END AS p_value
            FROM counts c
            CROSS JOIN LATERAL (                        -- the events it was learned from, and what the hours vary beyond chance
                SELECT 1 / (1 / nullif(c.learned, 0) + c.variability) AS weight
            ) weighed
        ),
        graded AS (
            SELECT
                t.*,
                monitoring_ratio_severity(
                    t.ratio, v_setting.threshold_low, v_setting.threshold_medium, v_setting.threshold_high, v_setting.threshold_critical,
                    false) AS grade
            FROM tested t
        )
        SELECT
            v_setting.metric_name, v_setting.alert_type, NULL::text, NULL::text, g.window_seconds, 0, g.starts_at, p_at, 'total_events',
            v_setting.rule, g.seen, CASE WHEN g.armed THEN g.expected END, CASE WHEN g.armed THEN g.ratio END, g.seen, g.seen, g.expected,
            CASE WHEN g.p_value <= v_level OR p_complete AND g.p_value IS NOT NULL
                THEN monitoring_poisson_shortfall_bound(g.seen, g.expected, g.weight, v_level)
            END,
            g.p_value, v_level, 1 + g.variability * g.expected, g.weight, g.recent_ratio, ARRAY[calmness.calm, calmness.calm, calmness.calm],
            CASE
                WHEN NOT g.armed THEN 'not_armed'
                WHEN g.grade IS NULL THEN 'below_threshold'
                WHEN g.expected < v_least_bad THEN 'too_few'
                WHEN g.p_value IS NULL OR g.p_value > v_level THEN 'within_noise'
                WHEN g.recent_ratio < 1.2 THEN 'below_threshold'
                ELSE g.grade
            END,
            CASE
                WHEN NOT g.armed THEN 'not_armed'
                WHEN g.grade IS NULL OR NOT g.is_named THEN 'below_threshold'
                WHEN g.expected < v_least THEN 'too_few'
                ELSE g.grade
            END,
            false, NULL::text, NULL::text, NULL::double precision, NULL::jsonb, g.baseline_from, g.baseline_until,
            v_setting.threshold_low, v_setting.threshold_medium, v_setting.threshold_high, v_setting.threshold_critical
        FROM graded g
        CROSS JOIN calmness
        WHERE g.is_named OR g.p_value <= v_level;
END
$$;
COMMENT ON FUNCTION monitoring_judge_traffic(timestamptz, jsonb, boolean) IS
    'The number of events in every window of up to four hours against what the same hours brought before; ratio is expected over seen '
    '(none counts as one). The evidence rule: the ratio at a threshold, at least least_bad_events to be expected, the test of a count whose '
    'expectation varies by its weight k (1/k = 1/B + variability, B the events it was learned from, the gamma-Poisson tail I_{k/(k+E)}(k, x + 1)) at a tenth of the level, and in windows '
    'of two hours and more a latest sixth that still lacks its share. calm is full when the last hour brought half of what it should.';
