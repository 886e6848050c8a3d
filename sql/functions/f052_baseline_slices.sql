-- What the baseline holds of each slice: its own share of bad events beside the profile's, and how much its hours scatter.

CREATE OR REPLACE FUNCTION monitoring_model_latencies(
    p_from timestamptz, p_until timestamptz, p_unfit tstzmultirange,
    p_limits double precision[])                              -- by hour of day, in milliseconds
RETURNS TABLE (model text, latency_factor double precision)
LANGUAGE plpgsql STABLE
SET jit = off
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
        WITH durations AS (                             -- in thousandths of the limit
            SELECT model, ceil(duration * 1000.0::double precision / limit_ms)::bigint AS part, sum(coalesce(events, 1)) AS events
            FROM (
                SELECT
                    s.model, p_limits[date_part('hour', s.hour_start AT TIME ZONE 'UTC')::integer + 1] AS limit_ms,
                    unnest(s.latency_values) AS duration, unnest(s.latency_counts) AS events
                FROM monitoring_rollup_slices s
                WHERE s.hour_start >= p_from AND s.hour_start < p_until AND NOT s.hour_start <@ p_unfit
            ) measured
            WHERE limit_ms > 0
            GROUP BY 1, 2
        ),
        running AS (
            SELECT
                model, part, sum(events) OVER (PARTITION BY model ORDER BY part) AS until_here, sum(events) OVER (PARTITION BY model) AS events
            FROM durations
        )
        SELECT model, min(part) FILTER (WHERE until_here >= 0.95 * events) / 1000.0::double precision
        FROM running
        WHERE events >= 400
        GROUP BY model
        HAVING min(part) FILTER (WHERE until_here >= 0.95 * events) > 0;
END
$$;
COMMENT ON FUNCTION monitoring_model_latencies(timestamptz, timestamptz, tstzmultirange, double precision[]) IS
    'How slow each model is: the p95 of its latency over the limits of the same hours. None for models with under 400 latencies, of '
    'which one in twenty is too few to tell.';

-- In plpgsql, which keeps the plan: a function in SQL is planned anew by every evaluation.
CREATE OR REPLACE FUNCTION monitoring_slice_hours(
    p_from timestamptz, p_until timestamptz, p_limits double precision[], p_models text[], p_factors double precision[])
RETURNS TABLE (hour_start timestamptz, dimension text, value text, total_events bigint, unsuccessful_events bigint, failed_events bigint,
               fallback_events bigint, duplicate_events bigint, latency_events bigint, slow_events bigint)
LANGUAGE plpgsql STABLE
SET jit = off
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
        SELECT
            hour_start,
            CASE WHEN grouping(model) = 0 THEN 'model' WHEN grouping(backend) = 0 THEN 'backend'
                 WHEN grouping(agent) = 0 THEN 'agent' ELSE 'version' END,
            CASE WHEN grouping(model) = 0 THEN model WHEN grouping(backend) = 0 THEN backend
                 WHEN grouping(agent) = 0 THEN agent ELSE version END,
            sum(total_events), sum(unsuccessful_events), sum(failed_events), sum(fallback_events), sum(duplicate_events),
            sum(latency_events), coalesce(sum(slow_events), 0)
        FROM (
            SELECT
                s.hour_start, s.model, s.backend, s.agent, s.version,
                s.total_events, s.total_events - s.successful_events AS unsuccessful_events, s.failed_events, s.fallback_events,
                s.duplicate_events, s.latency_events,
                CASE WHEN s.latency_events > 0 THEN
                    monitoring_count_above(
                        s.latency_values, s.latency_counts,
                        p_limits[date_part('hour', s.hour_start AT TIME ZONE 'UTC')::integer + 1] * coalesce(own.factor, 1))::integer
                END AS slow_events
            FROM monitoring_rollup_slices s
            LEFT JOIN unnest(p_models, p_factors) AS own (model, factor) ON own.model = s.model
            WHERE s.hour_start >= p_from AND s.hour_start < p_until
            OFFSET 0
        ) slice
        GROUP BY GROUPING SETS ((hour_start, model), (hour_start, backend), (hour_start, agent), (hour_start, version));
END
$$;
COMMENT ON FUNCTION monitoring_slice_hours(timestamptz, timestamptz, double precision[], text[], double precision[]) IS
    'For each UTC hour and each value of each dimension the events and the bad ones of every kind; slow are those above the limit of '
    'their hour of day (24 limits in milliseconds, from hour 0; null: none is) times the factor of their model, where it has one.';

