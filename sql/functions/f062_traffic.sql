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

CREATE OR REPLACE FUNCTION monitoring_judge_traffic(p_moments timestamptz[], p_settings jsonb, p_complete boolean)
RETURNS TABLE (at timestamptz, judgement monitoring_judgement)
LANGUAGE plpgsql STABLE
SET jit = off
SET work_mem = '16MB'
AS $$
#variable_conflict use_column
DECLARE
    -- Where there were few weeks to learn from, the expectation is no better than they are: a stricter level makes up for it, and a
    -- stop needs few minutes more to meet it.
    v_level     CONSTANT double precision := (p_settings ->> 'significance')::double precision / 10;
    v_least     CONSTANT double precision := (p_settings ->> 'least_events')::double precision;
    v_least_bad CONSTANT double precision := (p_settings ->> 'least_bad_events')::double precision;
    v_from      CONSTANT timestamptz := (SELECT min(moment) FROM unnest(p_moments) moment);
    v_until     CONSTANT timestamptz := (SELECT max(moment) FROM unnest(p_moments) moment);
    -- Longer windows say nothing of what stopped.
    v_first     CONSTANT timestamptz := monitoring_bucket(v_from - interval '4 hours');
    v_cleared   CONSTANT timestamptz := monitoring_bucket(monitoring_last_clearing('total_events', v_from));
    v_setting   record;
    v_is_live   boolean;
