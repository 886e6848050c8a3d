-- The profile: what a metric is expected to be at each hour of day, and how well that is known.
-- Evaluations of a UTC day share one profile, which ends a day before that day began: between 24 and 48 hours before the
-- moment that is evaluated.

CREATE OR REPLACE FUNCTION monitoring_profile_metrics() RETURNS TABLE (metric_name text, alert_metrics text[])
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
VALUES
    ('fallback_rate',     ARRAY['fallback_rate']),
    ('error_rate',        ARRAY['error_rate']),
    ('duplicate_rate',    ARRAY['duplicate_rate']),
    ('latency_p95',       ARRAY['latency_p95']),
    ('unsuccessful_rate', ARRAY['health_score', 'error_rate']),
    ('model_mix',         ARRAY['model_mix'])
$$;
COMMENT ON FUNCTION monitoring_profile_metrics() IS
    'What a profile is made of: shares of bad events, and the mix of models, each with the metrics whose alerts make an hour unfit '
    'for it. The profile of traffic is derived apart.';

CREATE OR REPLACE FUNCTION monitoring_unfit_hours(p_metrics text[], p_since timestamptz, p_until timestamptz)
RETURNS tstzmultirange
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
SELECT coalesce(
    range_agg(tstzrange(date_trunc('hour', a.opened_at - least(shown.seconds, 86400) * interval '1 second', 'UTC'), ends.at)),
    '{}'::tstzmultirange)
FROM monitoring_alerts a
LEFT JOIN monitoring_alert_transitions opening ON opening.alert_id = a.id AND opening.sequence = 1
CROSS JOIN LATERAL (SELECT coalesce((opening.evidence ->> 'window_seconds')::integer, 3600) AS seconds) shown
CROSS JOIN LATERAL (
    SELECT CASE WHEN a.status = 'resolved' AND a.held_severity IS NULL THEN coalesce(a.cleared_at, a.resolved_at) ELSE 'infinity' END AS at
) ends
WHERE a.labels IS NULL
  AND a.metric_name = ANY (p_metrics)
  AND a.opened_at < p_until
  AND a.opened_at >= p_since
  AND ends.at > a.opened_at
$$;
COMMENT ON FUNCTION monitoring_unfit_hours(text[], timestamptz, timestamptz) IS
    'The times in which alerts of these metrics were live, with the window (a day at most) that showed each: an incident is no '
    'normal, and its hours before it was noticed would pass for dispersion. Those opened before p_since, an accepted new normal, do not count.';

CREATE OR REPLACE FUNCTION monitoring_accepted_from(p_baseline_name text, p_as_of date) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
SELECT accepted_from
FROM monitoring_baseline
WHERE baseline_name = p_baseline_name AND accepted_from < (p_as_of + 1)::timestamp AT TIME ZONE 'UTC'
$$;
COMMENT ON FUNCTION monitoring_accepted_from(text, date) IS
    'From when on the baseline''s present normal was accepted, for evaluations of a UTC day; null where none was. From its first hour on '
    'nothing goes by what was before it.';

CREATE OR REPLACE FUNCTION monitoring_baseline_need(p_window_days integer, p_accepted timestamptz, p_at timestamptz)
RETURNS TABLE (fit_hours integer, distance interval)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT
    CASE WHEN fresh.is THEN 20 ELSE least(96, p_window_days * 18) END,
    CASE WHEN fresh.is THEN interval '0' ELSE interval '24 hours' END
FROM (SELECT coalesce(p_accepted > p_at - interval '144 hours', false) AS is) fresh
$$;
COMMENT ON FUNCTION monitoring_baseline_need(integer, timestamptz, timestamptz) IS
    'How many fit hours make a baseline at a moment, and how long before its day they end: four days of five and a day; of a new normal '
    'that was accepted a short time ago twenty hours, up to the day.';

CREATE OR REPLACE FUNCTION monitoring_baseline_spans(p_baseline_name text, p_window_days integer, p_as_of date)
RETURNS TABLE (metric_name text, baseline_from timestamptz, baseline_until timestamptz, accepted_from timestamptz,
               unfit tstzmultirange, armed boolean)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_day      timestamptz := p_as_of::timestamp AT TIME ZONE 'UTC';
    v_accepted timestamptz;
    v_first    timestamptz;
    v_until    timestamptz;
    v_least    integer;
