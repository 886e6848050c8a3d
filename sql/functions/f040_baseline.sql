-- The baseline that is published: pooled rates (events over events) and percentiles of merged histograms, over whole UTC
-- days before the moment, without the hours in which an alert of the same metric was open.

-- Which hours count for which metric. Where open alerts leave a metric less than half of the window's hours, it reaches back
-- up to 28 days; where that is too little as well, none of its hours count and the last figure stays.
CREATE OR REPLACE FUNCTION monitoring_baseline_hours(p_start date, p_end date, p_accepted_from timestamptz, p_now timestamptz)
RETURNS TABLE (hour_start timestamptz, in_window boolean, for_fallback boolean, for_error boolean, for_duplicate boolean, for_latency boolean)
LANGUAGE sql STABLE SET jit = off AS $$
    WITH hour AS MATERIALIZED (
        SELECT
            metrics.window_start AS hour_start,
            metrics.metric_date >= p_start AS in_window
        FROM monitoring_metrics AS metrics
        WHERE metrics.metric_hour IS NOT NULL AND metrics.total_events > 0
            AND metrics.metric_date BETWEEN least(p_start, p_end - 27) AND p_end
            AND metrics.window_start < p_now
            AND metrics.window_start >= coalesce(p_accepted_from, '-infinity')
    ),
    disturbed AS MATERIALIZED (                         -- read once, not for every hour
        SELECT metric_name, opened_at AS from_time, least(coalesce(resolved_at, p_now), p_now) AS to_time
        FROM monitoring_alerts
        WHERE opened_at < p_now
            AND (resolved_at IS NULL OR resolved_at > least(p_start, p_end - 27)::timestamp AT TIME ZONE 'UTC')
    ),
    calm AS MATERIALIZED (
        SELECT
            hour.hour_start, hour.in_window, metric.name,
            NOT EXISTS (
                SELECT FROM disturbed
                WHERE disturbed.metric_name = metric.name
                    AND disturbed.from_time < hour.hour_start + interval '1 hour' AND disturbed.to_time > hour.hour_start) AS is_calm
        FROM hour
        CROSS JOIN (VALUES ('fallback_rate'), ('error_rate'), ('duplicate_rate'), ('latency_p95')) AS metric (name)
    ),
    enough AS (
        SELECT
            name,
            count(*) FILTER (WHERE in_window AND is_calm) * 2 >= count(*) FILTER (WHERE in_window) AS in_window,
            count(*) FILTER (WHERE is_calm) * 2 >= count(*) FILTER (WHERE in_window) AS in_reach
        FROM calm
        GROUP BY name
    )
    SELECT
        calm.hour_start,
        bool_or(calm.in_window),
        bool_or(used.counts) FILTER (WHERE calm.name = 'fallback_rate'),
        bool_or(used.counts) FILTER (WHERE calm.name = 'error_rate'),
        bool_or(used.counts) FILTER (WHERE calm.name = 'duplicate_rate'),
        bool_or(used.counts) FILTER (WHERE calm.name = 'latency_p95')
    FROM calm
    JOIN enough USING (name)
    CROSS JOIN LATERAL (
        SELECT calm.is_calm AND CASE WHEN enough.in_window THEN calm.in_window ELSE enough.in_reach END AS counts
    ) AS used
    GROUP BY calm.hour_start
$$;
COMMENT ON FUNCTION monitoring_baseline_hours(date, date, timestamptz, timestamptz) IS
    'The hours with events that a baseline may rest on, with a flag for each metric that says whether the hour counts for it.';

-- One figure set for each group: 'all' with key '', 'model', 'backend', and 'hour' with the hour of day.
CREATE OR REPLACE FUNCTION monitoring_baseline_figures(p_start date, p_end date, p_accepted_from timestamptz, p_now timestamptz)
RETURNS TABLE (
    dimension text, value text, total_events bigint, fallback_rate numeric, error_rate numeric, duplicate_rate numeric,
    health_score numeric, latency_p50 numeric, latency_p95 numeric, latency_p99 numeric)
