-- Hours and days of monitoring_metrics, from the roll-up. An hour comes from its five-minute totals and its slices, a day from
-- its hours; the percentiles of both from the merged latency histograms, which hold every whole millisecond that was
-- measured, so that they are those of percentile_cont to the last digit.

CREATE OR REPLACE FUNCTION monitoring_rate(p_events bigint, p_total bigint) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT round(p_events::numeric / nullif(p_total, 0), 4)
$$;
COMMENT ON FUNCTION monitoring_rate(bigint, bigint) IS 'Events over events with four decimals; null where there are none.';

-- Of any type of number: counts are divided exactly, expectations are double precision.
CREATE OR REPLACE FUNCTION monitoring_health_score(p_success_rate anyelement, p_fallback_rate anyelement, p_duplicate_rate anyelement)
RETURNS anyelement
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN p_fallback_rate IS NOT NULL AND p_duplicate_rate IS NOT NULL THEN
        p_success_rate * 50
        + (1 - least(1, p_fallback_rate * 5)) * 30
        + (1 - least(1, p_duplicate_rate * 3)) * 20
    END
$$;
COMMENT ON FUNCTION monitoring_health_score(anyelement, anyelement, anyelement) IS
    'success_rate·50 + (1 − min(1, fallback_rate·5))·30 + (1 − min(1, duplicate_rate·3))·20, 0 to 100; null where one of them is.';

CREATE OR REPLACE FUNCTION monitoring_health(p_total bigint, p_successful bigint, p_fallback bigint, p_duplicate bigint) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT round(monitoring_health_score(
        p_successful::numeric / nullif(p_total, 0), p_fallback::numeric / nullif(p_total, 0), p_duplicate::numeric / nullif(p_total, 0)), 2)
$$;
COMMENT ON FUNCTION monitoring_health(bigint, bigint, bigint, bigint) IS
    'The health score of counts, with two decimals; null where there are no events.';