BEGIN
    v_accepted := monitoring_accepted_from(p_baseline_name, p_as_of);
    SELECT need.fit_hours, v_day - need.distance INTO v_least, v_until FROM monitoring_baseline_need(p_window_days, v_accepted, v_day) need;
    -- Of the days that could count: an event of long ago that came late is no beginning.
    SELECT greatest(min(bucket_start), v_accepted) INTO v_first
    FROM monitoring_rollup
    WHERE bucket_start >= v_until - greatest(28, p_window_days) * interval '24 hours';
    RETURN QUERY
        WITH metrics AS (
            SELECT m.metric_name, monitoring_unfit_hours(m.alert_metrics, coalesce(v_accepted, '-infinity'), v_until) AS unfit
            FROM monitoring_profile_metrics() m
        ),
        days AS (                                       -- fit hours of each day, counted back from the end
            SELECT metrics.metric_name, back, count(*) FILTER (WHERE NOT hour <@ metrics.unfit AND hour >= v_first) AS fit
            FROM metrics,
                generate_series(1, greatest(28, p_window_days)) back,
                generate_series(v_until - back * interval '24 hours', v_until - (back - 1) * interval '24 hours' - interval '1 hour',
                                interval '1 hour') hour
            GROUP BY metrics.metric_name, back
        ),
        reaches AS (
            SELECT days.metric_name, back, sum(fit) OVER (PARTITION BY days.metric_name ORDER BY back) AS fit FROM days
        ),
        chosen AS (                                     -- the window, or as much more as gives half of its hours
            SELECT
                reaches.metric_name,
                coalesce(min(back) FILTER (WHERE back >= p_window_days AND fit >= p_window_days * 12), greatest(28, p_window_days)) AS back
            FROM reaches
            GROUP BY reaches.metric_name
        )
        SELECT metric_name, v_until - back * interval '24 hours', v_until, v_accepted, metrics.unfit, coalesce(reaches.fit >= v_least, false)
        FROM metrics JOIN chosen USING (metric_name) JOIN reaches USING (metric_name, back);
END
$$;
COMMENT ON FUNCTION monitoring_baseline_spans(text, integer, date) IS
    'From when to when the baseline of a UTC day reaches for each metric, what is left out of it, and whether enough is left '
    '(four days, so that a metric is armed after five). Where alerts leave too little of the window it reaches back up to 28 days.';

CREATE OR REPLACE FUNCTION monitoring_sum(p_counts integer[]) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT sum(count) FROM unnest(p_counts) count
$$;
COMMENT ON FUNCTION monitoring_sum(integer[]) IS 'The sum of an array.';

-- A single expression, which the planner writes into the query that calls it. Beyond a high limit most durations were seen once.
CREATE OR REPLACE FUNCTION monitoring_count_above(p_values integer[], p_counts integer[], p_limit double precision) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT CASE
    WHEN p_limit IS NULL THEN 0
    WHEN cardinality(p_counts) = 0 THEN cardinality(p_values) - width_bucket(least(floor(p_limit), 2147483647)::integer, p_values)
    WHEN p_values[cardinality(p_values)] <= p_limit THEN 0
    WHEN 1 = ALL (p_counts[width_bucket(least(floor(p_limit), 2147483647)::integer, p_values) + 1 :])
        THEN cardinality(p_values) - width_bucket(least(floor(p_limit), 2147483647)::integer, p_values)
    ELSE monitoring_sum(p_counts[width_bucket(least(floor(p_limit), 2147483647)::integer, p_values) + 1 :])
END
$$;
COMMENT ON FUNCTION monitoring_count_above(integer[], integer[], double precision) IS
    'How many of a latency histogram''s events lie above a limit in milliseconds; a binary search, then the tail alone.';

CREATE OR REPLACE FUNCTION monitoring_profile_latency(p_from timestamptz, p_until timestamptz, p_unfit tstzmultirange)
RETURNS TABLE (hour_of_day integer, latency_p95 double precision)
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
WITH durations AS (
    SELECT extract(hour FROM bucket_start AT TIME ZONE 'UTC')::integer AS hour_of_day, duration, sum(coalesce(events, 1)) AS events
    FROM monitoring_rollup, unnest(latency_values, latency_counts) AS histogram (duration, events)
    WHERE bucket_start >= p_from AND bucket_start < p_until AND NOT date_trunc('hour', bucket_start, 'UTC') <@ p_unfit
    GROUP BY 1, 2
),
running AS (
    SELECT
        durations.hour_of_day, duration,
        sum(events) OVER (PARTITION BY durations.hour_of_day ORDER BY duration) AS until_here,
        sum(events) OVER (PARTITION BY durations.hour_of_day) AS events
    FROM durations
),
hours AS (
    SELECT running.hour_of_day, min(duration) FILTER (WHERE until_here >= 0.95 * events) AS p95 FROM running GROUP BY 1
)
SELECT
    day.hour_of_day,
    coalesce(
        (SELECT sum(near.weight * hours.p95::double precision) / sum(near.weight)
         FROM (VALUES (23, 1), (0, 2), (1, 1)) near (step, weight)
         JOIN hours ON hours.hour_of_day = (day.hour_of_day + near.step) % 24),
        (SELECT avg(hours.p95) FROM hours))::double precision