LANGUAGE sql STABLE SET jit = off AS $$
    WITH hour AS MATERIALIZED (
        SELECT hour.*, extract(hour FROM hour.hour_start AT TIME ZONE 'UTC')::text AS hour_of_day
        FROM monitoring_baseline_hours(p_start, p_end, p_accepted_from, p_now) AS hour
    ),
    slice AS MATERIALIZED (
        SELECT hour.hour_of_day, hour.in_window, hour.for_fallback, hour.for_error, hour.for_duplicate, hour.for_latency, slice.*
        FROM hour
        JOIN monitoring_rollup_slices AS slice USING (hour_start)
        WHERE hour.in_window OR hour.for_fallback OR hour.for_error OR hour.for_duplicate OR hour.for_latency
    ),
    counted AS MATERIALIZED (
        SELECT
            hour_of_day, model, backend,
            sum(total_events) FILTER (WHERE in_window) AS total_events,
            sum(successful_events) FILTER (WHERE in_window) AS successful_events,
            sum(total_events) FILTER (WHERE for_fallback) AS fallback_total,
            sum(fallback_events) FILTER (WHERE for_fallback) AS fallback_events,
            sum(total_events) FILTER (WHERE for_error) AS error_total,
            sum(failed_events) FILTER (WHERE for_error) AS failed_events,
            sum(total_events) FILTER (WHERE for_duplicate) AS duplicate_total,
            sum(duplicate_events) FILTER (WHERE for_duplicate) AS duplicate_events
        FROM slice
        GROUP BY hour_of_day, model, backend
    ),
    rated AS (
        SELECT
            grouped.dimension, grouped.value,
            sum(total_events) AS total_events,
            sum(successful_events) AS successful_events,
            sum(fallback_events) / nullif(sum(fallback_total), 0) AS fallback_rate,
            sum(failed_events) / nullif(sum(error_total), 0) AS error_rate,
            sum(duplicate_events) / nullif(sum(duplicate_total), 0) AS duplicate_rate
        FROM counted
        CROSS JOIN LATERAL (VALUES ('all', ''), ('model', model), ('backend', backend), ('hour', hour_of_day)) AS grouped (dimension, value)
        GROUP BY grouped.dimension, grouped.value
    ),
    measured AS MATERIALIZED (
        SELECT hour_of_day, model, backend, duration, sum(events) AS events
        FROM (
            SELECT hour_of_day, model, backend, unnest(latency_values) AS duration, unnest(latency_counts) AS events
            FROM slice
            WHERE for_latency
        ) AS entry
        GROUP BY hour_of_day, model, backend, duration
    ),
    grouped AS (
        SELECT 'all' AS dimension, '' AS value, duration, sum(events) AS events FROM measured GROUP BY duration
        UNION ALL
        SELECT 'model', model, duration, sum(events) FROM measured WHERE model <> '' GROUP BY model, duration
        UNION ALL
        SELECT 'backend', backend, duration, sum(events) FROM measured WHERE backend <> '' GROUP BY backend, duration
        UNION ALL
        SELECT 'hour', hour_of_day, duration, sum(events) FROM measured GROUP BY hour_of_day, duration
    ),
    ranked AS (
        SELECT
            dimension, value, duration,
            sum(events) OVER (PARTITION BY dimension, value ORDER BY duration ROWS UNBOUNDED PRECEDING)::bigint AS rank
        FROM grouped
        ORDER BY dimension, value, duration
    ),
    histogram AS (
        SELECT dimension, value, array_agg(duration) AS durations, array_agg(rank) AS ranks
        FROM ranked
        GROUP BY dimension, value
    )
    SELECT
        dimension, value,
        rated.total_events,
        round(rated.fallback_rate, 4),
        round(rated.error_rate, 4),
        round(rated.duplicate_rate, 4),
        round(monitoring_health_score(
            rated.successful_events / nullif(rated.total_events, 0), rated.fallback_rate, rated.duplicate_rate), 2),
        round(monitoring_percentile(histogram.durations, histogram.ranks, 0.50)::numeric, 2),
        round(monitoring_percentile(histogram.durations, histogram.ranks, 0.95)::numeric, 2),
        round(monitoring_percentile(histogram.durations, histogram.ranks, 0.99)::numeric, 2)
    FROM rated
    LEFT JOIN histogram USING (dimension, value)
    WHERE rated.total_events > 0 AND (dimension = 'all' OR value <> '')
$$;
COMMENT ON FUNCTION monitoring_baseline_figures(date, date, timestamptz, timestamptz) IS
    'Pooled rates and merged percentiles of a baseline, as a whole and by model, by backend and by hour of day.';

CREATE OR REPLACE FUNCTION update_baseline(
    p_baseline_name text DEFAULT '7day_rolling', p_window_days integer DEFAULT 7, p_now timestamptz DEFAULT now())
