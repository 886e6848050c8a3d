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

CREATE OR REPLACE FUNCTION monitoring_arming(p_at timestamptz, p_settings jsonb DEFAULT monitoring_effective_settings())
RETURNS TABLE (metric_name text, armed boolean, armed_from timestamptz)
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
    v_name     CONSTANT text := p_settings -> 'baseline' ->> 'name';
    v_days     CONSTANT integer := (p_settings -> 'baseline' ->> 'window_days')::integer;
    v_day      CONSTANT date := (p_at AT TIME ZONE 'UTC')::date;
    v_accepted CONSTANT timestamptz := monitoring_accepted_from(v_name, v_day);
    v_from     timestamptz;
BEGIN
    SELECT date_bin(
        '24 hours',
        greatest(min(bucket_start), v_accepted) + need.fit_hours * interval '1 hour' + need.distance + interval '23 hours 59 minutes 59 seconds',
        '2000-01-01 00:00:00+00')
    INTO v_from
    FROM monitoring_baseline_need(v_days, v_accepted, p_at) need
    LEFT JOIN monitoring_rollup ON bucket_start >= p_at - greatest(28, v_days) * interval '24 hours' AND bucket_start <= p_at
    GROUP BY need.fit_hours, need.distance;
    RETURN QUERY
        WITH known AS MATERIALIZED (
            SELECT p.metric_name FROM monitoring_profile(v_name, v_days, v_day) p
            UNION
            SELECT s.metric_name FROM monitoring_slices_of_baseline(v_name, v_days, v_day) s
        )
        SELECT m.metric_name, judged.is_armed, CASE WHEN NOT judged.is_armed AND v_from > p_at THEN v_from END
        FROM monitoring_metric_settings(p_settings) m
        CROSS JOIN LATERAL (
            SELECT NOT EXISTS (
                SELECT coalesce(parts.part, m.metric_name)
                FROM (SELECT m.metric_name) own
                LEFT JOIN monitoring_evaluated_parts() parts USING (metric_name)
                EXCEPT
                SELECT known.metric_name FROM known) AS is_armed
        ) judged
        WHERE m.enabled;
END
$$;
COMMENT ON FUNCTION monitoring_arming(timestamptz, jsonb) IS
    'Whether each metric that is switched on can be judged at a moment, or lacks anything to compare with; and then from which midnight on '
    'it can be (traffic sooner), should events go on coming; null where that cannot be told.';