BEGIN
    SELECT * INTO v_setting FROM monitoring_metric_settings(p_settings) s WHERE s.metric_name = 'total_events' AND s.enabled;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    v_is_live := EXISTS (
        SELECT FROM monitoring_alerts a
        WHERE a.labels IS NULL AND a.metric_name = 'total_events' AND (a.status <> 'resolved' OR a.held_severity IS NOT NULL) AND a.live_since <= v_from);
    RETURN QUERY
        WITH expected AS MATERIALIZED (
            SELECT * FROM monitoring_expected_traffic(v_first, v_until + interval '5 minutes', p_settings)
        ),
        curves AS MATERIALIZED (                        -- running sums over every five minutes, those without events too
            SELECT
                array_agg(summed.seen ORDER BY summed.place) AS seen, array_agg(summed.expected ORDER BY summed.place) AS expected,
                array_agg(summed.learned ORDER BY summed.place) AS learned, array_agg(summed.known ORDER BY summed.place) AS known,
                array_agg(summed.variability ORDER BY summed.place) AS variability,
                array_agg(summed.baseline_from ORDER BY summed.place) AS baseline_from,
                array_agg(summed.baseline_until ORDER BY summed.place) AS baseline_until
            FROM (
                SELECT
                    grid.place, e.variability, e.baseline_from, e.baseline_until,
                    coalesce(sum(held.total_events::double precision) OVER earlier, 0) AS seen,
                    coalesce(sum(e.expected / (e.share * 12)) OVER earlier, 0) AS expected,
                    coalesce(sum(e.weight / (e.share * 12)) OVER earlier, 0) AS learned,
                    count(e.expected) OVER earlier AS known
                FROM generate_series(v_first, v_until + interval '5 minutes', interval '5 minutes')
                    WITH ORDINALITY grid (bucket_start, place)
                LEFT JOIN (
                    SELECT r.bucket_start, r.total_events
                    FROM monitoring_rollup r
                    WHERE r.bucket_start >= v_first AND r.bucket_start < v_until
                    OFFSET 0
                ) held USING (bucket_start)
                LEFT JOIN expected e ON e.hour_start = date_trunc('hour', grid.bucket_start, 'UTC')
                WINDOW earlier AS (ORDER BY grid.place ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
            ) summed
        ),
        windows AS MATERIALIZED (
            SELECT
                moment AS at, placed.until, scanned.window_seconds, scanned.is_named,
                greatest(moment - scanned.window_seconds * interval '1 second', v_cleared) AS starts_at,
                least(
                    greatest(placed.until - scanned.window_seconds / 300, coalesce(monitoring_place(v_first, v_cleared, 300), 1)),
                    placed.until) AS begin,
                least(
                    greatest(
                        monitoring_place(v_first, monitoring_bucket(moment) - scanned.window_seconds / 6 * interval '1 second', 300),
                        coalesce(monitoring_place(v_first, v_cleared, 300), 1)),
                    placed.until) AS recent
            FROM unnest(p_moments) moment
            CROSS JOIN LATERAL (                        -- what is under way has not had its time yet
                SELECT monitoring_place(v_first, monitoring_bucket(moment), 300) AS until
            ) placed
            CROSS JOIN monitoring_scanned_windows(p_settings) scanned
            WHERE scanned.window_seconds <= 14400
        ),
        counts AS (
            SELECT
                w.*,
                c.seen[w.until] - c.seen[w.begin] AS seen,
                c.expected[w.until] - c.expected[w.begin] AS expected,
                c.learned[w.until] - c.learned[w.begin] AS learned,
                c.known[w.until] - c.known[w.begin] = w.until - w.begin AS armed,
                coalesce(greatest(c.variability[w.begin], c.variability[greatest(w.until - 1, w.begin)]), 0) AS variability,
                least(c.baseline_from[w.begin], c.baseline_from[greatest(w.until - 1, w.begin)]) AS baseline_from,
                greatest(c.baseline_until[w.begin], c.baseline_until[greatest(w.until - 1, w.begin)]) AS baseline_until,
                c.seen[w.until] - c.seen[w.recent] AS recent_seen,
                c.expected[w.until] - c.expected[w.recent] AS recent_expected,
                -- The last hour brought half of what it should, or more.
                CASE WHEN c.known[w.until] > c.known[w.until - 12]
                        AND c.seen[w.until] - c.seen[w.until - 12] >= (c.expected[w.until] - c.expected[w.until - 12]) / 2
                    THEN 2.5 ELSE 0 END::double precision AS calm
            FROM windows w
            CROSS JOIN curves c
        ),
        tested AS (
            SELECT
                c.*, weighed.weight,
                round((c.expected / greatest(c.seen, 1))::numeric, 4)::double precision AS ratio,
                CASE WHEN c.window_seconds >= 7200 THEN c.recent_expected / greatest(c.recent_seen, 1) END AS recent_ratio,
                CASE WHEN c.armed AND (
                        p_complete AND c.is_named
                        OR c.seen * v_setting.threshold_low <= c.expected AND (p_complete OR c.expected >= v_least_bad))
                    THEN monitoring_poisson_shortfall_p(c.seen, c.expected, weighed.weight)
                END AS p_value
            FROM counts c
            CROSS JOIN LATERAL (                        -- the events it was learned from, and what the hours vary beyond chance
                SELECT 1 / (1 / nullif(c.learned, 0) + c.variability) AS weight
            ) weighed
            WHERE p_complete OR v_setting.rule = 'ratio' OR c.seen * v_setting.threshold_low <= c.expected
               OR v_is_live AND c.window_seconds = (SELECT min(s.window_seconds) FROM windows s)
        ),
        graded AS (
            SELECT
                t.*,
                monitoring_ratio_severity(
                    t.ratio, v_setting.threshold_low, v_setting.threshold_medium, v_setting.threshold_high, v_setting.threshold_critical,
                    false) AS grade
            FROM tested t
        )
        SELECT g.at, ROW (
            v_setting.metric_name, v_setting.alert_type, NULL::text, NULL::text, g.window_seconds, 0, g.starts_at, g.at, 'total_events',
            v_setting.rule, g.seen, CASE WHEN g.armed THEN g.expected END, CASE WHEN g.armed THEN g.ratio END, g.seen, g.seen, g.expected,
            CASE WHEN g.p_value <= v_level OR p_complete AND g.p_value IS NOT NULL
                THEN monitoring_poisson_shortfall_bound(g.seen, g.expected, g.weight, v_level)
            END,
            g.p_value, v_level, 1 + g.variability * g.expected, g.weight, g.recent_ratio, ARRAY[g.calm, g.calm, g.calm],
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
            v_setting.threshold_low, v_setting.threshold_medium, v_setting.threshold_high,
            v_setting.threshold_critical)::monitoring_judgement
        FROM graded g
        WHERE g.is_named OR g.p_value <= v_level OR v_is_live AND NOT p_complete;
END
$$;
COMMENT ON FUNCTION monitoring_judge_traffic(timestamptz[], jsonb, boolean) IS
    'The number of events at moments in every window of up to four hours against what the same hours brought before; ratio is expected '
    'over seen (none counts as one). The evidence rule: the ratio at a threshold, at least least_bad_events to be expected, the test '
    'of a count whose expectation varies by its weight k (1/k = 1/B + variability, B the events it was learned from, the gamma-Poisson '
    'tail I_{k/(k+E)}(k, x + 1)) at a tenth of the level, and in windows of two hours and more a latest sixth that still lacks its '
    'share. calm is full when the last hour brought half of what it should.';