FROM generate_series(0, 23) day (hour_of_day)
$$;
COMMENT ON FUNCTION monitoring_profile_latency(timestamptz, timestamptz, tstzmultirange) IS
    'The p95 of latency at each hour of day in milliseconds, smoothed over its neighbours by a quarter, a half, a quarter.';

CREATE OR REPLACE FUNCTION monitoring_steady_share(p_counts double precision[]) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT CASE
    WHEN mean > 0 AND sum((count - mean) ^ 2) >= 66 * mean AND var_samp(count) - mean >= 0.1 * mean ^ 2 THEN min(count) / mean
    ELSE 1
END
FROM unnest(p_counts) count
CROSS JOIN (SELECT avg(count) AS mean FROM unnest(p_counts) count) known
GROUP BY mean
$$;
COMMENT ON FUNCTION monitoring_steady_share(double precision[]) IS
    'How much of an hour''s events, given by its twelve five minutes, is there all the time: all, or where they differ by more than chance '
    '(chi-square of 11 degrees >= 66) and by much (a variance beyond chance of a tenth of the squared mean), as where a job runs for '
    'some minutes, twelve times the least.';

-- Traffic has its own shape of the week, so that its expectation is the less of two: of what the same hour of the day brought
-- lately, and of what the same hour of the week brought. A quiet weekend is none that fell far below its kind.
CREATE OR REPLACE FUNCTION monitoring_derive_traffic(p_baseline_name text, p_window_days integer, p_as_of date)
RETURNS SETOF monitoring_baseline_profile
LANGUAGE plpgsql STABLE
SET jit = off
AS $$
DECLARE
    v_day      CONSTANT timestamptz := p_as_of::timestamp AT TIME ZONE 'UTC';
    v_until    CONSTANT timestamptz := v_day - interval '24 hours';
    v_accepted timestamptz;
    v_first    timestamptz;
    v_unfit    tstzmultirange;
BEGIN
    v_accepted := monitoring_accepted_from(p_baseline_name, p_as_of);
    -- The first hour may have begun before anybody watched.
    SELECT greatest(
        date_trunc('hour', min(bucket_start), 'UTC')
            + CASE WHEN min(bucket_start) > v_until - interval '672 hours' THEN interval '1 hour' ELSE interval '0' END,
        CASE WHEN min(bucket_start) IS NOT NULL THEN v_accepted END)
    INTO v_first
    FROM monitoring_rollup
    WHERE bucket_start >= v_until - interval '672 hours';
    IF v_first IS NULL THEN
        RETURN;
    END IF;
    v_unfit := monitoring_unfit_hours(ARRAY['total_events'], coalesce(v_accepted, '-infinity'), v_until);
    RETURN QUERY
        WITH seen AS (
            SELECT date_trunc('hour', bucket_start, 'UTC') AS hour, sum(total_events)::double precision AS events
            FROM monitoring_rollup
            WHERE bucket_start >= v_first AND bucket_start < v_until
            GROUP BY 1
        ),
        hours AS MATERIALIZED (                         -- an hour without events is one with none
            SELECT
                hour,
                extract(hour FROM hour AT TIME ZONE 'UTC')::integer AS hour_of_day,
                extract(isodow FROM hour AT TIME ZONE 'UTC') = extract(isodow FROM p_as_of) AS is_same_weekday,
                hour >= v_until - p_window_days * interval '24 hours' AS is_recent,
                coalesce(seen.events, 0) AS events
            FROM generate_series(v_first, v_until - interval '1 hour', interval '1 hour') hour
            LEFT JOIN seen USING (hour)
            WHERE NOT hour <@ v_unfit
        ),
        means AS (
            SELECT
                hour_of_day,
                avg(events) AS mean,
                avg(events) FILTER (WHERE is_recent) AS of_day,
                count(*) FILTER (WHERE is_recent) AS days,
                avg(events) FILTER (WHERE is_same_weekday) AS of_week,
                count(*) FILTER (WHERE is_same_weekday) AS weeks
            FROM hours
            GROUP BY hour_of_day
        ),
        days AS (                                       -- how busy a day was beside the others, so that its level is no scatter
            SELECT (hour AT TIME ZONE 'UTC')::date AS day, sum(events) / nullif(sum(means.mean), 0) AS level
            FROM hours JOIN means USING (hour_of_day)
            GROUP BY 1
        ),
        spread AS (                                     -- how much hours vary beyond chance, as a share squared of what is expected
            SELECT
                greatest(0, (sum((events - means.mean * days.level) ^ 2) * count(*) / greatest(count(*) - 24 - count(DISTINCT days.day) + 1, 1)
                    - sum(means.mean * days.level)) / nullif(sum((means.mean * days.level) ^ 2), 0)) AS variability,
                avg(events) AS overall
            FROM hours
            JOIN means USING (hour_of_day)
            JOIN days ON days.day = (hours.hour AT TIME ZONE 'UTC')::date
        ),
        slots AS (                                      -- the five minutes of each hour of day
            SELECT
                hours.hour_of_day, place,
                coalesce(sum(r.total_events) FILTER (WHERE hours.is_recent), 0)::double precision AS of_day,
                coalesce(sum(r.total_events) FILTER (WHERE hours.is_same_weekday), 0)::double precision AS of_week
            FROM hours
            CROSS JOIN generate_series(0, 11) place
            LEFT JOIN (
                SELECT bucket_start, total_events FROM monitoring_rollup WHERE bucket_start >= v_first AND bucket_start < v_until OFFSET 0
            ) r ON r.bucket_start = hours.hour + place * interval '5 minutes'
            GROUP BY hours.hour_of_day, place
        ),
        bases AS (
            SELECT
                hour_of_day,
                monitoring_steady_share(array_agg(of_day)) AS of_day,
                monitoring_steady_share(array_agg(of_week)) AS of_week
            FROM slots
            GROUP BY hour_of_day
        )
        SELECT
            p_baseline_name, p_window_days, p_as_of, 'total_events', means.hour_of_day::smallint,
            (expected.events * expected.samples)::numeric, 0::numeric,
            expected.events, expected.events * expected.samples, NULL::double precision, spread.overall,
            1::double precision, v_first, v_until, v_accepted, now(), 1::double precision, coalesce(spread.variability, 0)
        FROM means
        JOIN bases USING (hour_of_day)
        CROSS JOIN spread
        CROSS JOIN LATERAL (
            SELECT *
            FROM (VALUES (means.of_day * bases.of_day, means.days), (means.of_week * bases.of_week, means.weeks)) each (events, samples)
            ORDER BY each.events
            LIMIT 1
        ) expected
        WHERE means.days > 0 AND means.weeks > 0;
