-- Evaluation: what every metric looks like in every window that ends at a moment. Reads only; any moment can be asked for.

CREATE OR REPLACE FUNCTION monitoring_fingerprint(
    p_alert_type text, p_metric_name text, p_dimension text DEFAULT NULL, p_value text DEFAULT NULL)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT left(encode(sha256(convert_to(
    concat_ws(E'\x1f', p_alert_type, p_metric_name, p_dimension, p_value), 'UTF8')), 'hex'), 32)
$$;
COMMENT ON FUNCTION monitoring_fingerprint(text, text, text, text) IS
    'What two sightings of one condition have in common: type, metric and, for an alert on one slice, dimension and value.';

CREATE OR REPLACE FUNCTION monitoring_health(
    p_total double precision, p_successful double precision, p_fallback double precision, p_duplicate double precision)
RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT monitoring_health_score(p_successful / nullif(p_total, 0), p_fallback / nullif(p_total, 0), p_duplicate / nullif(p_total, 0))
$$;
COMMENT ON FUNCTION monitoring_health(double precision, double precision, double precision, double precision) IS
    'The health score, 0 to 100, of counts (whole or expected); null where there are no events.';

CREATE OR REPLACE FUNCTION monitoring_evaluated_parts() RETURNS TABLE (metric_name text, part text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
VALUES
    ('fallback_rate',  'fallback_rate'),
    ('error_rate',     'error_rate'),
    ('duplicate_rate', 'duplicate_rate'),
    ('latency_p95',    'latency_p95'),
    ('health_score',   'unsuccessful_rate'),
    ('health_score',   'fallback_rate'),
    ('health_score',   'duplicate_rate')
$$;
COMMENT ON FUNCTION monitoring_evaluated_parts() IS
    'The shares of bad events that are tested for a metric: itself, or the three that health is made of.';

CREATE OR REPLACE FUNCTION monitoring_evaluated_windows(p_at timestamptz, p_settings jsonb)
RETURNS TABLE (metric_name text, window_seconds integer, starts_at timestamptz, recent_at timestamptz, live_since timestamptz)
LANGUAGE sql STABLE
AS $$
WITH metrics AS (
    SELECT m.metric_name, latest.cleared_at, latest.live_since
    FROM monitoring_known_metrics() m
    LEFT JOIN LATERAL (
        SELECT
            CASE WHEN a.cleared_at <= p_at THEN monitoring_bucket(a.cleared_at) END AS cleared_at,
            CASE WHEN a.live_since <= p_at AND (a.status <> 'resolved' OR a.held_severity IS NOT NULL)
                THEN monitoring_bucket(a.live_since) END AS live_since
        FROM monitoring_alerts a
        WHERE a.fingerprint = monitoring_fingerprint(m.alert_type, m.metric_name) AND a.opened_at <= p_at
        ORDER BY a.opened_at DESC
        LIMIT 1) latest ON true
)
SELECT
    metrics.metric_name,
    seconds::integer,
    greatest(p_at - seconds::integer * interval '1 second', metrics.cleared_at),
    greatest(monitoring_bucket(p_at - seconds::integer / 6 * interval '1 second'), metrics.cleared_at),
    metrics.live_since
FROM metrics, jsonb_array_elements_text(p_settings -> 'windows_seconds') seconds
$$;
COMMENT ON FUNCTION monitoring_evaluated_windows(timestamptz, jsonb) IS
    'The windows that end at a moment, and where the latest sixth of each begins; none reaches back over the metric''s last '
    'close. live_since: when its alert opened, if it has one.';

CREATE OR REPLACE FUNCTION monitoring_window_counts(p_at timestamptz, p_settings jsonb)
RETURNS TABLE (metric_name text, part text, window_seconds integer, starts_at timestamptz, armed boolean, total double precision,
               bad double precision, expected double precision, weight double precision, dispersion double precision,
               recent_bad double precision, recent_expected double precision, calm double precision[],
               expected_p95 double precision, floored boolean, baseline_from timestamptz, baseline_until timestamptz)
LANGUAGE plpgsql STABLE
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_bounds timestamptz[];
BEGIN
    SELECT array_agg(DISTINCT bound ORDER BY bound) INTO v_bounds
    FROM monitoring_evaluated_windows(p_at, p_settings) w, LATERAL (VALUES (w.starts_at), (w.recent_at), (w.live_since)) bounds (bound)
    WHERE bound IS NOT NULL;

    RETURN QUERY
        WITH windows AS MATERIALIZED (
            SELECT w.metric_name, parts.part, w.window_seconds, w.starts_at, w.recent_at, w.live_since
            FROM monitoring_evaluated_windows(p_at, p_settings) w JOIN monitoring_evaluated_parts() parts USING (metric_name)
        ),
        profile AS MATERIALIZED (                       -- a rate under the floor counts as the floor
            SELECT
                p.metric_name AS part, p.hour_of_day, greatest(p.rate, floors.floor) AS rate, p.weight, p.dispersion, p.latency_p95,
                p.rate < floors.floor AS floored, p.baseline_from, p.baseline_until,
                sum(p.total_events * greatest(p.rate, floors.floor)::numeric) OVER (PARTITION BY p.metric_name)::double precision AS all_bad
            FROM monitoring_profile(
                p_settings -> 'baseline' ->> 'name', (p_settings -> 'baseline' ->> 'window_days')::integer,
                (p_at AT TIME ZONE 'UTC')::date) p
            LEFT JOIN monitoring_metric_settings(p_settings) floors USING (metric_name)
        ),
        cells AS MATERIALIZED (                         -- one row an hour, split where a window begins
            SELECT
                min(bucket_start) AS starts_at,
                extract(hour FROM bucket_start AT TIME ZONE 'UTC')::integer AS hour_of_day,
                sum(total_events) AS total_events,
                sum(total_events - successful_events) AS unsuccessful_events,
                sum(failed_events) AS failed_events,
                sum(fallback_events) AS fallback_events,
                sum(duplicate_events) AS duplicate_events,
                sum(latency_events) AS latency_events,
                sum(monitoring_count_above(latency_values, latency_counts, limits.latency_p95)) AS slow_events
            FROM monitoring_rollup
            LEFT JOIN profile limits
                ON limits.part = 'latency_p95' AND limits.hour_of_day = extract(hour FROM bucket_start AT TIME ZONE 'UTC')::integer
            WHERE bucket_start >= v_bounds[1] AND bucket_start < p_at
            GROUP BY date_trunc('hour', bucket_start, 'UTC'), 2, width_bucket(bucket_start, v_bounds)
        ),
        counts AS MATERIALIZED (                        -- one row a part and cell, with what the profile expects of it
            SELECT
                each.part, cells.starts_at, cells.hour_of_day, each.total::double precision AS total, each.bad::double precision AS bad,
                each.total * profile.rate AS expected, profile.rate, profile.weight, profile.dispersion, profile.latency_p95, profile.floored
            FROM cells
            CROSS JOIN LATERAL (VALUES
                ('fallback_rate',     cells.total_events,   cells.fallback_events),
                ('error_rate',        cells.total_events,   cells.failed_events),
                ('duplicate_rate',    cells.total_events,   cells.duplicate_events),
                ('unsuccessful_rate', cells.total_events,   cells.unsuccessful_events),
                ('latency_p95',       cells.latency_events, cells.slow_events)) each (part, total, bad)
            LEFT JOIN profile ON profile.part = each.part AND profile.hour_of_day = cells.hour_of_day
        ),
        by_hour_of_day AS (                             -- the same hour of several days rests on the same piece of baseline
            SELECT
                windows.metric_name, windows.part, windows.window_seconds, windows.starts_at,
                sum(c.total) AS total, sum(c.bad) AS bad, sum(c.expected) AS expected,
                sum(c.total) ^ 2 * min(c.rate) / nullif(min(c.weight), 0) AS variance,
                sum(c.bad) FILTER (WHERE c.starts_at >= windows.recent_at) AS recent_bad,
                sum(c.expected) FILTER (WHERE c.starts_at >= windows.recent_at) AS recent_expected,
                sum(c.total * c.latency_p95) AS latency_total,
                bool_or(c.floored) AS floored
            FROM windows
            LEFT JOIN counts c ON c.part = windows.part AND c.starts_at >= windows.starts_at
            GROUP BY windows.metric_name, windows.part, windows.window_seconds, windows.starts_at, c.hour_of_day
        ),
        runs AS (                                       -- what speaks for the normal rate against a multiple, summed back from the end
            SELECT
                alive.metric_name, alive.part, multiples.place,
                sum(((multiples.multiple - 1) * c.expected - c.bad * ln(multiples.multiple)) / c.dispersion) OVER (
                    PARTITION BY alive.metric_name, alive.part, multiples.place ORDER BY c.starts_at DESC) AS for_normal
            FROM (SELECT DISTINCT w.metric_name, w.part, w.live_since FROM windows w WHERE w.live_since IS NOT NULL) alive
            JOIN counts c ON c.part = alive.part AND c.starts_at >= alive.live_since
            CROSS JOIN (VALUES (1, 1.6::double precision), (2, 2), (3, 3)) multiples (place, multiple)
        ),
        best AS (
            SELECT r.metric_name, r.part, r.place, greatest(0, max(r.for_normal)) AS for_normal FROM runs r GROUP BY r.metric_name, r.part, r.place
        ),
        calmness AS (
            SELECT b.metric_name, b.part, array_agg(b.for_normal ORDER BY b.place) AS calm FROM best b GROUP BY b.metric_name, b.part
        ),
        known AS (
            SELECT
                p.part, min(p.dispersion) AS dispersion, min(p.all_bad) AS all_bad, min(p.baseline_from) AS baseline_from,
                min(p.baseline_until) AS baseline_until
            FROM profile p
            GROUP BY p.part
        )
        SELECT
            h.metric_name, h.part, h.window_seconds, h.starts_at,
            min(known.dispersion) IS NOT NULL,
            coalesce(sum(h.total), 0), coalesce(sum(h.bad), 0), sum(h.expected),
            least(sum(h.expected) ^ 2 / nullif(sum(h.variance), 0), min(known.all_bad) + 1),
            coalesce(min(known.dispersion), 1),
            coalesce(sum(h.recent_bad), 0), coalesce(sum(h.recent_expected), 0), min(calmness.calm),
            sum(h.latency_total) / nullif(sum(h.total), 0),
            coalesce(bool_or(h.floored), false), min(known.baseline_from), min(known.baseline_until)
        FROM by_hour_of_day h
        LEFT JOIN calmness USING (metric_name, part)
        LEFT JOIN known USING (part)
        GROUP BY h.metric_name, h.part, h.window_seconds, h.starts_at;
END
$$;
COMMENT ON FUNCTION monitoring_window_counts(timestamptz, jsonb) IS
    'The counts an evaluation judges, in one pass over the buckets: events and bad ones in each window, how many bad ones the '
    'profile expects (E = sum(n p)), the weight of that expectation (B = E^2 / sum(n^2 p / weight), never above the bad '
    'events that the whole baseline held), the same of the latest sixth, and, while an alert is live, calm: the reverse CUSUM '
    'max(sum((r - 1) E - x ln r) / dispersion) over all stretches since it opened that end at the moment, for r = 1.6, 2 and 3.';

CREATE OR REPLACE FUNCTION monitoring_window_latency(
    p_from timestamptz, p_until timestamptz, p_share double precision DEFAULT 0.95, p_guess double precision DEFAULT 0)
RETURNS double precision
LANGUAGE plpgsql STABLE
SET jit = off
AS $$
DECLARE
    v_events bigint;
    v_floor  bigint;
    v_part   double precision;
    v_kept   bigint;
    v_low    integer;
    v_high   integer;
BEGIN
    SELECT sum(latency_events) INTO v_events FROM monitoring_rollup WHERE bucket_start >= p_from AND bucket_start < p_until;
    IF coalesce(v_events, 0) = 0 THEN
        RETURN NULL;
    END IF;
    v_floor := floor(p_share * (v_events - 1));         -- percentile_cont's position, counted from 0
    v_part := p_share * (v_events - 1) - v_floor;
    -- Counted down from the greatest. Only durations above the guess are read: where these are too few, all are.
    WITH tails AS (
        SELECT width_bucket(floor(p_guess)::integer, latency_values) AS below, latency_values, latency_counts
        FROM monitoring_rollup
        WHERE bucket_start >= p_from AND bucket_start < p_until AND latency_events > 0
    ),
    durations AS (
        SELECT duration, sum(events)::bigint AS events
        FROM tails, unnest(latency_values[below + 1 :], latency_counts[below + 1 :]) AS tail (duration, events)
        GROUP BY duration
    ),
    running AS (
        SELECT duration, sum(events) OVER (ORDER BY duration DESC) AS from_here FROM durations
    )
    SELECT
        max(duration) FILTER (WHERE from_here >= v_events - v_floor),
        max(duration) FILTER (WHERE from_here >= v_events - least(v_floor + 1, v_events - 1)),
        max(from_here)
    INTO v_low, v_high, v_kept
    FROM running;
    IF coalesce(v_kept, 0) < v_events - v_floor AND p_guess >= 0 THEN
        RETURN monitoring_window_latency(p_from, p_until, p_share, -1);
    END IF;
    RETURN v_low + v_part * (v_high - v_low);
END
$$;
COMMENT ON FUNCTION monitoring_window_latency(timestamptz, timestamptz, double precision, double precision) IS
    'The percentile of latency in a window, in milliseconds, exactly as percentile_cont gives it; null without latencies. '
    'The guess (some lower duration) only saves work.';

CREATE OR REPLACE FUNCTION monitoring_ratio_severity(
    p_ratio double precision, p_low double precision, p_medium double precision, p_high double precision, p_critical double precision,
    p_unhealthy boolean)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT CASE
    WHEN p_ratio >= p_critical AND p_unhealthy THEN 'critical'
    WHEN p_ratio >= p_high THEN 'high'
    WHEN p_ratio >= p_medium THEN 'medium'
    WHEN p_ratio >= p_low THEN 'low'
END
$$;
COMMENT ON FUNCTION monitoring_ratio_severity(double precision, double precision, double precision, double precision, double precision, boolean) IS
    'How bad a ratio is, null below the lowest threshold. Critical at once only where health is critical too; else it takes time.';

CREATE OR REPLACE FUNCTION monitoring_judge_rates(p_at timestamptz, p_settings jsonb, p_complete boolean)
RETURNS TABLE (metric_name text, alert_type text, window_seconds integer, starts_at timestamptz, part text, rule text,
               current_value double precision, baseline_value double precision, ratio double precision, total double precision,
               bad double precision, expected double precision, lower_bound double precision, p_value double precision,
               dispersion double precision, weight double precision, recent_ratio double precision, calm double precision[],
               evidence_verdict text, ratio_verdict text, floored boolean, baseline_from timestamptz, baseline_until timestamptz,
               threshold_low double precision, threshold_medium double precision, threshold_high double precision)
LANGUAGE plpgsql STABLE
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_level     double precision := (p_settings ->> 'significance')::double precision;
    v_least_bad double precision := (p_settings ->> 'least_bad_events')::double precision;
    v_least     double precision := (p_settings ->> 'least_events')::double precision;
    v_warning   double precision := (p_settings -> 'health' ->> 'warning')::double precision;
    v_critical  double precision := (p_settings -> 'health' ->> 'critical')::double precision;
BEGIN
    RETURN QUERY
        WITH settings AS MATERIALIZED (
            SELECT * FROM monitoring_metric_settings(p_settings) s WHERE s.enabled
        ),
        counts AS MATERIALIZED (
            SELECT
                c.*,
                CASE WHEN c.total > 0 THEN c.bad / nullif(c.expected, 0) END AS excess,
                CASE WHEN c.recent_expected > 0 THEN c.recent_bad / c.recent_expected END AS recent_ratio
            FROM monitoring_window_counts(p_at, p_settings) c
        ),
        tested AS MATERIALIZED (                        -- the exact test, where anything hangs on it
            SELECT
                counts.*,
                CASE WHEN counts.armed AND counts.total > 0 AND (p_complete OR counts.excess >= 1.2 AND counts.bad >= v_least_bad)
                    THEN monitoring_poisson_ratio_p(
                        counts.bad / counts.dispersion, counts.expected / counts.dispersion, counts.weight / counts.dispersion)
                END AS p_value
            FROM counts
        ),
        part_healths AS (
            SELECT
                t.window_seconds,
                max(t.total) AS total,
                monitoring_health(
                    max(t.total),
                    max(t.total - t.bad) FILTER (WHERE t.part = 'unsuccessful_rate'),
                    max(t.bad) FILTER (WHERE t.part = 'fallback_rate'),
                    max(t.bad) FILTER (WHERE t.part = 'duplicate_rate')) AS current_health,
                monitoring_health(
                    max(t.total),
                    max(t.total - t.expected) FILTER (WHERE t.part = 'unsuccessful_rate'),
                    max(t.expected) FILTER (WHERE t.part = 'fallback_rate'),
                    max(t.expected) FILTER (WHERE t.part = 'duplicate_rate')) AS expected_health,
                ARRAY[min(t.calm[1]), min(t.calm[2]), min(t.calm[3])] AS calm
            FROM tested t
            WHERE t.metric_name = 'health_score'
            GROUP BY t.window_seconds
        ),
        healths AS MATERIALIZED (                       -- calm too when it has come back by half of what it had lost, and not for an hour only
            SELECT
                p.window_seconds, p.current_health, p.expected_health,
                CASE WHEN coalesce(bool_and(p.total >= v_least AND p.current_health >= (v_warning + p.expected_health) / 2)
                        FILTER (WHERE p.window_seconds <= 21600) OVER (), false)
                    THEN ARRAY[2.5, 2.5, 2.5]::double precision[]
                    ELSE p.calm
                END AS calm
            FROM part_healths p
        ),
        strongest AS (                                  -- of health's parts the one that speaks loudest
            SELECT DISTINCT ON (t.metric_name, t.window_seconds) t.*
            FROM tested t
            ORDER BY t.metric_name, t.window_seconds, t.p_value NULLS LAST, t.excess DESC NULLS LAST, t.part
        ),
        valued AS MATERIALIZED (
            SELECT
                s.metric_name, settings.alert_type, settings.rule, s.window_seconds, s.starts_at, s.part, s.total, s.bad, s.expected,
                s.p_value, s.dispersion, s.weight, s.excess, s.recent_ratio, s.floored, s.armed, s.baseline_from, s.baseline_until,
                settings.threshold_low, settings.threshold_medium, settings.threshold_high, settings.threshold_critical,
                h.current_health, h.expected_health,
                CASE WHEN s.metric_name = 'health_score' THEN h.calm ELSE s.calm END AS calm,
                CASE s.metric_name
                    WHEN 'health_score' THEN h.current_health
                    WHEN 'latency_p95' THEN
                        CASE WHEN s.total > 0 AND (p_complete OR settings.rule = 'ratio' OR s.p_value <= v_level)
                            THEN monitoring_window_latency(s.starts_at, p_at, 0.95, coalesce(s.expected_p95, 0) * 0.5)
                        END
                    ELSE s.bad / nullif(s.total, 0)
                END AS current_value,
                CASE s.metric_name
                    WHEN 'health_score' THEN h.expected_health
                    WHEN 'latency_p95' THEN s.expected_p95
                    ELSE s.expected / nullif(s.total, 0)
                END AS baseline_value
            FROM strongest s
            JOIN settings ON settings.metric_name = s.metric_name
            LEFT JOIN healths h ON h.window_seconds = s.window_seconds
        ),
        compared AS (                                   -- rounded as it is shown: what reads 3.0000 is not below 3
            SELECT
                v.*,
                round((CASE v.metric_name
                    WHEN 'health_score' THEN v.baseline_value / greatest(v.current_value, 1)
                    ELSE v.current_value / nullif(v.baseline_value, 0)
                END)::numeric, 4)::double precision AS ratio
            FROM valued v
        ),
        graded AS (                                     -- how bad it would be if it is there at all
            SELECT
                c.*,
                CASE c.metric_name
                    WHEN 'health_score' THEN
                        CASE
                            WHEN c.current_health < v_critical AND c.expected_health >= v_critical THEN 'critical'
                            WHEN c.current_health < v_warning AND c.expected_health >= v_warning THEN 'high'
                        END
                    ELSE monitoring_ratio_severity(
                        c.ratio, c.threshold_low, c.threshold_medium, c.threshold_high, c.threshold_critical,
                        c.current_health < v_critical)
                END AS grade
            FROM compared c
        )
        SELECT
            g.metric_name, g.alert_type, g.window_seconds, g.starts_at, g.part, g.rule, g.current_value, g.baseline_value, g.ratio,
            g.total, g.bad, g.expected,
            CASE WHEN g.p_value IS NOT NULL AND (p_complete OR g.p_value <= v_level)
                THEN monitoring_poisson_ratio_bound(
                    g.bad / g.dispersion, g.expected / g.dispersion, g.weight / g.dispersion, v_level)
            END,
            g.p_value, g.dispersion, g.weight, g.recent_ratio, g.calm,
            CASE
                WHEN g.total = 0 THEN 'no_data'
                WHEN NOT g.armed THEN 'not_armed'
                WHEN g.bad < v_least_bad AND (g.grade IS NOT NULL OR g.expected < v_least_bad) THEN 'too_few'
                WHEN g.metric_name <> 'latency_p95' AND g.grade IS NULL THEN 'below_threshold'
                WHEN g.p_value IS NULL OR g.p_value > v_level THEN
                    CASE WHEN g.grade IS NULL THEN 'below_threshold' ELSE 'within_noise' END
                WHEN g.grade IS NULL THEN 'below_threshold'
                WHEN g.window_seconds >= 21600 AND coalesce(g.recent_ratio, 0) < 1.2 THEN 'below_threshold'
                ELSE g.grade
            END,
            CASE
                WHEN g.total = 0 THEN 'no_data'
                WHEN NOT g.armed THEN 'not_armed'
                WHEN g.total < v_least THEN 'too_few'
                WHEN g.grade IS NULL THEN 'below_threshold'
                ELSE g.grade
            END,
            g.floored, g.baseline_from, g.baseline_until, g.threshold_low, g.threshold_medium, g.threshold_high
        FROM graded g;
END
$$;
COMMENT ON FUNCTION monitoring_judge_rates(timestamptz, jsonb, boolean) IS
    'Every metric and window with what both rules say. The evidence rule: at least least_bad_events, a ratio at a threshold, the '
    'exact test at the level, and in windows of six hours and more a latest sixth still at 1.2 times the expectation. The ratio '
    'rule: the ratio and at least least_events. Not complete: figures that no verdict hangs on are left null.';

CREATE OR REPLACE FUNCTION monitoring_attribution(
    p_part text, p_from timestamptz, p_at timestamptz, p_baseline_name text, p_window_days integer)
RETURNS TABLE (dimension text, value text, total_events bigint, bad_events bigint, expected_events double precision,
               excess_share double precision, likelihood double precision, blamed boolean)
LANGUAGE plpgsql STABLE
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_hour  CONSTANT timestamptz := date_trunc('hour', p_from, 'UTC');
    v_rates double precision[];                         -- by hour of day, from 0
    v_slow  double precision[];
    v_all   double precision;
    v_from  timestamptz;
    v_until timestamptz;
BEGIN
    SELECT
        array_agg(p.rate ORDER BY p.hour_of_day), array_agg(p.latency_p95 ORDER BY p.hour_of_day), min(p.overall_rate),
        min(p.baseline_from), min(p.baseline_until)
    INTO v_rates, v_slow, v_all, v_from, v_until
    FROM monitoring_profile(p_baseline_name, p_window_days, (p_at AT TIME ZONE 'UTC')::date) p
    WHERE p.metric_name = p_part;
    IF v_rates IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY
        WITH slices AS (                                -- of the window's hours (present) and of the baseline's before them
            SELECT true AS present, s.* FROM monitoring_rollup_slices s WHERE s.hour_start >= v_hour AND s.hour_start < p_at
            UNION ALL
            SELECT false, s.* FROM monitoring_rollup_slices s WHERE s.hour_start >= v_from AND s.hour_start < least(v_until, v_hour)
        ),
        counts AS (
            SELECT
                present, model, backend, agent, version, v_rates[place] AS rate,
                CASE p_part WHEN 'latency_p95' THEN latency_events ELSE total_events END AS total,
                CASE p_part
                    WHEN 'fallback_rate' THEN fallback_events
                    WHEN 'error_rate' THEN failed_events
                    WHEN 'duplicate_rate' THEN duplicate_events
                    WHEN 'unsuccessful_rate' THEN total_events - successful_events
                    WHEN 'latency_p95' THEN monitoring_count_above(latency_values, latency_counts, v_slow[place])
                END AS bad
            FROM slices, LATERAL (SELECT extract(hour FROM hour_start AT TIME ZONE 'UTC')::integer + 1 AS place) day
        ),
        sums AS MATERIALIZED (
            SELECT
                model, backend, agent, version, present, sum(total) AS total, sum(bad) AS bad, sum(total * rate) AS expected
            FROM counts
            GROUP BY model, backend, agent, version, present
        ),
        everything AS (
            SELECT sum(sums.bad)::double precision AS bad, sum(sums.expected) AS expected FROM sums WHERE sums.present
        ),
        by_value AS (
            SELECT
                each.dimension, each.value,
                coalesce(sum(sums.total) FILTER (WHERE sums.present), 0)::double precision AS total,
                coalesce(sum(sums.bad) FILTER (WHERE sums.present), 0)::double precision AS bad,
                coalesce(sum(sums.total) FILTER (WHERE NOT sums.present), 0)::double precision AS total_before,
                coalesce(sum(sums.bad) FILTER (WHERE NOT sums.present), 0)::double precision AS bad_before
            FROM sums
            CROSS JOIN LATERAL (VALUES
                ('model', sums.model), ('backend', sums.backend), ('agent', sums.agent), ('version', sums.version)) each (dimension, value)
            GROUP BY each.dimension, each.value
        ),
        own AS (                                        -- its own rate before, shrunk towards the rate of all: that of one not seen before
            SELECT b.*, b.total * (b.bad_before + 10) / (b.total_before + 10 / v_all) AS raw FROM by_value b WHERE b.total > 0
        ),
        expected AS (                                   -- brought to the sum that the profile expects of these hours
            SELECT o.*, o.raw * everything.expected / sum(o.raw) OVER (PARTITION BY o.dimension) AS expected FROM own o, everything
        ),
        scored AS (                                     -- Poisson log-likelihood over the expectation, of the value alone and of all alike
            SELECT
                e.dimension, e.value, e.total, e.bad, e.expected,
                (e.bad - e.expected) / nullif(everything.bad - everything.expected, 0) AS excess_share,
                CASE WHEN e.bad > e.expected THEN e.bad * ln(e.bad / e.expected) - (e.bad - e.expected) ELSE 0 END AS likelihood,
                CASE WHEN everything.bad > everything.expected
                    THEN everything.bad * ln(everything.bad / everything.expected) - (everything.bad - everything.expected)
                END AS likelihood_of_all
            FROM expected e, everything
        )
        SELECT
            s.dimension, s.value, s.total::bigint, s.bad::bigint, s.expected, s.excess_share, s.likelihood,
            s.value <> '' AND s.excess_share >= 0.7 AND s.likelihood >= s.likelihood_of_all + 2
                AND row_number() OVER (ORDER BY s.value = '', s.likelihood DESC, s.dimension, s.value) = 1
        FROM scored s
        WHERE s.likelihood > 0
        ORDER BY s.likelihood DESC, s.dimension, s.value
        LIMIT 20;
END
$$;
COMMENT ON FUNCTION monitoring_attribution(text, timestamptz, timestamptz, text, integer) IS
    'Which slices hold the excess of bad events over the expectation, by hours, the likeliest first. blamed: at most one value, '
    'that holds 70 % of the excess and explains it better by a log-likelihood of 2 than if all had grown alike.';

CREATE OR REPLACE FUNCTION monitoring_evaluate_windows(p_at timestamptz, p_settings jsonb, p_complete boolean)
RETURNS TABLE (metric_name text, alert_type text, window_seconds integer, starts_at timestamptz, part text,
               current_value numeric, baseline_value numeric, ratio numeric, total_events bigint, bad_events numeric,
               expected_events numeric, lower_bound numeric, p_value double precision, dispersion numeric, verdict text, would_be text,
               severity text, calm double precision[], leads boolean, threshold_low numeric, threshold_medium numeric,
               threshold_high numeric, evidence jsonb)
LANGUAGE sql STABLE
AS $$
WITH ruled AS (
    SELECT
        j.*,
        CASE j.rule WHEN 'ratio' THEN j.ratio_verdict ELSE j.evidence_verdict END AS verdict,
        CASE j.rule WHEN 'ratio' THEN j.evidence_verdict ELSE j.ratio_verdict END AS would_be
    FROM monitoring_judge_rates(monitoring_evaluated_moment(p_at, p_settings), p_settings, p_complete) j
),
severe AS (
    SELECT r.*, CASE WHEN r.verdict IN ('low', 'medium', 'high', 'critical') THEN r.verdict END AS severity FROM ruled r
)
SELECT
    s.metric_name, s.alert_type, s.window_seconds, s.starts_at, s.part,
    round(s.current_value::numeric, CASE WHEN s.metric_name IN ('latency_p95', 'health_score') THEN 2 ELSE 6 END),
    round(s.baseline_value::numeric, CASE WHEN s.metric_name IN ('latency_p95', 'health_score') THEN 2 ELSE 6 END),
    round(s.ratio::numeric, 4), s.total::bigint, s.bad::numeric, round(s.expected::numeric, 3), round(s.lower_bound::numeric, 4),
    s.p_value, round(s.dispersion::numeric, 3), s.verdict,
    CASE WHEN p_complete OR s.severity IS NOT NULL THEN s.would_be END,
    s.severity, s.calm,
    s.severity IS NOT NULL AND row_number() OVER (
        PARTITION BY s.metric_name ORDER BY monitoring_severity_rank(s.severity) DESC, s.window_seconds) = 1,
    s.threshold_low::numeric, s.threshold_medium::numeric, s.threshold_high::numeric,
    jsonb_strip_nulls(jsonb_build_object(
        'rule', s.rule,
        'window_seconds', s.window_seconds,
        'window_start', to_char(s.starts_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
        'window_end', to_char(monitoring_evaluated_moment(p_at, p_settings) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
        'counted', s.part,
        'total_events', s.total,
        'bad_events', s.bad,
        'expected_events', round(s.expected::numeric, 3),
        'excess', round((s.bad / nullif(s.expected, 0))::numeric, 4),
        'latest_sixth', round(s.recent_ratio::numeric, 4),
        'floor_applied', s.floored,
        'dispersion', round(s.dispersion::numeric, 3),
        'baseline_weight', round(s.weight::numeric, 1),
        'p_value', s.p_value,
        'lower_bound', round(s.lower_bound::numeric, 4),
        'significance', p_settings -> 'significance',
        'would_be', CASE WHEN p_complete OR s.severity IS NOT NULL THEN s.would_be END,
        'baseline_name', p_settings -> 'baseline' ->> 'name',
        'baseline_start', to_char(s.baseline_from AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
        'baseline_end', to_char(s.baseline_until AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')))
FROM severe s
$$;
COMMENT ON FUNCTION monitoring_evaluate_windows(timestamptz, jsonb, boolean) IS
    'Every metric and window judged by the rule that its settings choose; leads: the window that an alert would show, the '
    'shortest of the most severe. Settings are effective ones. Not complete: figures that no verdict hangs on are left null.';

CREATE OR REPLACE FUNCTION monitoring_evaluate(p_at timestamptz DEFAULT now(), p_settings jsonb DEFAULT NULL)
RETURNS TABLE (metric_name text, alert_type text, window_seconds integer, current_value numeric, baseline_value numeric,
               ratio numeric, total_events bigint, bad_events numeric, expected_events numeric, lower_bound numeric,
               p_value double precision, dispersion numeric, verdict text, would_be text, severity text, affected_model text,
               affected_backend text, affected_agent text, affected_version text, evidence jsonb)
LANGUAGE plpgsql STABLE
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_settings jsonb := monitoring_effective_settings(p_settings);
BEGIN
    PERFORM monitoring_check_settings(v_settings);
    RETURN QUERY
        WITH judged AS MATERIALIZED (
            SELECT * FROM monitoring_evaluate_windows(p_at, v_settings, true)
        ),
        blamed AS MATERIALIZED (                        -- for a metric that fires, by its leading window
            SELECT stretch.part, stretch.starts_at, a.dimension, a.value
            FROM (SELECT DISTINCT judged.part, judged.starts_at FROM judged WHERE judged.leads) stretch
            CROSS JOIN LATERAL monitoring_attribution(
                stretch.part, stretch.starts_at, monitoring_evaluated_moment(p_at, v_settings), v_settings -> 'baseline' ->> 'name',
                (v_settings -> 'baseline' ->> 'window_days')::integer) a
            WHERE a.blamed
        )
        SELECT
            j.metric_name, j.alert_type, j.window_seconds, j.current_value, j.baseline_value, j.ratio, j.total_events, j.bad_events,
            j.expected_events, j.lower_bound, j.p_value, j.dispersion, j.verdict, j.would_be, j.severity,
            CASE WHEN b.dimension = 'model' THEN b.value END,
            CASE WHEN b.dimension = 'backend' THEN b.value END,
            CASE WHEN b.dimension = 'agent' THEN b.value END,
            CASE WHEN b.dimension = 'version' THEN b.value END,
            j.evidence
        FROM judged j
        LEFT JOIN judged first ON first.metric_name = j.metric_name AND first.leads AND j.severity IS NOT NULL
        LEFT JOIN blamed b ON b.part = first.part AND b.starts_at = first.starts_at
        ORDER BY j.alert_type, j.window_seconds;
END
$$;
COMMENT ON FUNCTION monitoring_evaluate(timestamptz, jsonb) IS
    'What every metric looks like in every window that ends at a moment (at its last full five minutes). p_settings are laid '
    'over those in force. verdict: no_data, not_armed, too_few, within_noise, below_threshold, or the severity at which it '
    'fires; would_be: what the other rule says. lower_bound is of the ratio. Changes nothing.';
