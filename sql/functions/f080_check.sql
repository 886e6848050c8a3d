-- The check that pg_cron and the worker call.

CREATE OR REPLACE FUNCTION monitoring_is_present(p_at timestamptz, p_now timestamptz DEFAULT now()) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
BEGIN
    IF p_at > p_now + interval '10 minutes' THEN        -- applied, it would stop every evaluation until it has come
        RAISE EXCEPTION 'p_at: a moment to check must not lie in the future' USING ERRCODE = 'TMARG';
    END IF;
    RETURN p_at > p_now - interval '10 minutes';
END
$$;
COMMENT ON FUNCTION monitoring_is_present(timestamptz, timestamptz) IS
    'Whether a moment is the present, in which alerts are opened and closed: less than ten minutes, two buckets of the roll-up, '
    'ago. What is longer ago is only reported on. More than ten minutes ahead is an error (SQLSTATE TMARG).';

CREATE OR REPLACE FUNCTION check_drift_and_alert(
    p_baseline_name text DEFAULT '7day_rolling', p_threshold_low numeric DEFAULT NULL, p_threshold_medium numeric DEFAULT NULL,
    p_threshold_high numeric DEFAULT NULL, p_at timestamptz DEFAULT now())
RETURNS TABLE (alerts_created integer, alert_ids uuid[])
LANGUAGE plpgsql
AS $$
#variable_conflict use_column
DECLARE
    v_settings CONSTANT jsonb := monitoring_effective_settings();
    v_given    jsonb := '{}';                           -- what overrules them
    v_days     integer;
BEGIN
    IF NOT monitoring_is_present(p_at) THEN             -- the past is computed and reported; it opens nothing and tells nobody
        RETURN QUERY SELECT 0, '{}'::uuid[];
        RETURN;
    END IF;
    IF p_baseline_name NOT IN ('7day_rolling', v_settings -> 'baseline' ->> 'name') THEN
        SELECT baseline_window_days INTO v_days FROM monitoring_baseline WHERE baseline_name = p_baseline_name;
        v_given := jsonb_build_object('baseline', jsonb_strip_nulls(
            jsonb_build_object('name', p_baseline_name, 'window_days', v_days)));
    END IF;
    v_given := v_given || jsonb_build_object('thresholds', jsonb_strip_nulls(jsonb_build_object(
        'low', p_threshold_low, 'medium', p_threshold_medium, 'high', p_threshold_high,
        'critical', greatest(p_threshold_high, CASE WHEN p_threshold_high IS NOT NULL
            THEN (v_settings -> 'thresholds' ->> 'critical')::numeric END))));
    RETURN QUERY
        SELECT count(*)::integer, coalesce(array_agg(applied.alert_id ORDER BY applied.alert_id), '{}')
        FROM monitoring_apply_evaluation(p_at, v_given) applied
        WHERE applied.transition IN ('opened', 'reopened');
END
$$;
COMMENT ON FUNCTION check_drift_and_alert(text, numeric, numeric, numeric, timestamptz) IS
    'Evaluates the moment and steps every alert; how many were opened or reopened, and which. A baseline''s name that is null or '
    'the default, a threshold that is null, and everything else, is as the settings say; a threshold that is given holds for every metric but model_mix and total_events, whose ratios are of another kind. A moment ten minutes ago opens nothing; one more than ten minutes ahead is '
    'an error (SQLSTATE TMARG).';