END
$$;
COMMENT ON FUNCTION monitoring_derive_traffic(text, integer, date) IS
    'The profile of total_events: rate is the number of events to be expected in that hour of that very day, the less of the mean of '
    'the hour of day over the window and of the mean of the hour of the week over up to four weeks, of either what is steady '
    '(monitoring_steady_share); weight the events it rests on; '
    'variability how much hours vary beyond chance, (sum((n - e)^2) - sum(e)) / sum(e^2). '
    'No row for an hour whose like in the week has not been seen: so it is armed after a week.';

CREATE OR REPLACE FUNCTION monitoring_dispersion_of_blocks(p_dispersions double precision[], p_blocks integer[]) RETURNS double precision
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
DECLARE
    v_result double precision := greatest(1, p_dispersions[1]);
    v_blocks double precision;
BEGIN
    IF v_result < 1.25 THEN                             -- chance alone: long blocks are few, and scatter by themselves
        RETURN v_result;
    END IF;
    FOR place IN 2 .. cardinality(p_dispersions) LOOP
        v_blocks := p_blocks[place];
        CONTINUE WHEN v_blocks < 2 OR p_dispersions[place] IS NULL;
        v_result := greatest(
            v_result, (v_blocks * p_dispersions[place] * v_blocks / (v_blocks - 1) + 3 * v_result) / (v_blocks + 3));
    END LOOP;
    RETURN v_result;
END
$$;
COMMENT ON FUNCTION monitoring_dispersion_of_blocks(double precision[], integer[]) IS
    'The dispersion that fits windows of any length, from that of hours and of ever longer blocks of them (with how many blocks there '
    'were): where hours scatter by a quarter more than chance, each longer block''s is drawn by the weight of three blocks to the '
    'one before, and the largest holds. Dispersions 1.5, 2, 3 of 168, 56, 7 blocks: 3.05.';

CREATE OR REPLACE FUNCTION monitoring_hourly_counts(
    p_from timestamptz, p_until timestamptz,
    p_limits double precision[])                              -- by hour of day, the milliseconds above which an event is slow
RETURNS TABLE (metric_name text, hour timestamptz, hour_of_day integer, total double precision, bad double precision)
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    WITH hours AS MATERIALIZED (
        SELECT
            date_trunc('hour', bucket_start, 'UTC') AS hour,
            extract(hour FROM bucket_start AT TIME ZONE 'UTC')::integer AS hour_of_day,
            sum(total_events) AS total_events,
            sum(fallback_events) AS fallback_events,
            sum(failed_events) AS failed_events,
            sum(duplicate_events) AS duplicate_events,
            sum(total_events - successful_events) AS unsuccessful_events,
            sum(latency_events) AS latency_events,
            sum(monitoring_count_above(
                latency_values, latency_counts, p_limits[extract(hour FROM bucket_start AT TIME ZONE 'UTC')::integer + 1])) AS slow_events
        FROM monitoring_rollup
        WHERE bucket_start >= p_from AND bucket_start < p_until
        GROUP BY 1, 2
    )
    SELECT each.metric_name, hours.hour, hours.hour_of_day, each.total::double precision, each.bad::double precision
    FROM hours
    CROSS JOIN LATERAL (VALUES
        ('fallback_rate',     hours.total_events,   hours.fallback_events),
        ('error_rate',        hours.total_events,   hours.failed_events),
        ('duplicate_rate',    hours.total_events,   hours.duplicate_events),
        ('unsuccessful_rate', hours.total_events,   hours.unsuccessful_events),
        ('latency_p95',       hours.latency_events, hours.slow_events)) each (metric_name, total, bad)