CREATE OR REPLACE FUNCTION monitoring_add_counts(p_left jsonb, p_right jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN p_right IS NULL OR p_right = '{}' THEN coalesce(p_left, '{}')
        WHEN p_left IS NULL OR p_left = '{}' THEN p_right
        ELSE (
            SELECT jsonb_object_agg(key, events)
            FROM (
                SELECT key, sum(value::bigint) AS events
                FROM (SELECT * FROM jsonb_each_text(p_left) UNION ALL SELECT * FROM jsonb_each_text(p_right)) AS entry
                GROUP BY key
            ) AS counted)
    END
$$;
COMMENT ON FUNCTION monitoring_add_counts(jsonb, jsonb) IS 'Two objects of counts, added key by key; null counts as an empty one, and the sum is never null.';

-- p_ranks holds, beside each distinct value in ascending order, how many measurements are not greater than it. The
-- arithmetic is that of percentile_cont, in the same type and order, so that the last digit agrees as well.
CREATE OR REPLACE FUNCTION monitoring_percentile(p_values integer[], p_ranks bigint[], p_fraction double precision) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT lower.value + (place.at - floor(place.at)) * (upper.value - lower.value)
    FROM (SELECT p_fraction * (p_ranks[cardinality(p_ranks)] - 1) AS at) AS place
    CROSS JOIN LATERAL (SELECT p_values[width_bucket(floor(place.at)::bigint, p_ranks) + 1]::double precision AS value) AS lower
    CROSS JOIN LATERAL (SELECT p_values[width_bucket(ceil(place.at)::bigint, p_ranks) + 1]::double precision AS value) AS upper
$$;
COMMENT ON FUNCTION monitoring_percentile(integer[], bigint[], double precision) IS
    'A percentile of a histogram (distinct values ascending, cumulative counts), as percentile_cont gives it; null where it is empty.';

CREATE OR REPLACE FUNCTION monitoring_hour_totals(p_hours timestamptz[])
RETURNS TABLE (
    metric_date date, metric_hour integer, window_start timestamptz, window_end timestamptz,
    total_events bigint, successful_events bigint, failed_events bigint, fallback_events bigint, duplicate_events bigint,
    scored_events bigint, malformed_events bigint, malformed_fields jsonb,
    latency_events bigint, latency_sum numeric, latency_values integer[], latency_ranks bigint[],
    models jsonb, versions jsonb, reasons jsonb, backends jsonb, agents jsonb, event_types jsonb
)
LANGUAGE sql STABLE SET jit = off SET enable_seqscan = off AS $$
    WITH hour AS MATERIALIZED (
        SELECT DISTINCT unnest(p_hours) AS hour_start
    ),
    bucket AS MATERIALIZED (
        SELECT hour.hour_start, rollup.*
        FROM hour
        JOIN monitoring_rollup AS rollup
            ON rollup.bucket_start >= hour.hour_start AND rollup.bucket_start < hour.hour_start + interval '1 hour'
    ),
    slice AS MATERIALIZED (
        SELECT hour_start, model, backend, agent, version, total_events, fallback_reasons, event_types
        FROM hour
        JOIN monitoring_rollup_slices USING (hour_start)
    ),
    total AS (
        SELECT
            hour_start,
            sum(total_events) AS total_events,
            sum(successful_events) AS successful_events,
            sum(failed_events) AS failed_events,
            sum(fallback_events) AS fallback_events,
            sum(duplicate_events) AS duplicate_events,
            sum(scored_events) AS scored_events,
            sum(malformed_events) AS malformed_events,
            sum(latency_events) AS latency_events,
            sum(latency_sum) AS latency_sum
        FROM bucket
        GROUP BY hour_start
    ),
    malformed AS (
        SELECT hour_start, jsonb_object_agg(key, events) AS malformed_fields
        FROM (
            SELECT hour_start, key, sum(value::bigint) AS events
            FROM bucket
            CROSS JOIN LATERAL jsonb_each_text(malformed_fields)
            GROUP BY hour_start, key
        ) AS counted
        GROUP BY hour_start
    ),
    duration AS (
        SELECT hour_start, value, sum(coalesce(events, 1)) AS events
        FROM (SELECT hour_start, unnest(latency_values) AS value, unnest(latency_counts) AS events FROM bucket) AS measured
        GROUP BY hour_start, value
    ),
    ranked AS (
        SELECT hour_start, value, sum(events) OVER (PARTITION BY hour_start ORDER BY value ROWS UNBOUNDED PRECEDING)::bigint AS rank
        FROM duration
        ORDER BY hour_start, value
    ),
    histogram AS (
        SELECT hour_start, array_agg(value) AS latency_values, array_agg(rank) AS latency_ranks
        FROM ranked
        GROUP BY hour_start
    ),
    counted AS (
        SELECT hour_start, 'model' AS dimension, model AS value, sum(total_events) AS events
        FROM slice WHERE model <> '' GROUP BY hour_start, model
        UNION ALL
        SELECT hour_start, 'backend', backend, sum(total_events) FROM slice WHERE backend <> '' GROUP BY hour_start, backend
        UNION ALL
        SELECT hour_start, 'agent', agent, sum(total_events) FROM slice WHERE agent <> '' GROUP BY hour_start, agent
        UNION ALL
        SELECT hour_start, 'version', version, sum(total_events) FROM slice WHERE version <> '' GROUP BY hour_start, version
        UNION ALL
        SELECT hour_start, 'event_type', key, sum(value::bigint)
        FROM slice CROSS JOIN LATERAL jsonb_each_text(event_types) GROUP BY hour_start, key
        UNION ALL
        SELECT hour_start, 'reason', key, sum(value::bigint)
        FROM slice CROSS JOIN LATERAL jsonb_each_text(fallback_reasons) GROUP BY hour_start, key
    ),
    distribution AS (
        SELECT
            hour_start,
            jsonb_object_agg(value, events) FILTER (WHERE dimension = 'model') AS models,
            jsonb_object_agg(value, events) FILTER (WHERE dimension = 'backend') AS backends,
            jsonb_object_agg(value, events) FILTER (WHERE dimension = 'agent') AS agents,
            jsonb_object_agg(value, events) FILTER (WHERE dimension = 'version') AS versions,
            jsonb_object_agg(value, events) FILTER (WHERE dimension = 'event_type') AS event_types,
            jsonb_agg(jsonb_build_object('reason', value, 'count', events) ORDER BY events DESC, value COLLATE "C")
                FILTER (WHERE dimension = 'reason') AS reasons
        FROM counted
        GROUP BY hour_start
    )
    SELECT
        (hour_start AT TIME ZONE 'UTC')::date,
        extract(hour FROM hour_start AT TIME ZONE 'UTC')::integer,
        hour_start,
        hour_start + interval '1 hour',
        total_events, successful_events, failed_events, fallback_events, duplicate_events, scored_events,
        malformed_events, malformed_fields,
        latency_events, latency_sum, latency_values, latency_ranks,
        models, versions, reasons, backends, agents, event_types
    FROM hour
    LEFT JOIN total USING (hour_start)
    LEFT JOIN malformed USING (hour_start)
    LEFT JOIN histogram USING (hour_start)
    LEFT JOIN distribution USING (hour_start)
$$;
COMMENT ON FUNCTION monitoring_hour_totals(timestamptz[]) IS
    'What the roll-up holds for each of the hours, nulls where it holds nothing: counts, merged latency histogram, distributions.';

-- The distributions and counts of a day are sums over its 24 rows; its histogram is merged from the five minutes again.
CREATE OR REPLACE FUNCTION monitoring_day_totals(p_days date[])
RETURNS TABLE (
    metric_date date, metric_hour integer, window_start timestamptz, window_end timestamptz,
    total_events bigint, successful_events bigint, failed_events bigint, fallback_events bigint, duplicate_events bigint,
    scored_events bigint, malformed_events bigint, malformed_fields jsonb,
    latency_events bigint, latency_sum numeric, latency_values integer[], latency_ranks bigint[],
    models jsonb, versions jsonb, reasons jsonb, backends jsonb, agents jsonb, event_types jsonb
)
LANGUAGE sql STABLE SET jit = off SET enable_seqscan = off AS $$
    WITH day AS MATERIALIZED (
        SELECT asked.metric_date, asked.metric_date::timestamp AT TIME ZONE 'UTC' AS day_start
        FROM (SELECT DISTINCT unnest(p_days) AS metric_date) AS asked
    ),
    hour AS MATERIALIZED (
        SELECT metrics.*
        FROM day
        JOIN monitoring_metrics AS metrics USING (metric_date)
        WHERE metrics.metric_hour IS NOT NULL
    ),
    total AS (
        SELECT
            metric_date,
            sum(total_events) AS total_events,
            sum(successful_events) AS successful_events,
            sum(failed_events) AS failed_events,
            sum(fallback_events) AS fallback_events,
            sum(duplicate_events) AS duplicate_events,
            sum(scored_events) AS scored_events,
            sum(malformed_events) AS malformed_events
        FROM hour
        GROUP BY metric_date
    ),
    measured AS (
        SELECT day.metric_date, unnest(rollup.latency_values) AS value, unnest(rollup.latency_counts) AS events
        FROM day
        JOIN monitoring_rollup AS rollup
            ON rollup.bucket_start >= day.day_start AND rollup.bucket_start < day.day_start + interval '24 hours'
    ),
    duration AS (
        SELECT metric_date, value, sum(coalesce(events, 1)) AS events
        FROM measured
        GROUP BY metric_date, value
    ),
    ranked AS (
        SELECT
            metric_date, value, events,
            sum(events) OVER (PARTITION BY metric_date ORDER BY value ROWS UNBOUNDED PRECEDING)::bigint AS rank
        FROM duration
        ORDER BY metric_date, value
    ),
    histogram AS (
        SELECT
            metric_date,
            array_agg(value) AS latency_values,
            array_agg(rank) AS latency_ranks,
            sum(events)::bigint AS latency_events,
            sum(value * events) AS latency_sum
        FROM ranked
        GROUP BY metric_date
    ),
    entry AS (
        SELECT hour.metric_date, field.dimension, pair.key AS value, pair.value::bigint AS events
        FROM hour
        CROSS JOIN LATERAL (VALUES
            ('malformed', malformed_fields), ('model', model_distribution), ('backend', backend_distribution),
            ('agent', agent_distribution), ('version', service_versions), ('event_type', event_type_distribution)
        ) AS field (dimension, counts)
        CROSS JOIN LATERAL jsonb_each_text(field.counts) AS pair
        UNION ALL
        SELECT hour.metric_date, 'reason', ranking.reason, ranking.count
        FROM hour
        CROSS JOIN LATERAL jsonb_to_recordset(fallback_reasons) AS ranking (reason text, count bigint)
    ),
    counted AS (
        SELECT metric_date, dimension, value, sum(events) AS events
        FROM entry
        GROUP BY metric_date, dimension, value
    ),
    distribution AS (
        SELECT
            metric_date,
            jsonb_object_agg(value, events) FILTER (WHERE dimension = 'malformed') AS malformed_fields,
            jsonb_object_agg(value, events) FILTER (WHERE dimension = 'model') AS models,
            jsonb_object_agg(value, events) FILTER (WHERE dimension = 'backend') AS backends,
            jsonb_object_agg(value, events) FILTER (WHERE dimension = 'agent') AS agents,
            jsonb_object_agg(value, events) FILTER (WHERE dimension = 'version') AS versions,
            jsonb_object_agg(value, events) FILTER (WHERE dimension = 'event_type') AS event_types,
            jsonb_agg(jsonb_build_object('reason', value, 'count', events) ORDER BY events DESC, value COLLATE "C")
                FILTER (WHERE dimension = 'reason') AS reasons
        FROM counted
        GROUP BY metric_date
    )
    SELECT
        metric_date,
        NULL::integer,
        day_start,
        day_start + interval '24 hours',
        total_events, successful_events, failed_events, fallback_events, duplicate_events, scored_events,
        malformed_events, malformed_fields,
        latency_events, latency_sum, latency_values, latency_ranks,
        models, versions, reasons, backends, agents, event_types
    FROM day
    LEFT JOIN total USING (metric_date)
    LEFT JOIN histogram USING (metric_date)
    LEFT JOIN distribution USING (metric_date)
$$;
COMMENT ON FUNCTION monitoring_day_totals(date[]) IS
    'What the rows of their hours and the roll-up hold for each of the days, in the columns of monitoring_hour_totals.';

CREATE OR REPLACE FUNCTION monitoring_figures(p_row monitoring_metrics) RETURNS jsonb
LANGUAGE sql STABLE AS $$
    SELECT to_jsonb(p_row) - '{id,computed_at}'::text[]
$$;
COMMENT ON FUNCTION monitoring_figures(monitoring_metrics) IS 'A row without what changes although nothing changed.';

CREATE OR REPLACE FUNCTION monitoring_write_totals(p_hours timestamptz[], p_days date[], p_now timestamptz) RETURNS integer
LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
    v_written integer;
BEGIN
    INSERT INTO monitoring_metrics AS old (
        metric_date, metric_hour, window_start, window_end,
        total_events, successful_events, failed_events, fallback_events, duplicate_events, scored_events,
        malformed_events, malformed_fields,
        fallback_rate, error_rate, duplicate_rate,
        latency_p50, latency_p75, latency_p90, latency_p95, latency_p99, latency_avg, latency_max, latency_min,
        model_distribution, service_versions, fallback_reasons,
        backend_distribution, agent_distribution, event_type_distribution,
        health_score, computed_at)
    SELECT
        metric_date, metric_hour, window_start, window_end,
        coalesce(total_events, 0), coalesce(successful_events, 0), coalesce(failed_events, 0),
        coalesce(fallback_events, 0), coalesce(duplicate_events, 0), coalesce(scored_events, 0),
        coalesce(malformed_events, 0), coalesce(malformed_fields, '{}'),
        monitoring_rate(fallback_events, total_events),
        monitoring_rate(failed_events, total_events),
        monitoring_rate(duplicate_events, total_events),
        monitoring_percentile(latency_values, latency_ranks, 0.50)::numeric,
        monitoring_percentile(latency_values, latency_ranks, 0.75)::numeric,
        monitoring_percentile(latency_values, latency_ranks, 0.90)::numeric,
        monitoring_percentile(latency_values, latency_ranks, 0.95)::numeric,
        monitoring_percentile(latency_values, latency_ranks, 0.99)::numeric,
        latency_sum / nullif(latency_events, 0),
        latency_values[cardinality(latency_values)],
        latency_values[1],
        coalesce(models, '{}'), coalesce(versions, '{}'), coalesce(reasons, '[]'),
        coalesce(backends, '{}'), coalesce(agents, '{}'), coalesce(event_types, '{}'),
        monitoring_health(total_events, successful_events, fallback_events, duplicate_events),
        p_now
    FROM (
        SELECT * FROM monitoring_hour_totals(p_hours)
        UNION ALL
        SELECT * FROM monitoring_day_totals(p_days)
    ) AS new
    ON CONFLICT (metric_date, metric_hour) DO UPDATE SET (
        total_events, successful_events, failed_events, fallback_events, duplicate_events, scored_events,
        malformed_events, malformed_fields,
        fallback_rate, error_rate, duplicate_rate,
        latency_p50, latency_p75, latency_p90, latency_p95, latency_p99, latency_avg, latency_max, latency_min,
        model_distribution, service_versions, fallback_reasons,
        backend_distribution, agent_distribution, event_type_distribution,
        health_score, computed_at
    ) = (
        excluded.total_events, excluded.successful_events, excluded.failed_events,
        excluded.fallback_events, excluded.duplicate_events, excluded.scored_events,
        excluded.malformed_events, excluded.malformed_fields,
        excluded.fallback_rate, excluded.error_rate, excluded.duplicate_rate,
        excluded.latency_p50, excluded.latency_p75, excluded.latency_p90, excluded.latency_p95, excluded.latency_p99,
        excluded.latency_avg, excluded.latency_max, excluded.latency_min,
        excluded.model_distribution, excluded.service_versions, excluded.fallback_reasons,
        excluded.backend_distribution, excluded.agent_distribution, excluded.event_type_distribution,
        excluded.health_score, excluded.computed_at)
    WHERE monitoring_figures(old) IS DISTINCT FROM monitoring_figures(excluded);
    GET DIAGNOSTICS v_written = ROW_COUNT;
    RETURN v_written;
END
$$;
COMMENT ON FUNCTION monitoring_write_totals(timestamptz[], date[], timestamptz) IS
    'Writes the rows of the hours and of the days, where they differ from what is there; returns how many did.';

-- Hours first: the row of a day is made from theirs.
CREATE OR REPLACE FUNCTION monitoring_write_metrics(
    p_hours timestamptz[], p_written_hours timestamptz[], p_written_days date[], p_now timestamptz)
RETURNS integer
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_hours   timestamptz[] := ARRAY(SELECT unnest(p_hours) EXCEPT SELECT unnest(p_written_hours));
    v_days    date[] := ARRAY(
        SELECT (hour_start AT TIME ZONE 'UTC')::date FROM unnest(p_hours) AS hour (hour_start) EXCEPT SELECT unnest(p_written_days));
    v_written integer := 0;
BEGIN
    IF cardinality(v_hours) > 0 THEN
        v_written := monitoring_write_totals(v_hours, '{}', p_now);
    END IF;
    IF cardinality(v_days) > 0 THEN
        v_written := v_written + monitoring_write_totals('{}', v_days, p_now);
    END IF;
    RETURN v_written;
END
$$;
COMMENT ON FUNCTION monitoring_write_metrics(timestamptz[], timestamptz[], date[], timestamptz) IS
    'Writes the rows of the hours and of the days they belong to, but for those that are written already; returns how many were new or changed.';

CREATE OR REPLACE FUNCTION monitoring_compute_hours(p_hours timestamptz[], p_now timestamptz)
RETURNS TABLE (rows_computed integer, metrics_inserted integer, computation_time_ms numeric)
LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
    v_started timestamptz := clock_timestamp();
    v_step    record;
    v_written integer;
    v_days    integer := (SELECT count(DISTINCT (hour_start AT TIME ZONE 'UTC')::date) FROM unnest(p_hours) AS hour (hour_start));
    v_hours   timestamptz[];
BEGIN
    PERFORM FROM monitoring_rollup_lock FOR UPDATE;
    v_hours := monitoring_hours_with_detail(p_hours);
    SELECT * INTO v_step FROM monitoring_roll_up_hours(v_hours, p_now);
    v_written := v_step.metrics_written + monitoring_write_metrics(v_hours, v_step.written_hours, v_step.written_days, p_now);
    IF v_written > 0 THEN
        PERFORM monitoring_bump_data_version();
    END IF;
    RETURN QUERY SELECT
        cardinality(p_hours) + v_days,
        v_written,
        round(extract(epoch FROM clock_timestamp() - v_started) * 1000, 1);
END
$$;
COMMENT ON FUNCTION monitoring_compute_hours(timestamptz[], timestamptz) IS
    'Computes the hours from raw events again, and writes their rows and those of their days. Waits for a roll-up that is under way.';

CREATE OR REPLACE FUNCTION compute_hourly_metrics(
    p_target_date date DEFAULT (now() AT TIME ZONE 'UTC')::date,
    p_target_hour integer DEFAULT NULL,
    p_now timestamptz DEFAULT now())
RETURNS TABLE (rows_computed integer, metrics_inserted integer, computation_time_ms numeric)
LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
    v_day     date := coalesce(p_target_date, (p_now AT TIME ZONE 'UTC')::date);
    v_missing timestamptz[];
BEGIN
    IF p_target_hour NOT BETWEEN 0 AND 23 THEN
        RAISE EXCEPTION 'p_target_hour is %, not from 0 to 23', p_target_hour USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF v_day NOT BETWEEN '0001-01-01' AND '9999-12-30' THEN
        RAISE EXCEPTION 'p_target_date is %, not in the years 1 to 9999', v_day USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF p_target_hour IS NOT NULL THEN
        -- The day's row is of the whole day: hours that nobody has rolled up yet are missing in it.
        v_missing := ARRAY(
            SELECT hour
            FROM generate_series(
                v_day::timestamp AT TIME ZONE 'UTC', v_day::timestamp AT TIME ZONE 'UTC' + interval '23 hours', interval '1 hour') AS hour
            WHERE extract(hour FROM hour AT TIME ZONE 'UTC') <> p_target_hour
                AND NOT EXISTS (
                    SELECT FROM monitoring_rollup WHERE bucket_start >= hour AND bucket_start < hour + interval '1 hour')
                AND EXISTS (SELECT FROM learning_events WHERE occurred_at >= hour AND occurred_at < hour + interval '1 hour'));
        IF cardinality(v_missing) > 0 THEN
            PERFORM monitoring_compute_hours(v_missing, p_now);
        END IF;
    END IF;
    RETURN QUERY SELECT *
    FROM monitoring_compute_hours(
        ARRAY(
            SELECT v_day::timestamp AT TIME ZONE 'UTC' + hour * interval '1 hour'
            FROM generate_series(coalesce(p_target_hour, 0), coalesce(p_target_hour, 23)) AS hour),
        p_now);
END
$$;
COMMENT ON FUNCTION compute_hourly_metrics(date, integer, timestamptz) IS
    'Computes one hour of a UTC date, or all 24 where p_target_hour is null, and the day''s row, from raw events. '
    'rows_computed counts the rows computed, metrics_inserted those that were new or changed: none when it is run again.';

CREATE OR REPLACE FUNCTION compute_daily_metrics(
    p_target_date date DEFAULT (now() AT TIME ZONE 'UTC')::date,
    p_now timestamptz DEFAULT now())
RETURNS TABLE (rows_computed integer, metrics_inserted integer, computation_time_ms numeric)
LANGUAGE sql VOLATILE AS $$
    SELECT * FROM compute_hourly_metrics(p_target_date, NULL, p_now)
$$;
COMMENT ON FUNCTION compute_daily_metrics(date, timestamptz) IS 'Computes the 24 hours and the day of a UTC date from raw events.';

-- Concurrently, so that nobody who reads waits; that takes a view that has been filled once.
CREATE OR REPLACE FUNCTION refresh_daily_metrics_mv() RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF (SELECT relispopulated FROM pg_class WHERE oid = 'mv_daily_metrics'::regclass) THEN
        REFRESH MATERIALIZED VIEW CONCURRENTLY mv_daily_metrics;
    ELSE
        REFRESH MATERIALIZED VIEW mv_daily_metrics;
    END IF;
END
$$;
COMMENT ON FUNCTION refresh_daily_metrics_mv() IS 'Makes mv_daily_metrics show the present days of monitoring_metrics.';
