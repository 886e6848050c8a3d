-- The baseline that is published: pooled rates (events over events) and percentiles of merged histograms, over whole UTC
-- days before the moment, without the hours in which an alert of the same metric was open. And the new normal, which a person
-- accepts.

-- Which hours count for which metric: those that the profile of evaluations would rest on as well (monitoring_unfit_hours).
-- Where alerts leave a metric less than half of the window's hours, it reaches back day by day, up to 28 days; where that is too
-- little as well, none of its hours count and the last figure stays.
CREATE OR REPLACE FUNCTION monitoring_baseline_hours(p_start date, p_end date, p_accepted_from timestamptz, p_now timestamptz)
RETURNS TABLE (hour_start timestamptz, in_window boolean, for_fallback boolean, for_error boolean, for_duplicate boolean, for_latency boolean)
LANGUAGE plpgsql STABLE SET jit = off AS $$
#variable_conflict use_column
DECLARE
    v_reach CONSTANT date := least(p_start, p_end - 27);
    v_until CONSTANT timestamptz := least((p_end + 1)::timestamp AT TIME ZONE 'UTC', p_now);
    -- An event of long ago that came late is no beginning.
    v_first CONSTANT timestamptz := (
        SELECT greatest(min(bucket_start), p_accepted_from) FROM monitoring_rollup WHERE bucket_start >= v_reach::timestamp AT TIME ZONE 'UTC');
BEGIN
    RETURN QUERY
        WITH metric AS MATERIALIZED (
            SELECT name, monitoring_unfit_hours(ARRAY[name], coalesce(p_accepted_from, '-infinity'), v_until) AS unfit
            FROM unnest(ARRAY['fallback_rate', 'error_rate', 'duplicate_rate', 'latency_p95']) AS name
        ),
        day AS (                                        -- fit hours of each day, with events or without
            SELECT metric.name, date.day, count(*) FILTER (WHERE hour.start >= v_first AND NOT hour.start <@ metric.unfit) AS fit
            FROM metric
            CROSS JOIN generate_series(v_reach::timestamp, p_end, interval '1 day') AS date (day)
            CROSS JOIN LATERAL generate_series(
                date.day AT TIME ZONE 'UTC', date.day AT TIME ZONE 'UTC' + interval '23 hours', interval '1 hour') AS hour (start)
            GROUP BY metric.name, date.day
        ),
        reach AS (
            SELECT name, day::date AS day, sum(fit) OVER (PARTITION BY name ORDER BY day DESC) AS fit FROM day
        ),
        chosen AS (                                     -- the window, or as much more as gives half of its hours
            SELECT name, coalesce(max(day) FILTER (WHERE day <= p_start AND fit >= (p_end - p_start + 1) * 12), v_reach) AS first_day
            FROM reach
            GROUP BY name
        ),
        candidate AS MATERIALIZED (
            SELECT
                metrics.window_start AS hour_start,
                metrics.metric_date >= p_start AS in_window,
                name,
                metrics.metric_date >= chosen.first_day AND NOT metrics.window_start <@ metric.unfit AS is_fit
            FROM monitoring_metrics AS metrics
            CROSS JOIN metric
            JOIN chosen USING (name)
            WHERE metrics.metric_hour IS NOT NULL AND metrics.total_events > 0
                AND metrics.metric_date BETWEEN v_reach AND p_end
                AND metrics.window_start < p_now
                AND metrics.window_start >= coalesce(p_accepted_from, '-infinity')
        ),
        enough AS (
            SELECT name, count(*) FILTER (WHERE is_fit) * 2 >= count(*) FILTER (WHERE in_window) AS is_enough
            FROM candidate
            GROUP BY name
        )
        SELECT
            candidate.hour_start,
            bool_or(candidate.in_window),
            bool_or(is_fit AND is_enough) FILTER (WHERE name = 'fallback_rate'),
            bool_or(is_fit AND is_enough) FILTER (WHERE name = 'error_rate'),
            bool_or(is_fit AND is_enough) FILTER (WHERE name = 'duplicate_rate'),
            bool_or(is_fit AND is_enough) FILTER (WHERE name = 'latency_p95')
        FROM candidate
        JOIN enough USING (name)
        GROUP BY candidate.hour_start;
END
$$;
COMMENT ON FUNCTION monitoring_baseline_hours(date, date, timestamptz, timestamptz) IS
    'The hours with events that a baseline may rest on, with a flag for each metric that says whether the hour counts for it: '
    'not in a time that monitoring_unfit_hours leaves out, and in a window that has enough that are left.';

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
        SELECT hour_of_day, model, backend, duration, sum(coalesce(events, 1)) AS events
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
            date_bin('1 day', p_now + interval '12 hours', '2000-01-01 02:00:00+00') + interval '24 hours'
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

CREATE OR REPLACE FUNCTION monitoring_accept_baseline(
    p_baseline_name text, p_actor text, p_credential text, p_reason text,
    p_from timestamptz DEFAULT NULL, p_at timestamptz DEFAULT now())
RETURNS SETOF monitoring_baseline
LANGUAGE plpgsql VOLATILE
AS $$
#variable_conflict use_column
DECLARE
    v_settings CONSTANT jsonb := monitoring_effective_settings() -> 'baseline';
    v_name     CONSTANT text := coalesce(nullif(p_baseline_name, '7day_rolling'), v_settings ->> 'name');
    v_from     CONSTANT timestamptz := coalesce(p_from, date_trunc('hour', p_at, 'UTC'));
    v_today    CONSTANT date := (p_at AT TIME ZONE 'UTC')::date;
    v_days     integer := CASE WHEN v_name = v_settings ->> 'name' THEN (v_settings ->> 'window_days')::integer ELSE 7 END;
    v_before   monitoring_baseline;
    v_alert    record;
    v_ended    uuid[] := '{}';