CREATE OR REPLACE FUNCTION monitoring_slice_buckets(p_from timestamptz, p_until timestamptz)
RETURNS TABLE (bucket_start timestamptz, dimension text, value text, total_events bigint, unsuccessful_events bigint,
               failed_events bigint, fallback_events bigint, duplicate_events bigint)
LANGUAGE plpgsql STABLE
SET jit = off
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
        SELECT
            bucket_start,
            CASE WHEN grouping(model) = 0 THEN 'model' WHEN grouping(backend) = 0 THEN 'backend'
                 WHEN grouping(agent) = 0 THEN 'agent' ELSE 'version' END,
            CASE WHEN grouping(model) = 0 THEN model WHEN grouping(backend) = 0 THEN backend
                 WHEN grouping(agent) = 0 THEN agent ELSE version END,
            sum(events),
            coalesce(sum(events) FILTER (WHERE mark & 8 <> 0), 0),
            coalesce(sum(events) FILTER (WHERE mark & 4 <> 0), 0),
            coalesce(sum(events) FILTER (WHERE mark & 2 <> 0), 0),
            coalesce(sum(events) FILTER (WHERE mark & 1 <> 0), 0)
        FROM (
            SELECT hour_start + (mark >> 4) * interval '5 minutes' AS bucket_start, model, backend, agent, version, mark, events
            FROM (
                SELECT s.hour_start, s.model, s.backend, s.agent, s.version, unnest(s.mark_values) AS mark, unnest(s.mark_counts) AS events
                FROM monitoring_rollup_slices s
                WHERE s.hour_start > p_from - interval '1 hour' AND s.hour_start < p_until
            ) marked
            OFFSET 0
        ) bucket
        WHERE bucket_start >= p_from AND bucket_start < p_until
        GROUP BY GROUPING SETS ((bucket_start, model), (bucket_start, backend), (bucket_start, agent), (bucket_start, version));
END
$$;
COMMENT ON FUNCTION monitoring_slice_buckets(timestamptz, timestamptz) IS
    'For every five minutes of a stretch and each value of each dimension the events and the bad ones of every kind but slow ones.';

CREATE OR REPLACE FUNCTION monitoring_derive_slices(p_baseline_name text, p_window_days integer, p_as_of date)
RETURNS SETOF monitoring_baseline_slices
LANGUAGE plpgsql STABLE
SET jit = off
AS $$
DECLARE
    v_limits double precision[];