$$;
COMMENT ON FUNCTION monitoring_hourly_counts(timestamptz, timestamptz, double precision[]) IS
    'The events of each hour and the bad ones among them, a row for each rate that a profile is made of.';

-- What nobody watched, before the monitor was there or while it was not armed, may hold incidents that no alert tells of. Left in, an
-- afternoon of them makes scatter of what comes like it, for as long as it is in the window.
CREATE OR REPLACE FUNCTION monitoring_profile_spans(p_baseline_name text, p_window_days integer, p_as_of date)
RETURNS TABLE (metric_name text, baseline_from timestamptz, baseline_until timestamptz, accepted_from timestamptz, unfit tstzmultirange)
LANGUAGE plpgsql STABLE
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    -- Of each metric and hour that alerts leave in the baseline:
    v_metrics   text[];
    v_hours     timestamptz[];
    v_bad       double precision[];
    v_expected  double precision[];                           -- by what is usual
    v_length    integer;
    -- Of each incident:
    v_concerned text[] := '{}';
    v_found     tstzrange[] := '{}';
    v_more      record;
BEGIN
    WITH spans AS MATERIALIZED (
        SELECT * FROM monitoring_baseline_spans(p_baseline_name, p_window_days, p_as_of) WHERE armed
    ),
    slow AS (                                           -- above what one in twenty is on most days, each duration counted once
        SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY day.p95) AS limit_ms
        FROM (
            SELECT percentile_disc(0.95) WITHIN GROUP (ORDER BY duration) AS p95
            FROM spans
            JOIN monitoring_rollup ON bucket_start >= spans.baseline_from AND bucket_start < spans.baseline_until
            CROSS JOIN unnest(latency_values) AS duration
            WHERE spans.metric_name = 'latency_p95' AND NOT date_trunc('hour', bucket_start, 'UTC') <@ spans.unfit
            GROUP BY date_trunc('day', bucket_start, 'UTC')
        ) AS day
    ),
    counts AS MATERIALIZED (
        SELECT c.*
        FROM slow
        CROSS JOIN LATERAL monitoring_hourly_counts(
            (SELECT min(spans.baseline_from) FROM spans), (SELECT max(spans.baseline_until) FROM spans),
            array_fill(slow.limit_ms, ARRAY[24])) AS c
        JOIN spans ON spans.metric_name = c.metric_name
        WHERE c.hour >= greatest(spans.baseline_from, spans.accepted_from)
          AND c.hour < spans.baseline_until
          AND NOT c.hour <@ spans.unfit
          AND c.total > 0
    ),
    usual AS (                                          -- on half of the days, whatever happened on the others
        SELECT day.metric_name, percentile_cont(0.5) WITHIN GROUP (ORDER BY day.rate) AS rate
        FROM (
            SELECT c.metric_name, (sum(c.bad) + 0.5) / (sum(c.total) + 1) AS rate
            FROM counts AS c
            GROUP BY c.metric_name, date_trunc('day', c.hour, 'UTC')
        ) AS day
        GROUP BY day.metric_name
    ),
    overall AS (
        SELECT c.metric_name, (sum(c.bad) + 0.5) / (sum(c.total) + 1) AS rate FROM counts AS c GROUP BY c.metric_name
    ),
    shapes AS (                                         -- how much worse an hour of day is than all of them
        SELECT c.metric_name, c.hour_of_day, (sum(c.bad) + 10) / (sum(c.total) + 10 / overall.rate) / overall.rate AS factor
        FROM counts AS c
        JOIN overall ON overall.metric_name = c.metric_name
        GROUP BY c.metric_name, c.hour_of_day, overall.rate
    )
    SELECT array_agg(c.metric_name), array_agg(c.hour), array_agg(c.bad), array_agg(c.total * usual.rate * shapes.factor)
    INTO v_metrics, v_hours, v_bad, v_expected
    FROM counts AS c
    JOIN usual ON usual.metric_name = c.metric_name
    JOIN shapes ON shapes.metric_name = c.metric_name AND shapes.hour_of_day = c.hour_of_day;

    -- In hours, and in what is left in ever longer blocks: what lasts may be little in each of its hours.
    FOREACH v_length IN ARRAY '{1,3,6,12,24}'::integer[] LOOP
        WITH blocks AS MATERIALIZED (
            SELECT
                c.metric_name, date_bin(v_length * interval '1 hour', c.hour, '2000-01-01 00:00:00+00') AS start,
                sum(c.bad) AS bad, sum(c.expected) AS expected
            FROM unnest(v_metrics, v_hours, v_bad, v_expected) AS c (metric_name, hour, bad, expected)
            WHERE NOT EXISTS (
                SELECT FROM unnest(v_concerned, v_found) AS known (metric_name, span)
                WHERE known.metric_name = c.metric_name AND c.hour <@ known.span)
            GROUP BY 1, 2
        ),
        scatters AS (                                   -- 0.455 is the median of chi-square with one degree
            SELECT
                b.metric_name,
                greatest(1, percentile_cont(0.5) WITHIN GROUP (ORDER BY (b.bad - b.expected) ^ 2 / b.expected) / 0.455) AS dispersion
            FROM blocks AS b
            GROUP BY b.metric_name
        )
        SELECT array_agg(b.metric_name) AS metrics, array_agg(tstzrange(b.start, b.start + v_length * interval '1 hour')) AS spans
        INTO v_more
        FROM blocks AS b
        JOIN scatters ON scatters.metric_name = b.metric_name
        WHERE b.bad >= 10
          AND b.bad >= 3 * b.expected
          AND monitoring_poisson_likelihood(b.bad, b.expected) / scatters.dispersion >= 14;
        v_concerned := v_concerned || v_more.metrics;
        v_found := v_found || v_more.spans;
    END LOOP;

    RETURN QUERY
        WITH incidents AS (
            SELECT each.metric_name, range_agg(each.span) AS hours
            FROM unnest(v_concerned, v_found) AS each (metric_name, span)
            GROUP BY each.metric_name
        ),
        found AS (                                      -- what holds for a third of the time is no incident
            SELECT incidents.metric_name, incidents.hours
            FROM incidents
            JOIN unnest(v_metrics, v_hours) AS c (metric_name, hour) ON c.metric_name = incidents.metric_name
            GROUP BY incidents.metric_name, incidents.hours
            HAVING count(*) FILTER (WHERE c.hour <@ incidents.hours) * 3 <= count(*)
        )
        SELECT
            spans.metric_name, spans.baseline_from, spans.baseline_until, spans.accepted_from,
            spans.unfit + coalesce(
                (SELECT range_agg(span)
                 FROM found
                 JOIN monitoring_profile_metrics() AS known ON known.metric_name = spans.metric_name
                 CROSS JOIN unnest(found.hours) AS span
                 WHERE found.metric_name = spans.metric_name OR found.metric_name = ANY (known.alert_metrics)),
                '{}'::tstzmultirange)
        FROM monitoring_baseline_spans(p_baseline_name, p_window_days, p_as_of) AS spans
        WHERE spans.armed;