CREATE OR REPLACE FUNCTION monitoring_metric_of_part(p_part text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT CASE p_part WHEN 'unsuccessful_rate' THEN 'error_rate' ELSE p_part END
$$;
COMMENT ON FUNCTION monitoring_metric_of_part(text) IS
    'The metric whose alerts account for a share of bad events: those of the error rate for what did not succeed.';

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
SELECT
    (p_settings ->> 'significance')::double precision
    * least(12, greatest(sqrt(50 / greatest(p_bad_events_a_day, 0.01)), power(50 / greatest(p_bad_events_a_day, 0.01), 2) / 5))
    / sqrt(p_dispersion)
$$;
COMMENT ON FUNCTION monitoring_level(jsonb, double precision, double precision) IS
    'The level of one test where so many bad events are usual in a day: significance at 50 of them, and falling with their square '
    'root, since the more there is to count the more distinct stretches are looked at. Under 17 a day it rises with their square: few '
    'stretches hold the five bad events that a test needs, so that few are tested at all (simulated at 20 events an hour: no false alert '
    'in eight times 28 days). At most twelve times the significance. It falls with the square root of the dispersion too, whose own '
    'estimate is uncertain.';

CREATE OR REPLACE FUNCTION monitoring_last_clearing(p_metric_name text, p_at timestamptz) RETURNS timestamptz
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
BEGIN
    RETURN (
        SELECT max(cleared_at)
        FROM monitoring_alerts
        WHERE labels IS NULL
          AND cleared_at <= p_at
          AND metric_name = ANY (p_metric_name || ARRAY(
                SELECT monitoring_metric_of_part(parts.part)
                FROM monitoring_evaluated_parts() parts
                WHERE parts.metric_name = p_metric_name)));
END
$$;
COMMENT ON FUNCTION monitoring_last_clearing(text, timestamptz) IS
    'When the condition of an alert of this metric, on all events or on a slice, was last found to be over. No window of the metric '
    'reaches back over it: what is over raises nothing again. Nor does what a rate had accounted for raise an alert on health as soon as '
    'the rate''s own is over.';

CREATE OR REPLACE FUNCTION monitoring_place(p_first timestamptz, p_at timestamptz, p_seconds integer) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT ceil(date_part('epoch', p_at - p_first) / p_seconds)::integer + 1
$$;
COMMENT ON FUNCTION monitoring_place(timestamptz, timestamptz, integer) IS
    'Where a moment stands in a curve of running sums over stretches of p_seconds from p_first on: at place n are the sums of the n - 1 '
    'stretches that began before it. What was counted between two moments is the difference of the sums at their places.';

CREATE OR REPLACE FUNCTION monitoring_evaluated_metrics(p_at timestamptz, p_lag_days integer)
RETURNS TABLE (metric_name text, cleared_at timestamptz, live_since timestamptz)
LANGUAGE sql STABLE
AS $$
SELECT
    known.metric_name,
    monitoring_bucket(monitoring_last_clearing(known.metric_name, p_at)),
    latest.live_since
FROM (SELECT DISTINCT parts.metric_name FROM monitoring_evaluated_parts() parts) evaluated
JOIN monitoring_known_metrics() known USING (metric_name)
LEFT JOIN LATERAL (
    SELECT
        CASE WHEN a.live_since <= p_at AND (a.status <> 'resolved' OR a.held_severity IS NOT NULL)
            THEN monitoring_bucket(a.live_since) END AS live_since
    FROM monitoring_alerts a
    WHERE a.fingerprint = monitoring_fingerprint(known.alert_type, known.metric_name) AND a.opened_at <= p_at
    ORDER BY a.status = 'resolved', a.opened_at DESC
    LIMIT 1
) latest ON true
WHERE p_lag_days = 0 OR known.metric_name <> 'health_score'
$$;
COMMENT ON FUNCTION monitoring_evaluated_metrics(timestamptz, integer) IS
    'Rates, latency and health (with a lag not health): where the windows of each begin at the earliest, since none reaches back over '
    'the metric''s last close, and since when its alert is live, if it has one.';

CREATE OR REPLACE FUNCTION monitoring_window_counts(
    p_moments timestamptz[], p_settings jsonb, p_complete boolean DEFAULT true, p_lag_days integer DEFAULT 0)
RETURNS TABLE (at timestamptz, metric_name text, part text, window_seconds integer, is_named boolean, starts_at timestamptz,
               armed boolean, total double precision, bad double precision, expected double precision, weight double precision,
               dispersion double precision, level double precision, is_tested boolean, recent_bad double precision,
               recent_expected double precision, calm double precision[], expected_p95 double precision, floored boolean,
               baseline_from timestamptz, baseline_until timestamptz)
LANGUAGE plpgsql STABLE
SET jit = off
SET work_mem = '16MB'
AS $$
#variable_conflict use_column
DECLARE
    v_name      CONSTANT text := p_settings -> 'baseline' ->> 'name';
    v_days      CONSTANT integer := (p_settings -> 'baseline' ->> 'window_days')::integer;
    v_from      CONSTANT timestamptz := (SELECT min(moment) FROM unnest(p_moments) moment);
    v_until     CONSTANT timestamptz := (SELECT max(moment) FROM unnest(p_moments) moment);
    v_day       CONSTANT date := (v_from AT TIME ZONE 'UTC')::date;
    v_least_bad CONSTANT double precision := (p_settings ->> 'least_bad_events')::double precision;
    v_by_ratio  CONSTANT boolean := EXISTS (SELECT FROM monitoring_metric_settings(p_settings) s WHERE s.enabled AND s.rule = 'ratio');
    v_first     timestamptz;                            -- the full hour at which the curves begin
BEGIN
    SELECT date_trunc('hour', least(
            v_from - max(scanned.window_seconds) * interval '1 second',
            (SELECT greatest(min(m.live_since), v_from - interval '28 days')
             FROM monitoring_evaluated_metrics(v_from, p_lag_days) m
             HAVING min(m.live_since) IS NOT NULL)), 'UTC')
    INTO v_first
    FROM monitoring_scanned_windows(p_settings) scanned;
    RETURN QUERY
        WITH profile AS MATERIALIZED (                  -- a rate under the floor counts as the floor
            SELECT
                p.metric_name AS part, p.hour_of_day, greatest(p.rate, floors.floor) AS rate, p.weight, p.dispersion, p.hourly_dispersion,
                p.latency_p95, p.rate < floors.floor AS floored, p.total_events, p.baseline_from, p.baseline_until
            FROM monitoring_profile(v_name, v_days, v_day - p_lag_days) p
            LEFT JOIN monitoring_metric_settings(p_settings) floors USING (metric_name)
            -- What was normal before another normal was accepted is nothing to drift from.
            WHERE p.accepted_from IS NOT DISTINCT FROM (SELECT monitoring_accepted_from(v_name, v_day))
        ),
        known AS MATERIALIZED (
            SELECT
                p.part, min(p.dispersion) AS dispersion, sum(p.total_events * p.rate) AS all_bad, min(p.baseline_from) AS baseline_from,
                min(p.baseline_until) AS baseline_until, bool_or(p.floored) AS floored,
                monitoring_level(
                    p_settings,
                    sum(p.total_events * p.rate) / (extract(epoch FROM min(p.baseline_until) - min(p.baseline_from))::double precision / 86400),
                    min(p.hourly_dispersion)) AS level,
                array_agg(p.rate / nullif(p.weight, 0) ORDER BY p.hour_of_day) AS variances
            FROM profile p
            GROUP BY p.part
        ),
        hours AS MATERIALIZED (
            SELECT
                p.hour_of_day,
                max(p.rate) FILTER (WHERE p.part = 'fallback_rate') AS fallback_rate,
                max(p.rate) FILTER (WHERE p.part = 'error_rate') AS error_rate,
                max(p.rate) FILTER (WHERE p.part = 'duplicate_rate') AS duplicate_rate,
                max(p.rate) FILTER (WHERE p.part = 'unsuccessful_rate') AS unsuccessful_rate,
                max(p.rate) FILTER (WHERE p.part = 'latency_p95') AS slow_rate,
                max(p.latency_p95) AS latency_p95
            FROM profile p
            GROUP BY p.hour_of_day
        ),
        cells AS (                                      -- before the first five minutes nothing, then each, those without events too
            SELECT
                grid.place, r.total_events::double precision, r.failed_events::double precision, r.fallback_events::double precision,
                r.duplicate_events::double precision, (r.total_events - r.successful_events)::double precision AS unsuccessful_events,
                r.latency_events::double precision,
                monitoring_count_above(r.latency_values, r.latency_counts, hours.latency_p95)::double precision AS slow_events,
                hours.*
            FROM generate_series(v_first - interval '5 minutes', v_until - interval '1 second', interval '5 minutes')
                WITH ORDINALITY grid (bucket_start, place)
            LEFT JOIN (
                SELECT * FROM monitoring_rollup held WHERE held.bucket_start >= v_first AND held.bucket_start < v_until OFFSET 0
            ) r USING (bucket_start)
            LEFT JOIN hours ON hours.hour_of_day = date_part('hour', r.bucket_start AT TIME ZONE 'UTC')::integer
        ),
        running AS (
            SELECT
                sum(c.total_events) OVER back AS total, sum(c.latency_events) OVER back AS measured,
                sum(c.fallback_events) OVER back AS fallback, sum(c.total_events * c.fallback_rate) OVER back AS fallback_expected,
                sum(c.failed_events) OVER back AS failed, sum(c.total_events * c.error_rate) OVER back AS failed_expected,
                sum(c.duplicate_events) OVER back AS duplicate, sum(c.total_events * c.duplicate_rate) OVER back AS duplicate_expected,
                sum(c.unsuccessful_events) OVER back AS unsuccessful,
                sum(c.total_events * c.unsuccessful_rate) OVER back AS unsuccessful_expected,
                sum(c.slow_events) OVER back AS slow, sum(c.latency_events * c.slow_rate) OVER back AS slow_expected,
                sum(c.latency_events * c.latency_p95) OVER back AS latency
            FROM cells c
            WINDOW back AS (ORDER BY c.place ROWS UNBOUNDED PRECEDING)
            ORDER BY c.place
        ),
        sums AS (
            SELECT
                array_agg(coalesce(r.total, 0)) AS total, array_agg(coalesce(r.measured, 0)) AS measured,
                array_agg(coalesce(r.fallback, 0)) AS fallback, array_agg(coalesce(r.fallback_expected, 0)) AS fallback_expected,
                array_agg(coalesce(r.failed, 0)) AS failed, array_agg(coalesce(r.failed_expected, 0)) AS failed_expected,
                array_agg(coalesce(r.duplicate, 0)) AS duplicate, array_agg(coalesce(r.duplicate_expected, 0)) AS duplicate_expected,
                array_agg(coalesce(r.unsuccessful, 0)) AS unsuccessful,
                array_agg(coalesce(r.unsuccessful_expected, 0)) AS unsuccessful_expected,
                array_agg(coalesce(r.slow, 0)) AS slow, array_agg(coalesce(r.slow_expected, 0)) AS slow_expected,
                array_agg(coalesce(r.latency, 0)) AS latency
            FROM running r
        ),
        curves AS MATERIALIZED (                        -- of each part the running sums, at each place those of all that is before
            SELECT each.*
            FROM sums
            CROSS JOIN LATERAL (VALUES
                ('fallback_rate',     sums.total,    sums.fallback,     sums.fallback_expected,     NULL::double precision[]),
                ('error_rate',        sums.total,    sums.failed,       sums.failed_expected,       NULL),
                ('duplicate_rate',    sums.total,    sums.duplicate,    sums.duplicate_expected,    NULL),
                ('unsuccessful_rate', sums.total,    sums.unsuccessful, sums.unsuccessful_expected, NULL),
                ('latency_p95',       sums.measured, sums.slow,         sums.slow_expected,         sums.latency)
            ) each (part, total, bad, expected, latency)
        ),
        evaluated AS MATERIALIZED (
            SELECT
                m.metric_name, parts.part, m.live_since, coalesce(monitoring_place(v_first, m.cleared_at, 300), 1) AS earliest,
                m.cleared_at, known.dispersion IS NOT NULL AS armed, coalesce(known.dispersion, 1) AS dispersion, known.level,
                known.all_bad, known.variances, coalesce(known.floored, false) AS floored, known.baseline_from, known.baseline_until
            FROM monitoring_evaluated_metrics(v_from, p_lag_days) m
            JOIN monitoring_evaluated_parts() parts USING (metric_name)
            LEFT JOIN known ON known.part = parts.part
        ),
        moments AS MATERIALIZED (
            SELECT moment AS at, monitoring_place(v_first, moment, 300) AS place, extract(epoch FROM moment - v_first)::integer AS seconds
            FROM unnest(p_moments) moment
        ),
        counts AS MATERIALIZED (
            SELECT
                moments.at, moments.place, e.metric_name, e.part, scanned.window_seconds, scanned.is_named, e.armed, e.dispersion, e.level,
                e.live_since, begin.place AS begin_place,
                CASE WHEN scanned.window_seconds >= 21600
                    THEN greatest((moments.seconds - scanned.window_seconds / 6) / 300 + 1, e.earliest) END AS recent_place,
                c.total[moments.place] - c.total[begin.place] AS total,
                c.bad[moments.place] - c.bad[begin.place] AS bad,
                CASE WHEN e.armed THEN c.expected[moments.place] - c.expected[begin.place] END AS expected
            FROM moments
            CROSS JOIN monitoring_scanned_windows(p_settings) scanned
            CROSS JOIN evaluated e
            JOIN curves c ON c.part = e.part
            CROSS JOIN LATERAL (
                SELECT least(greatest(moments.place - scanned.window_seconds / 300, e.earliest), moments.place) AS place
            ) begin
            WHERE p_lag_days = 0 OR scanned.window_seconds >= 86400
        ),
        tested AS MATERIALIZED (                        -- where anything hangs on the exact test
            SELECT
                counts.*,
                coalesce(counts.armed AND counts.total > 0 AND (
                    p_complete AND counts.is_named
                    OR counts.bad >= v_least_bad AND counts.bad >= 1.2 * counts.expected AND counts.expected > 0
                        AND monitoring_poisson_likelihood(counts.bad, counts.expected) / counts.dispersion >= -ln(counts.level) - 4), false)
                    AS is_tested
            FROM counts
        ),
        loud AS MATERIALIZED (
            SELECT DISTINCT t.at FROM tested t WHERE t.is_tested
        ),
        shown AS (                                      -- without the rest only what a verdict, or the end of an alert, hangs on
            SELECT t.*
            FROM tested t
            WHERE p_complete OR v_by_ratio OR t.at IN (SELECT loud.at FROM loud)
               OR t.live_since IS NOT NULL AND (
                    t.metric_name = 'health_score' OR t.window_seconds = (
                        SELECT min(s.window_seconds)
                        FROM monitoring_scanned_windows(p_settings) s
                        WHERE p_lag_days = 0 OR s.window_seconds >= 86400))
        ),
        runs AS (                                       -- what speaks for the normal rate against a multiple, since the alert opened
            SELECT
                e.metric_name, e.part, multiples.step, each.place,
                ((multiples.multiple - 1) * c.expected[each.place] - c.bad[each.place] * ln(multiples.multiple)) / e.dispersion
                    AS for_normal
            FROM evaluated e
            JOIN curves c ON c.part = e.part
            CROSS JOIN LATERAL generate_series(
                greatest(monitoring_place(v_first, e.live_since, 300), 1), monitoring_place(v_first, v_until, 300)) each (place)
            CROSS JOIN LATERAL (                        -- a drift is never far off: it is over when little of it is left
                VALUES (1, CASE WHEN p_lag_days = 0 THEN 1.6 ELSE 1.25 END::double precision),
                    (2, CASE WHEN p_lag_days = 0 THEN 2 ELSE 1.25 END), (3, CASE WHEN p_lag_days = 0 THEN 3 ELSE 1.25 END)
            ) multiples (step, multiple)
            WHERE e.live_since IS NOT NULL AND e.armed
        ),
        calmness AS (
            SELECT best.metric_name, best.part, best.place, array_agg(best.calm ORDER BY best.step) AS calm
            FROM (
                SELECT
                    r.metric_name, r.part, r.place, r.step,
                    greatest(0, r.for_normal - min(r.for_normal) OVER (
                        PARTITION BY r.metric_name, r.part, r.step ORDER BY r.place
                        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)) AS calm
                FROM runs r
            ) best
            WHERE best.place IN (SELECT moments.place FROM moments)
            GROUP BY best.metric_name, best.part, best.place
        )
        SELECT
            s.at, s.metric_name, s.part, s.window_seconds, s.is_named,
            greatest(s.at - s.window_seconds * interval '1 second', e.cleared_at),
            s.armed, s.total, s.bad, CASE WHEN s.total > 0 THEN s.expected END,
            CASE WHEN s.is_tested THEN least(s.expected ^ 2 / nullif(uncertain.variance, 0), e.all_bad + 1) END,
            s.dispersion, s.level, s.is_tested,
            coalesce(c.bad[s.place] - c.bad[least(s.recent_place, s.place)], 0),
            CASE WHEN s.armed THEN coalesce(c.expected[s.place] - c.expected[least(s.recent_place, s.place)], 0) ELSE 0 END,
            calmness.calm,
            CASE WHEN s.armed THEN (c.latency[s.place] - c.latency[s.begin_place]) / nullif(s.total, 0) END,
            e.floored, e.baseline_from, e.baseline_until
        FROM shown s
        JOIN evaluated e ON e.metric_name = s.metric_name AND e.part = s.part
        JOIN curves c ON c.part = s.part
        LEFT JOIN calmness ON calmness.metric_name = s.metric_name AND calmness.part = s.part AND calmness.place = s.place
        CROSS JOIN LATERAL (                            -- the same hour of several days rests on the same piece of baseline
            SELECT sum(hourly.total ^ 2 * e.variances[hourly.hour_of_day + 1]) AS variance
            FROM (
                SELECT
                    (extract(hour FROM v_first AT TIME ZONE 'UTC')::integer + hour) % 24 AS hour_of_day,
                    sum(c.total[least(hour * 12 + 13, s.place)] - c.total[greatest(hour * 12 + 1, s.begin_place)]) AS total
                FROM generate_series((s.begin_place - 1) / 12, (s.place - 2) / 12) hour
                WHERE s.is_tested
                GROUP BY 1
            ) hourly
        ) uncertain;
END
$$;
COMMENT ON FUNCTION monitoring_window_counts(timestamptz[], jsonb, boolean, integer) IS
    'The counts that evaluations of moments of one UTC day judge, in one pass over the buckets, against the profile of the day or of '
    'so many days before: events and bad ones in each window, how many bad ones the profile expects (E = sum(n p)), whether anything '
    'hangs on the test, then the weight of that expectation (B = E^2 / sum(n^2 p / weight), never above the bad events that the whole '
    'baseline held), its level, the same counts of the latest sixth, and, while an alert is live, calm: the reverse CUSUM max(sum((r - '
    '1) E - x ln r) / dispersion) over all stretches since it opened that end at the moment, for r = 1.6, 2 and 3 (with a lag 1.25), '
    '28 days at most. Alerts count as they stand at the first moment. Not complete: without what no verdict and no end hangs on.';

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
    v_guess  double precision := p_guess;
BEGIN
    SELECT sum(latency_events) INTO v_events FROM monitoring_rollup WHERE bucket_start >= p_from AND bucket_start < p_until;
    IF coalesce(v_events, 0) = 0 THEN
        RETURN NULL;
    END IF;
    v_floor := floor(p_share * (v_events - 1));         -- percentile_cont's position, counted from 0
    v_part := p_share * (v_events - 1) - v_floor;
    -- Counted down from the greatest. Only durations above the guess are read: where these are too few, some more, and then all.
    LOOP
        WITH tails AS (
            SELECT width_bucket(floor(v_guess)::integer, latency_values) AS below, latency_values, latency_counts
            FROM monitoring_rollup
            WHERE bucket_start >= p_from AND bucket_start < p_until AND latency_events > 0
        ),
        durations AS (
            -- In the list of what is selected, since a function among the tables keeps a store of its own for each row.
            SELECT unnest(latency_values[below + 1 :]) AS duration, unnest(latency_counts[below + 1 :]) AS events FROM tails
        ),
        running AS (
            SELECT duration, sum(coalesce(events, 1)) OVER (ORDER BY duration DESC ROWS UNBOUNDED PRECEDING) AS from_here FROM durations
        )
        SELECT
            max(duration) FILTER (WHERE from_here >= v_events - v_floor),
            max(duration) FILTER (WHERE from_here >= v_events - least(v_floor + 1, v_events - 1)),
            max(from_here)
        INTO v_low, v_high, v_kept
        FROM running;
        EXIT WHEN v_kept >= v_events - v_floor OR v_guess < 0;
        v_guess := CASE WHEN v_guess = p_guess AND p_guess > 0 THEN p_guess * 0.8 ELSE -1 END;
    END LOOP;
    RETURN v_low + v_part * (v_high - v_low);
END
$$;
COMMENT ON FUNCTION monitoring_window_latency(timestamptz, timestamptz, double precision, double precision) IS
    'The percentile of latency in a window, in milliseconds, exactly as percentile_cont gives it; null without latencies. '
    'The guess (some lower duration) only saves work.';
