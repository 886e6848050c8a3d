-- Windows: which stretches of time an evaluation looks at, and what was counted in them. Reads only; any moment can be asked for.

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

CREATE OR REPLACE FUNCTION monitoring_scanned_windows(p_settings jsonb)
RETURNS TABLE (window_seconds integer, is_named boolean)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
WITH named AS (
    SELECT DISTINCT seconds::integer AS seconds FROM jsonb_array_elements_text(p_settings -> 'windows_seconds') seconds
)
SELECT seconds, true FROM named
UNION ALL
SELECT minutes * 60, false
FROM unnest('{5,10,15,20,30,45,60,90,120,180,240,360,480,720,1080,1440,2160,2880,4320}'::integer[]) minutes
WHERE minutes * 60 < (SELECT max(seconds) FROM named) AND minutes * 60 NOT IN (SELECT seconds FROM named)
$$;
COMMENT ON FUNCTION monitoring_scanned_windows(jsonb) IS
    'The windows of the settings, and up to the longest of them those between, so that an incident of any length soon fills one. Many '
    'windows at a strict level find more, and sooner, than few at a looser one that raise as many false alerts.';

CREATE OR REPLACE FUNCTION monitoring_level(p_settings jsonb, p_bad_events_a_day double precision, p_dispersion double precision)
RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT (p_settings ->> 'significance')::double precision * least(4, sqrt(50 / greatest(p_bad_events_a_day, 0.01))) / sqrt(p_dispersion)
$$;
COMMENT ON FUNCTION monitoring_level(jsonb, double precision, double precision) IS
    'The level of one test where so many bad events are usual in a day: significance at 50 of them, and falling with their square '
    'root, since the more there is to count the more distinct stretches are looked at; at most four times the significance. It falls '
    'with the square root of the dispersion too, whose own estimate is uncertain.';