END
$$;
COMMENT ON FUNCTION monitoring_profile_spans(text, integer, date) IS
    'The spans of armed metrics, with what is unfit for their profiles: the hours of alerts, and those of incidents that no alert tells '
    'of. Such a one is an hour, or a block of up to a day, with at least ten bad events and three times what is usual at its hours '
    '(the median of the days), and beyond chance: (x ln(x / E) - (x - E)) / dispersion >= 14, the dispersion by the median of its '
    'like. Where that were more than a third of all hours, none is.';

CREATE OR REPLACE FUNCTION monitoring_derive_profile(p_baseline_name text, p_window_days integer, p_as_of date)
RETURNS SETOF monitoring_baseline_profile
LANGUAGE plpgsql STABLE
SET jit = off
AS $$
BEGIN
    RETURN QUERY
        WITH spans AS MATERIALIZED (
            SELECT * FROM monitoring_profile_spans(p_baseline_name, p_window_days, p_as_of)
        ),
        limits AS MATERIALIZED (
            SELECT latency.hour_of_day, latency.latency_p95
            FROM spans, LATERAL monitoring_profile_latency(spans.baseline_from, spans.baseline_until, spans.unfit) latency
            WHERE spans.metric_name = 'latency_p95'
        ),
        counts AS MATERIALIZED (
            SELECT c.*
            FROM monitoring_hourly_counts(
                (SELECT min(spans.baseline_from) FROM spans), (SELECT max(spans.baseline_until) FROM spans),
                (SELECT array_agg(limits.latency_p95 ORDER BY limits.hour_of_day) FROM limits)) AS c
            JOIN spans ON spans.metric_name = c.metric_name
            WHERE c.hour >= greatest(spans.baseline_from, spans.accepted_from)
              AND c.hour < spans.baseline_until
              AND NOT c.hour <@ spans.unfit
        ),
        overall AS (                                    -- never nought: half an event more than was seen
            SELECT c.metric_name, (sum(c.bad) + 0.5) / (sum(c.total) + 1) AS rate FROM counts c GROUP BY c.metric_name
        ),
        sums AS (
            SELECT c.metric_name, c.hour_of_day, sum(c.total) AS total, sum(c.bad) AS bad FROM counts c GROUP BY c.metric_name, c.hour_of_day
        ),
        smoothed AS (
            SELECT
                overall.metric_name, day.hour_of_day, overall.rate AS overall_rate,
                coalesce(sum(near.weight * sums.total), 0) AS total,
                coalesce(sum(near.weight * sums.bad), 0) AS bad
            FROM overall
            CROSS JOIN generate_series(0, 23) day (hour_of_day)
            CROSS JOIN (VALUES (23, 0.25), (0, 0.5), (1, 0.25)) near (step, weight)
            LEFT JOIN sums ON sums.metric_name = overall.metric_name AND sums.hour_of_day = (day.hour_of_day + near.step) % 24
            GROUP BY overall.metric_name, day.hour_of_day, overall.rate
        ),
        rates AS (                                      -- shrunk by ten bad events at the overall rate
            SELECT s.*, (s.bad + 10) / (s.total + 10 / s.overall_rate) AS rate, s.total + 10 / s.overall_rate AS weight FROM smoothed s
        ),
        residuals AS MATERIALIZED (
            SELECT c.metric_name, c.hour, c.bad - c.total * r.rate AS residual, c.total * r.rate * (1 - r.rate) AS variance
            FROM counts c
            JOIN rates r ON r.metric_name = c.metric_name AND r.hour_of_day = c.hour_of_day
        ),
        blocks AS (                                     -- by hours, and by blocks of them, which scatter more where noise lasts
            SELECT
                b.metric_name, b.length, count(*) AS blocks, sum(b.residual ^ 2) / nullif(sum(b.variance), 0) AS dispersion
            FROM (
                SELECT r.metric_name, lengths.length, sum(r.residual) AS residual, sum(r.variance) AS variance
                FROM residuals r
                CROSS JOIN unnest('{1,3,6,12,24}'::integer[]) lengths (length)
                GROUP BY r.metric_name, lengths.length,
                    date_bin(lengths.length * interval '1 hour', r.hour, '2000-01-01 00:00:00+00')
            ) b
            GROUP BY b.metric_name, b.length
        ),
        dispersions AS (
            SELECT
                metric_name,
                greatest(1, max(dispersion) FILTER (WHERE length = 1)) AS hourly,
                monitoring_dispersion_of_blocks(array_agg(dispersion ORDER BY length), array_agg(blocks::integer ORDER BY length)) AS dispersion
            FROM blocks
            GROUP BY metric_name
        )
        SELECT
            p_baseline_name, p_window_days, p_as_of, r.metric_name, r.hour_of_day::smallint, r.total::numeric, r.bad::numeric,
            r.rate, r.weight, CASE r.metric_name WHEN 'latency_p95' THEN limits.latency_p95 END, r.overall_rate,
            coalesce(d.dispersion, 1), spans.baseline_from, spans.baseline_until, spans.accepted_from, now(), coalesce(d.hourly, 1),
            NULL::double precision
        FROM rates r
        JOIN spans ON spans.metric_name = r.metric_name
        LEFT JOIN dispersions d ON d.metric_name = r.metric_name
        LEFT JOIN limits ON limits.hour_of_day = r.hour_of_day;
    RETURN QUERY SELECT * FROM monitoring_derive_traffic(p_baseline_name, p_window_days, p_as_of);
    -- What has too little left keeps the last profile there was.
    RETURN QUERY
        SELECT
            p_baseline_name, p_window_days, p_as_of, last.metric_name, last.hour_of_day, last.total_events, last.bad_events,
            last.rate, last.weight, last.latency_p95, last.overall_rate, last.dispersion, last.baseline_from, last.baseline_until,
            last.accepted_from, now(), last.hourly_dispersion, last.variability
        FROM monitoring_baseline_spans(p_baseline_name, p_window_days, p_as_of) spans
        CROSS JOIN LATERAL (
            SELECT * FROM monitoring_baseline_profile old
            WHERE old.baseline_name = p_baseline_name AND old.window_days = p_window_days AND old.metric_name = spans.metric_name
              AND old.as_of = (SELECT max(older.as_of) FROM monitoring_baseline_profile older
                               WHERE older.baseline_name = p_baseline_name AND older.window_days = p_window_days
                                 AND older.metric_name = spans.metric_name AND older.as_of < p_as_of)
              AND old.accepted_from IS NOT DISTINCT FROM spans.accepted_from) last
        WHERE NOT spans.armed;