BEGIN
    IF coalesce(btrim(p_actor), '') = '' THEN
        RAISE EXCEPTION 'p_actor: somebody must accept it' USING ERRCODE = 'TMARG';
    ELSIF coalesce(btrim(p_reason), '') = '' THEN
        RAISE EXCEPTION 'p_reason: there must be a reason' USING ERRCODE = 'TMARG';
    ELSIF v_name = '' THEN
        RAISE EXCEPTION 'p_baseline_name: a baseline has a name' USING ERRCODE = 'TMARG';
    ELSIF v_from > p_at OR v_from < p_at - interval '28 days' OR v_from <> date_trunc('hour', v_from, 'UTC') THEN
        RAISE EXCEPTION 'p_from: a new normal begins with a whole UTC hour of the last 28 days' USING ERRCODE = 'TMARG';
    END IF;
    -- A roll-up raises the data version before it empties profiles, here it is the other way round: they wait for each other.
    PERFORM FROM monitoring_rollup_lock FOR UPDATE;
    PERFORM FROM monitoring_evaluation_state FOR UPDATE;    -- no evaluation stands between the old normal and the new one
    DELETE FROM monitoring_baseline_profile WHERE baseline_name = v_name;
    DELETE FROM monitoring_baseline_slices WHERE baseline_name = v_name;

    SELECT * INTO v_before FROM monitoring_baseline WHERE baseline_name = v_name FOR UPDATE;
    v_days := coalesce(v_before.baseline_window_days, v_days);
    INSERT INTO monitoring_baseline AS old (
        baseline_name, baseline_window_days, baseline_start_date, baseline_end_date, computed_at, valid_until,
        accepted_from, accepted_by, accepted_reason)
    VALUES (v_name, v_days, (v_from AT TIME ZONE 'UTC')::date, v_today, p_at, p_at, v_from, btrim(p_actor), btrim(p_reason))
    ON CONFLICT (baseline_name) DO UPDATE SET
        accepted_from = excluded.accepted_from,
        accepted_by = excluded.accepted_by,
        accepted_reason = excluded.accepted_reason;

    -- What evaluations found by the old one is the normal now. Its alerts end, and leave no hour of the new normal out.
    IF v_name = v_settings ->> 'name' THEN
        -- All of them are locked before the first step raises the data version, which who acts on an alert does last.
        PERFORM monitoring_lock_fingerprint(fingerprint)
        FROM (
            SELECT DISTINCT alert.fingerprint
            FROM monitoring_alerts AS alert
            JOIN monitoring_known_metrics() AS known USING (metric_name, alert_type)
            WHERE alert.labels IS NULL
            ORDER BY alert.fingerprint
        ) AS known_alert;
        FOR v_alert IN
            SELECT alert.id, alert.current_value, alert.baseline_value, alert.deviation_ratio
            FROM monitoring_alerts AS alert
            JOIN monitoring_known_metrics() AS known USING (metric_name, alert_type)
            WHERE alert.labels IS NULL
                AND (alert.status <> 'resolved' OR alert.held_severity IS NOT NULL OR alert.opened_at >= v_from)
            ORDER BY alert.fingerprint, alert.id
            FOR UPDATE OF alert
        LOOP
            IF (SELECT outcome = 'changed' FROM monitoring_transition(
                v_alert.id, 'resolve', 'person', btrim(p_actor), p_credential,
                format('Accepted as the new normal from %s by %s: %s',
                    to_char(v_from AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI "UTC"'), btrim(p_actor), btrim(p_reason)),
                NULL, jsonb_strip_nulls(jsonb_build_object(
                    'current_value', v_alert.current_value, 'baseline_value', v_alert.baseline_value,
                    'deviation_ratio', v_alert.deviation_ratio)), p_at))
            THEN
                v_ended := v_ended || v_alert.id;
            END IF;
            UPDATE monitoring_alerts SET held_severity = NULL, cleared_at = v_from WHERE id = v_alert.id;
        END LOOP;
    END IF;

    INSERT INTO monitoring_audit (action, subject, actor, credential, reason, details, occurred_at)
    VALUES ('accept_baseline', v_name, btrim(p_actor), p_credential, btrim(p_reason), jsonb_build_object(
        'accepted_from', to_char(v_from AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
        'ended_alerts', to_jsonb(v_ended),
        'before', jsonb_strip_nulls(jsonb_build_object(
            'fallback_rate', v_before.baseline_fallback_rate, 'error_rate', v_before.baseline_error_rate,
            'duplicate_rate', v_before.baseline_duplicate_rate, 'latency_p95', v_before.baseline_latency_p95,
            'accepted_from', v_before.accepted_from, 'accepted_by', v_before.accepted_by))), p_at);
    PERFORM monitoring_bump_data_version();
    PERFORM update_baseline(v_name, v_days, p_at);
    RETURN QUERY SELECT * FROM monitoring_baseline WHERE baseline_name = v_name;
END
$$;
COMMENT ON FUNCTION monitoring_accept_baseline(text, text, text, text, timestamptz, timestamptz) IS
    'A person says that what has been measured since p_from (a whole UTC hour of the last 28 days; null: the present one) is the '
    'normal now; returns the baseline. A name that is null or the default is the one in the settings. Nothing before p_from counts '
    'any more. Evaluations have nothing to compare with (not_armed) until a UTC midnight that has at least 20 of the new hours '
    'before it. Live alerts of what is compared with this baseline end, with the person as their actor. An argument that cannot be: SQLSTATE TMARG.';