BEGIN
    SELECT array_agg(p.latency_p95 ORDER BY p.hour_of_day) FILTER (WHERE p.metric_name = 'latency_p95')
    INTO v_limits
    FROM monitoring_profile(p_baseline_name, p_window_days, p_as_of) p;
    RETURN QUERY
        WITH spans AS MATERIALIZED (
            SELECT * FROM monitoring_profile_spans(p_baseline_name, p_window_days, p_as_of)
        ),
        models AS MATERIALIZED (                        -- what is slow for each
            SELECT known.*
            FROM spans
            CROSS JOIN LATERAL monitoring_model_latencies(
                greatest(spans.baseline_from, spans.accepted_from), spans.baseline_until, spans.unfit, v_limits) known
            WHERE spans.metric_name = 'latency_p95'
        ),
        profile AS MATERIALIZED (
            SELECT p.metric_name, p.hour_of_day, p.rate, p.dispersion FROM monitoring_profile(p_baseline_name, p_window_days, p_as_of) p
        ),
        hours AS MATERIALIZED (
            SELECT h.*, extract(hour FROM h.hour_start AT TIME ZONE 'UTC')::integer AS hour_of_day
            FROM (SELECT array_agg(m.model) AS names, array_agg(m.latency_factor) AS factors FROM models m) latencies
            CROSS JOIN LATERAL monitoring_slice_hours(
                (SELECT min(spans.baseline_from) FROM spans), (SELECT max(spans.baseline_until) FROM spans),
                v_limits, latencies.names, latencies.factors) h
        ),
        counts AS MATERIALIZED (                        -- one row a metric, value and hour
            SELECT
                each.metric_name, hours.dimension, hours.value, hours.hour_start, spans.baseline_until,
                each.total::double precision AS total, each.bad::double precision AS bad, profile.rate
            FROM hours
            CROSS JOIN LATERAL (VALUES
                ('fallback_rate',     hours.total_events,   hours.fallback_events),
                ('error_rate',        hours.total_events,   hours.failed_events),
                ('duplicate_rate',    hours.total_events,   hours.duplicate_events),
                ('unsuccessful_rate', hours.total_events,   hours.unsuccessful_events),
                ('latency_p95',       hours.latency_events, hours.slow_events),
                ('model_mix',         hours.total_events,   0)) each (metric_name, total, bad)
            JOIN spans ON spans.metric_name = each.metric_name
            LEFT JOIN profile ON profile.metric_name = each.metric_name AND profile.hour_of_day = hours.hour_of_day
            WHERE (each.metric_name <> 'model_mix' OR hours.dimension = 'model')
              AND hours.hour_start >= greatest(spans.baseline_from, spans.accepted_from)
              AND hours.hour_start < spans.baseline_until
              AND NOT hours.hour_start <@ spans.unfit
        ),
        sums AS (
            SELECT
                c.metric_name, c.dimension, c.value, min(c.baseline_until) AS baseline_until,
                sum(c.total) AS total, sum(c.bad) AS bad, sum(c.total * c.rate) AS expected
            FROM counts c
            GROUP BY c.metric_name, c.dimension, c.value
        ),
        scatter AS (                                    -- over what the profile says of its hours, brought to the slice's own level
            SELECT
                c.metric_name, c.dimension, c.value, least(1, count(*) / 72.0)::double precision AS known,
                sum((c.bad - c.total * own.rate) ^ 2) / nullif(sum(c.total * own.rate * (1 - own.rate)), 0) AS dispersion
            FROM counts c
            JOIN sums ON sums.metric_name = c.metric_name AND sums.dimension = c.dimension AND sums.value = c.value
            CROSS JOIN LATERAL (
                SELECT least(0.99, c.rate * (sums.bad + 0.5) / nullif(sums.expected + 0.5, 0)) AS rate
            ) own
            WHERE c.rate > 0
            GROUP BY c.metric_name, c.dimension, c.value
        ),
        overall AS (
            SELECT p.metric_name, min(p.dispersion) AS dispersion FROM profile p GROUP BY p.metric_name
        ),
        by_hours AS (
            SELECT each.value, array_agg(each.events ORDER BY each.hour_of_day) AS events
            FROM (
                SELECT s.value, hour.hour_of_day, coalesce(sum(c.total), 0) AS events
                FROM sums s
                CROSS JOIN generate_series(0, 23) hour (hour_of_day)
                LEFT JOIN counts c
                    ON c.metric_name = 'model_mix' AND c.value = s.value
                    AND extract(hour FROM c.hour_start AT TIME ZONE 'UTC')::integer = hour.hour_of_day
                WHERE s.metric_name = 'model_mix'
                GROUP BY s.value, hour.hour_of_day
            ) each
            GROUP BY each.value
        ),
        mix AS (                                        -- how much the days' mixes of models scatter, chance alone giving 1
            SELECT greatest(1, sum(cells.distance) / nullif(count(*) - count(DISTINCT cells.day) - count(DISTINCT cells.value) + 1, 0)) AS dispersion
            FROM (
                SELECT
                    day.day, share.value, (coalesce(c.total, 0) - day.events * share.part) ^ 2 / (day.events * share.part) AS distance
                FROM (
                    SELECT (hour_start AT TIME ZONE 'UTC')::date AS day, sum(total) AS events
                    FROM counts WHERE metric_name = 'model_mix' GROUP BY 1
                ) day
                CROSS JOIN (
                    SELECT value, total / sum(total) OVER () AS part FROM sums WHERE metric_name = 'model_mix'
                ) share
                LEFT JOIN (
                    SELECT (hour_start AT TIME ZONE 'UTC')::date AS day, value, sum(total) AS total
                    FROM counts WHERE metric_name = 'model_mix' GROUP BY 1, 2
                ) c USING (day, value)
                WHERE share.part >= 0.01
            ) cells
        ),
        mixes AS (                                      -- of every hour, beside that of its day, and of its like on all days
            SELECT
                hour.hour_start, hour.day, hour.hour_of_day, known.value, hour.events, coalesce(c.total, 0) AS total,
                sum(c.total) OVER (PARTITION BY hour.day, known.value) / sum(c.total) OVER (PARTITION BY hour.day) AS of_day,
                sum(c.total) OVER (PARTITION BY hour.hour_of_day, known.value) / sum(c.total) OVER (PARTITION BY hour.hour_of_day) AS of_hour
            FROM (
                SELECT
                    hour_start, (hour_start AT TIME ZONE 'UTC')::date AS day,
                    extract(hour FROM hour_start AT TIME ZONE 'UTC')::integer AS hour_of_day, sum(total) AS events
                FROM counts
                WHERE metric_name = 'model_mix'
                GROUP BY 1
            ) hour
            CROSS JOIN (SELECT value FROM sums WHERE metric_name = 'model_mix') known
            LEFT JOIN counts c ON c.metric_name = 'model_mix' AND c.hour_start = hour.hour_start AND c.value = known.value
            WHERE hour.events > 0
        ),
        clusters AS (                                   -- how much they scatter about either, whichever is nearer: what comes in sessions
            SELECT greatest(1, least(
                sum((total - events * of_day) ^ 2 / (events * of_day)) FILTER (WHERE of_day >= 0.01) / nullif(
                    count(*) FILTER (WHERE of_day >= 0.01) - count(DISTINCT hour_start)
                    - count(DISTINCT (day, value)) FILTER (WHERE of_day >= 0.01) + count(DISTINCT day), 0),
                sum((total - events * of_hour) ^ 2 / (events * of_hour)) FILTER (WHERE of_hour >= 0.01) / nullif(
                    count(*) FILTER (WHERE of_hour >= 0.01) - count(DISTINCT hour_start)
                    - count(DISTINCT (hour_of_day, value)) FILTER (WHERE of_hour >= 0.01) + count(DISTINCT hour_of_day), 0))) AS clustering
            FROM mixes
        )
        SELECT
            p_baseline_name, p_window_days, p_as_of, sums.metric_name, sums.dimension, sums.value, sums.total, sums.bad,
            coalesce(sums.expected, 0),
            greatest(1, CASE
                WHEN sums.metric_name = 'model_mix' THEN mix.dispersion
                -- Of few hours nobody knows how they scatter: in part as all events do.
                ELSE scatter.dispersion + (1 - scatter.known) * greatest(0, overall.dispersion - scatter.dispersion)
            END),
            sums.baseline_until, now(), CASE WHEN sums.metric_name = 'model_mix' THEN clusters.clustering ELSE 1 END, models.latency_factor,
            by_hours.events
        FROM sums
        CROSS JOIN mix
        CROSS JOIN clusters
        LEFT JOIN scatter USING (metric_name, dimension, value)
        LEFT JOIN overall USING (metric_name)
        LEFT JOIN by_hours ON sums.metric_name = 'model_mix' AND by_hours.value = sums.value
        LEFT JOIN models ON sums.metric_name = 'latency_p95' AND sums.dimension = 'model' AND models.model = sums.value;