END
$$;
COMMENT ON FUNCTION monitoring_derive_profile(text, integer, date) IS
    'The profile of a UTC day: for each metric and hour of day the expected rate (X + 10) / (N + 10 / overall), X and N smoothed '
    'over the neighbouring hours, its weight, and the dispersion of the baseline''s hours, sum((x - e)^2) / sum(e (1 - p)), at '
    'least 1. No rows for a metric that is not armed.';

CREATE OR REPLACE FUNCTION monitoring_fill_profile(p_baseline_name text, p_window_days integer, p_as_of date) RETURNS boolean
LANGUAGE plpgsql
AS $$
DECLARE
    v_accepted timestamptz;
    v_metrics  integer;
BEGIN
    v_accepted := monitoring_accepted_from(p_baseline_name, p_as_of);
    SELECT count(DISTINCT metric_name) INTO v_metrics
    FROM monitoring_baseline_profile
    WHERE baseline_name = p_baseline_name AND window_days = p_window_days AND as_of = p_as_of
      AND accepted_from IS NOT DISTINCT FROM v_accepted;
    IF v_metrics > 0 THEN
        RETURN false;
    END IF;
    DELETE FROM monitoring_baseline_profile
    WHERE baseline_name = p_baseline_name AND window_days = p_window_days AND as_of = p_as_of;
    DELETE FROM monitoring_baseline_slices
    WHERE baseline_name = p_baseline_name AND window_days = p_window_days AND as_of = p_as_of;
    INSERT INTO monitoring_baseline_profile
    SELECT * FROM monitoring_derive_profile(p_baseline_name, p_window_days, p_as_of)
    ON CONFLICT DO NOTHING;
    INSERT INTO monitoring_baseline_slices
    SELECT * FROM monitoring_derive_slices(p_baseline_name, p_window_days, p_as_of)
    ON CONFLICT DO NOTHING;
    -- Of the old ones, those that no roll-up is emptying, and none while a roll-up, which might, holds its state.
    IF EXISTS (SELECT FROM monitoring_rollup_state FOR UPDATE SKIP LOCKED) THEN
        DELETE FROM monitoring_baseline_profile
        WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM monitoring_baseline_profile
            WHERE as_of < p_as_of - 30 AND baseline_name = p_baseline_name FOR UPDATE SKIP LOCKED));
        DELETE FROM monitoring_baseline_slices
        WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM monitoring_baseline_slices
            WHERE as_of < p_as_of - 30 AND baseline_name = p_baseline_name FOR UPDATE SKIP LOCKED));
    END IF;
    RETURN true;