RETURNS SETOF monitoring_baseline
LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
    -- What is left at its default is as the settings say.
    v_settings jsonb := monitoring_effective_settings() -> 'baseline';
    v_name     text := coalesce(nullif(p_baseline_name, '7day_rolling'), v_settings ->> 'name');
    v_days     integer := CASE
        WHEN v_name = v_settings ->> 'name' THEN coalesce(nullif(p_window_days, 7), (v_settings ->> 'window_days')::integer)
        ELSE coalesce(p_window_days, 7)
    END;
    v_today    date := (p_now AT TIME ZONE 'UTC')::date;
    v_end      date := v_today - 1;
    v_start    date := v_today - v_days;
    v_accepted timestamptz := (SELECT accepted_from FROM monitoring_baseline WHERE baseline_name = v_name);
BEGIN
    IF v_days NOT BETWEEN 1 AND 90 THEN
        RAISE EXCEPTION 'p_window_days is %, not from 1 to 90', p_window_days USING ERRCODE = 'invalid_parameter_value';
    END IF;

    -- On the first day of all, or of an accepted new normal, the day itself is all there is.
    IF NOT EXISTS (
        SELECT FROM monitoring_metrics
        WHERE metric_hour IS NOT NULL AND total_events > 0 AND metric_date BETWEEN v_start AND v_end
            AND window_start >= coalesce(v_accepted, '-infinity'))
    THEN
        v_end := v_today;
    END IF;

    RETURN QUERY
    WITH figures AS MATERIALIZED (
        SELECT * FROM monitoring_baseline_figures(v_start, v_end, v_accepted, p_now)
    ),
    parts AS (
        SELECT
            dimension,
            jsonb_object_agg(value, jsonb_build_object(
                'total_events', total_events, 'fallback_rate', fallback_rate, 'error_rate', error_rate,
                'duplicate_rate', duplicate_rate, 'latency_p50', latency_p50, 'latency_p95', latency_p95)) AS baselines
        FROM figures
        WHERE dimension <> 'all'
        GROUP BY dimension
    ),
    written AS (
        INSERT INTO monitoring_baseline AS old (
            baseline_name, baseline_window_days,
            baseline_fallback_rate, baseline_error_rate, baseline_duplicate_rate,
            baseline_latency_p50, baseline_latency_p95, baseline_latency_p99,
            baseline_health_score, total_events,
            model_baselines, backend_baselines, hourly_baselines,
            baseline_start_date, baseline_end_date, computed_at, valid_until)
        SELECT
            v_name, v_days,
            fallback_rate, error_rate, duplicate_rate, latency_p50, latency_p95, latency_p99, health_score, total_events,
            coalesce((SELECT baselines FROM parts WHERE dimension = 'model'), '{}'),
            coalesce((SELECT baselines FROM parts WHERE dimension = 'backend'), '{}'),
            coalesce((SELECT baselines FROM parts WHERE dimension = 'hour'), '{}'),
            v_start, v_end, p_now,
            -- 02:00 UTC is when it is derived anew; the next one, but never one that is only hours away.
            date_bin('1 day', p_now + interval '12 hours', '2000-01-01 02:00:00+00') + interval '1 day'
        FROM figures
        WHERE dimension = 'all'
        ON CONFLICT (baseline_name) DO UPDATE SET
            baseline_window_days = excluded.baseline_window_days,
            baseline_fallback_rate = coalesce(excluded.baseline_fallback_rate, old.baseline_fallback_rate),
            baseline_error_rate = coalesce(excluded.baseline_error_rate, old.baseline_error_rate),
            baseline_duplicate_rate = coalesce(excluded.baseline_duplicate_rate, old.baseline_duplicate_rate),
            baseline_latency_p50 = coalesce(excluded.baseline_latency_p50, old.baseline_latency_p50),
            baseline_latency_p95 = coalesce(excluded.baseline_latency_p95, old.baseline_latency_p95),
            baseline_latency_p99 = coalesce(excluded.baseline_latency_p99, old.baseline_latency_p99),
            baseline_health_score = coalesce(excluded.baseline_health_score, old.baseline_health_score),
            total_events = excluded.total_events,
            model_baselines = excluded.model_baselines,
            backend_baselines = excluded.backend_baselines,
            hourly_baselines = excluded.hourly_baselines,
            baseline_start_date = excluded.baseline_start_date,
            baseline_end_date = excluded.baseline_end_date,
            computed_at = excluded.computed_at,
            valid_until = excluded.valid_until
        RETURNING old.*
    )
    SELECT * FROM written;
    IF FOUND THEN
        PERFORM monitoring_bump_data_version();
    END IF;
END
$$;
COMMENT ON FUNCTION update_baseline(text, integer, timestamptz) IS
    'Derives the baseline of that name from the whole UTC days before p_now and publishes it; returns its row, or none where '
    'there are no events. A null, or exactly the default, is what the settings say: their name, and for it their window.';