CREATE OR REPLACE FUNCTION monitoring_last_clearing(p_metric_name text, p_at timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
SELECT max(cleared_at) FROM monitoring_alerts WHERE metric_name = p_metric_name AND cleared_at <= p_at
$$;
COMMENT ON FUNCTION monitoring_last_clearing(text, timestamptz) IS
    'When the condition of an alert of this metric, on all events or on a slice, was last found to be over. No window of the metric '
    'reaches back over it: what is over raises nothing again.';

CREATE OR REPLACE FUNCTION monitoring_evaluated_windows(p_at timestamptz, p_settings jsonb, p_lag_days integer)
RETURNS TABLE (metric_name text, window_seconds integer, is_named boolean, starts_at timestamptz, recent_at timestamptz,
               live_since timestamptz)
LANGUAGE sql STABLE
AS $$
WITH metrics AS MATERIALIZED (
    SELECT
        m.metric_name,
        monitoring_bucket(monitoring_last_clearing(m.metric_name, p_at)) AS cleared_at,
        latest.live_since
    FROM (SELECT DISTINCT parts.metric_name FROM monitoring_evaluated_parts() parts) evaluated
    JOIN monitoring_known_metrics() m USING (metric_name)
    LEFT JOIN LATERAL (
        SELECT
            CASE WHEN a.live_since <= p_at AND (a.status <> 'resolved' OR a.held_severity IS NOT NULL)
                THEN monitoring_bucket(a.live_since) END AS live_since
        FROM monitoring_alerts a
        WHERE a.fingerprint = monitoring_fingerprint(m.alert_type, m.metric_name) AND a.opened_at <= p_at
        ORDER BY a.status = 'resolved', a.opened_at DESC
        LIMIT 1) latest ON true
    WHERE p_lag_days = 0 OR m.metric_name <> 'health_score'
)
SELECT
    metrics.metric_name,
    scanned.window_seconds,
    scanned.is_named,
    greatest(p_at - scanned.window_seconds * interval '1 second', metrics.cleared_at),
    CASE WHEN scanned.window_seconds >= 21600
        THEN greatest(monitoring_bucket(p_at - scanned.window_seconds / 6 * interval '1 second'), metrics.cleared_at) END,
    metrics.live_since
FROM metrics, monitoring_scanned_windows(p_settings) scanned
WHERE p_lag_days = 0 OR scanned.window_seconds >= 86400
$$;
COMMENT ON FUNCTION monitoring_evaluated_windows(timestamptz, jsonb, integer) IS
    'The windows of rates, latency and health that end at a moment, and where the latest sixth of those of six hours and more begins; '
    'none reaches back over the metric''s last close. live_since: when its alert opened, if it has one. With a lag, against which slow '
    'drift shows, those of a day and more.';

CREATE OR REPLACE FUNCTION monitoring_window_counts(p_at timestamptz, p_settings jsonb, p_lag_days integer DEFAULT 0)
RETURNS TABLE (metric_name text, part text, window_seconds integer, is_named boolean, starts_at timestamptz, armed boolean,
               total double precision, bad double precision, expected double precision, weight double precision,
               dispersion double precision, level double precision, recent_bad double precision, recent_expected double precision,
               calm double precision[], expected_p95 double precision, floored boolean, baseline_from timestamptz,
               baseline_until timestamptz)
LANGUAGE plpgsql STABLE
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_bounds timestamptz[];
BEGIN
    SELECT array_agg(DISTINCT bound ORDER BY bound) INTO v_bounds
    FROM monitoring_evaluated_windows(p_at, p_settings, p_lag_days) w
    CROSS JOIN LATERAL (VALUES (w.starts_at), (w.recent_at), (w.live_since)) bounds (bound)
    WHERE bound IS NOT NULL;

    RETURN QUERY
        WITH windows AS MATERIALIZED (
            SELECT w.metric_name, parts.part, w.window_seconds, w.is_named, w.starts_at, w.recent_at, w.live_since
            FROM monitoring_evaluated_windows(p_at, p_settings, p_lag_days) w JOIN monitoring_evaluated_parts() parts USING (metric_name)
        ),
        profile AS MATERIALIZED (                       -- a rate under the floor counts as the floor
            SELECT
                p.metric_name AS part, p.hour_of_day, greatest(p.rate, floors.floor) AS rate, p.weight, p.dispersion, p.hourly_dispersion,
                p.latency_p95, p.rate < floors.floor AS floored, p.total_events, p.baseline_from, p.baseline_until
            FROM monitoring_profile(
                p_settings -> 'baseline' ->> 'name', (p_settings -> 'baseline' ->> 'window_days')::integer,
                (p_at AT TIME ZONE 'UTC')::date - p_lag_days) p
            LEFT JOIN monitoring_metric_settings(p_settings) floors USING (metric_name)
            -- What was normal before another normal was accepted is nothing to drift from.
            WHERE p.accepted_from IS NOT DISTINCT FROM (
                SELECT monitoring_accepted_from(p_settings -> 'baseline' ->> 'name', (p_at AT TIME ZONE 'UTC')::date))
        ),
        known AS MATERIALIZED (
            SELECT
                p.part, min(p.dispersion) AS dispersion, sum(p.total_events * p.rate) AS all_bad, min(p.baseline_from) AS baseline_from,
                min(p.baseline_until) AS baseline_until, bool_or(p.floored) AS floored,
                monitoring_level(
                    p_settings,
                    sum(p.total_events * p.rate) / (extract(epoch FROM min(p.baseline_until) - min(p.baseline_from))::double precision / 86400),
                    min(p.hourly_dispersion)) AS level
            FROM profile p
            GROUP BY p.part
        ),
        cells AS MATERIALIZED (                         -- one row an hour, split where a window begins
            SELECT
                min(bucket_start) AS starts_at,
                extract(hour FROM bucket_start AT TIME ZONE 'UTC')::integer AS hour_of_day,
                sum(r.total_events) AS total_events,
                sum(r.total_events - r.successful_events) AS unsuccessful_events,
                sum(r.failed_events) AS failed_events,
                sum(r.fallback_events) AS fallback_events,
                sum(r.duplicate_events) AS duplicate_events,
                sum(r.latency_events) AS latency_events,
                sum(monitoring_count_above(r.latency_values, r.latency_counts, limits.latency_p95)) AS slow_events
            FROM monitoring_rollup r
            LEFT JOIN profile limits
                ON limits.part = 'latency_p95' AND limits.hour_of_day = extract(hour FROM bucket_start AT TIME ZONE 'UTC')::integer
            WHERE bucket_start >= v_bounds[1] AND bucket_start < p_at
            GROUP BY date_trunc('hour', bucket_start, 'UTC'), 2, width_bucket(bucket_start, v_bounds)
        ),
        stretches AS MATERIALIZED (                     -- one row a bound and hour of day: all from the bound to the moment
            SELECT
                bound, cells.hour_of_day, sum(cells.total_events) AS total_events, sum(cells.unsuccessful_events) AS unsuccessful_events,
                sum(cells.failed_events) AS failed_events, sum(cells.fallback_events) AS fallback_events,
                sum(cells.duplicate_events) AS duplicate_events, sum(cells.latency_events) AS latency_events,
                sum(cells.slow_events) AS slow_events
            FROM unnest(v_bounds) bound
            JOIN cells ON cells.starts_at >= bound
            GROUP BY bound, cells.hour_of_day
        ),
        sums AS MATERIALIZED (                          -- the same hour of several days rests on the same piece of baseline
            SELECT
                s.bound, each.part,
                sum(each.total)::double precision AS total, sum(each.bad)::double precision AS bad,
                sum(each.total::double precision * profile.rate) AS expected,
                sum(each.total::double precision ^ 2 * profile.rate / profile.weight) AS variance,
                sum(each.total::double precision * profile.latency_p95) AS latency_total
            FROM stretches s
            CROSS JOIN LATERAL (VALUES
                ('fallback_rate',     s.total_events,   s.fallback_events),
                ('error_rate',        s.total_events,   s.failed_events),
                ('duplicate_rate',    s.total_events,   s.duplicate_events),
                ('unsuccessful_rate', s.total_events,   s.unsuccessful_events),
                ('latency_p95',       s.latency_events, s.slow_events)) each (part, total, bad)
            LEFT JOIN profile ON profile.part = each.part AND profile.hour_of_day = s.hour_of_day
            GROUP BY s.bound, each.part
        ),
        runs AS (                                       -- what speaks for the normal rate against a multiple, summed back from the end
            SELECT
                alive.metric_name, alive.part, multiples.place,
                sum(((multiples.multiple - 1) * each.total * profile.rate - each.bad * ln(multiples.multiple)) / profile.dispersion) OVER (
                    PARTITION BY alive.metric_name, alive.part, multiples.place ORDER BY c.starts_at DESC) AS for_normal
            FROM (SELECT DISTINCT w.metric_name, w.part, w.live_since FROM windows w WHERE w.live_since IS NOT NULL) alive
            JOIN cells c ON c.starts_at >= alive.live_since
            CROSS JOIN LATERAL (
                SELECT
                    CASE alive.part WHEN 'latency_p95' THEN c.latency_events ELSE c.total_events END::double precision AS total,
                    CASE alive.part
                        WHEN 'fallback_rate' THEN c.fallback_events
                        WHEN 'error_rate' THEN c.failed_events
                        WHEN 'duplicate_rate' THEN c.duplicate_events
                        WHEN 'unsuccessful_rate' THEN c.unsuccessful_events
                        ELSE c.slow_events
                    END::double precision AS bad
            ) each
            JOIN profile ON profile.part = alive.part AND profile.hour_of_day = c.hour_of_day
            CROSS JOIN LATERAL (                        -- a drift is never far off: it is over when little of it is left
                VALUES (1, CASE WHEN p_lag_days = 0 THEN 1.6 ELSE 1.25 END::double precision),
                    (2, CASE WHEN p_lag_days = 0 THEN 2 ELSE 1.25 END), (3, CASE WHEN p_lag_days = 0 THEN 3 ELSE 1.25 END)
            ) multiples (place, multiple)
        ),
        calmness AS (
            SELECT best.metric_name, best.part, array_agg(best.for_normal ORDER BY best.place) AS calm
            FROM (
                SELECT r.metric_name, r.part, r.place, greatest(0, max(r.for_normal)) AS for_normal
                FROM runs r
                GROUP BY r.metric_name, r.part, r.place
            ) best
            GROUP BY best.metric_name, best.part
        )
        SELECT
            w.metric_name, w.part, w.window_seconds, w.is_named, w.starts_at,
            known.dispersion IS NOT NULL,
            coalesce(whole.total, 0), coalesce(whole.bad, 0), whole.expected,
            least(whole.expected ^ 2 / nullif(whole.variance, 0), known.all_bad + 1),
            coalesce(known.dispersion, 1), known.level,
            coalesce(latest.bad, 0), coalesce(latest.expected, 0), calmness.calm,
            whole.latency_total / nullif(whole.total, 0),
            coalesce(known.floored, false), known.baseline_from, known.baseline_until
        FROM windows w
        LEFT JOIN known USING (part)
        LEFT JOIN sums whole ON whole.part = w.part AND whole.bound = w.starts_at
        LEFT JOIN sums latest ON latest.part = w.part AND latest.bound = w.recent_at
        LEFT JOIN calmness ON calmness.metric_name = w.metric_name AND calmness.part = w.part;
END
$$;
COMMENT ON FUNCTION monitoring_window_counts(timestamptz, jsonb, integer) IS
    'The counts an evaluation judges, in one pass over the buckets, against the profile of the day or of so many days before: events '
    'and bad ones in each window, how many bad ones the profile expects (E = sum(n p)), the weight of that expectation '
    '(B = E^2 / sum(n^2 p / weight), never above the bad events that the whole baseline held), the level of its test, the same counts of the '
    'latest sixth, and, while an alert is live, calm: the reverse CUSUM max(sum((r - 1) E - x ln r) / dispersion) over all '
    'stretches since it opened that end at the moment, for r = 1.6, 2 and 3 (with a lag 1.25).';

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
        SELECT duration, sum(coalesce(events, 1))::bigint AS events
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