END
$$;
COMMENT ON FUNCTION monitoring_fill_profile(text, integer, date) IS
    'Caches the profile of a UTC day, and what it holds of each slice, unless they are there; true where they were derived. '
    'Nothing is cached while no metric is armed.';

CREATE OR REPLACE FUNCTION monitoring_profile(p_baseline_name text, p_window_days integer, p_as_of date)
RETURNS SETOF monitoring_baseline_profile
LANGUAGE plpgsql STABLE
ROWS 120
AS $$
DECLARE
    v_accepted timestamptz;
BEGIN
    v_accepted := monitoring_accepted_from(p_baseline_name, p_as_of);
    RETURN QUERY
        SELECT * FROM monitoring_baseline_profile cached
        WHERE cached.baseline_name = p_baseline_name AND cached.window_days = p_window_days AND cached.as_of = p_as_of
          AND cached.accepted_from IS NOT DISTINCT FROM v_accepted;
    IF NOT FOUND THEN
        RETURN QUERY SELECT * FROM monitoring_derive_profile(p_baseline_name, p_window_days, p_as_of);
    END IF;
END
$$;
COMMENT ON FUNCTION monitoring_profile(text, integer, date) IS
    'The profile of a UTC day, from the cache or derived on the spot; changes nothing.';

-- A cached profile goes when buckets that it rests on change: late events, an import, a recomputation.

CREATE OR REPLACE FUNCTION monitoring_forget_profiles() RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    v_first timestamptz := (SELECT min(bucket_start) FROM changed);
BEGIN
    DELETE FROM monitoring_baseline_profile WHERE baseline_until > v_first;
    DELETE FROM monitoring_baseline_slices WHERE baseline_until > v_first;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION monitoring_forget_profiles() IS 'Trigger: empties the cache of profiles that the changed buckets could alter.';

CREATE OR REPLACE TRIGGER monitoring_rollup_inserted
    AFTER INSERT ON monitoring_rollup REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION monitoring_forget_profiles();

CREATE OR REPLACE TRIGGER monitoring_rollup_updated
    AFTER UPDATE ON monitoring_rollup REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION monitoring_forget_profiles();