END
$$;
COMMENT ON FUNCTION monitoring_derive_slices(text, integer, date) IS
    'What the baseline of a UTC day holds for each value of each dimension, over the hours that are fit for the metric; for '
    'model_mix the events of each model, with the scatter of the days'' mixes, sum((n - N s)^2 / (N s)) over its degrees of freedom, '
    'as clustering that of the hours about their days or about their like on all days, whichever is less, and its events by hour of '
    'day. Slow is what is slow for its own model. The scatter of fewer than 72 hours is brought towards that of all events by as many '
    'as are missing.';

CREATE OR REPLACE FUNCTION monitoring_slices_of_baseline(p_baseline_name text, p_window_days integer, p_as_of date)
RETURNS SETOF monitoring_baseline_slices
LANGUAGE plpgsql STABLE
ROWS 100
AS $$
BEGIN
    -- The cache holds the slices of the profile that it holds.
    IF EXISTS (
        SELECT FROM monitoring_baseline_profile cached
        WHERE cached.baseline_name = p_baseline_name AND cached.window_days = p_window_days AND cached.as_of = p_as_of
          AND cached.accepted_from IS NOT DISTINCT FROM monitoring_accepted_from(p_baseline_name, p_as_of)) THEN
        RETURN QUERY
            SELECT * FROM monitoring_baseline_slices cached
            WHERE cached.baseline_name = p_baseline_name AND cached.window_days = p_window_days AND cached.as_of = p_as_of;
    ELSE
        RETURN QUERY SELECT * FROM monitoring_derive_slices(p_baseline_name, p_window_days, p_as_of);
    END IF;
END
$$;
COMMENT ON FUNCTION monitoring_slices_of_baseline(text, integer, date) IS
    'What the baseline of a UTC day holds of each slice, from the cache or derived on the spot; changes nothing.';
