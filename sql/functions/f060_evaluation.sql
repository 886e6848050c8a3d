-- Evaluation: what every metric looks like in every window that ends at a moment. Reads only; any moment can be asked for.

CREATE OR REPLACE FUNCTION monitoring_places(p_metric_name text) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT CASE WHEN p_metric_name IN ('latency_p95', 'health_score', 'total_events') THEN 2 ELSE 6 END
$$;
COMMENT ON FUNCTION monitoring_places(text) IS 'To how many decimals a metric''s values are given: shares to six, milliseconds, points and events to two.';

CREATE OR REPLACE FUNCTION monitoring_time_text(p_at timestamptz) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT to_char(p_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
$$;
COMMENT ON FUNCTION monitoring_time_text(timestamptz) IS 'A moment as RFC 3339 in UTC, to the second.';

CREATE OR REPLACE FUNCTION monitoring_judgements(p_moments timestamptz[], p_settings jsonb, p_complete boolean, p_hourly timestamptz[])
RETURNS TABLE (at timestamptz, judgement monitoring_judgement)
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT * FROM monitoring_judge_rates(p_moments, p_settings, p_complete, 0);
    RETURN QUERY SELECT * FROM monitoring_judge_traffic(p_moments, p_settings, p_complete);
    RETURN QUERY SELECT * FROM monitoring_judge_mix(p_moments, p_settings, p_complete, p_hourly);
    RETURN QUERY SELECT * FROM monitoring_judge_slices(p_moments, p_settings, p_complete, p_hourly);
    IF cardinality(p_hourly) > 0 THEN
        RETURN QUERY
            SELECT moment, drift.judgement
            FROM monitoring_judge_rates(
                ARRAY(SELECT DISTINCT date_trunc('hour', moment, 'UTC') FROM unnest(p_hourly) moment), p_settings, p_complete, 7) drift
            JOIN unnest(p_hourly) moment ON date_trunc('hour', moment, 'UTC') = drift.at;
    END IF;
END
$$;
COMMENT ON FUNCTION monitoring_judgements(timestamptz[], jsonb, boolean, timestamptz[]) IS
    'Everything that is judged at moments of one UTC day, on the alerts as they stand at the first. At those in p_hourly also what '
    'changes with whole hours only, as of the last full hour: slow drift (against the baseline of a week before), and the longer '
    'windows of slices and of the mix of models.';

CREATE OR REPLACE FUNCTION monitoring_evaluate_windows(
    p_moments timestamptz[], p_settings jsonb, p_complete boolean, p_hourly timestamptz[])
RETURNS TABLE (at timestamptz, metric_name text, alert_type text, slice_dimension text, slice_value text, window_seconds integer,
               lag_days integer, starts_at timestamptz, ends_at timestamptz, part text, current_value numeric, baseline_value numeric,
               ratio numeric, total_events bigint, bad_events numeric, expected_events numeric, lower_bound numeric, p_value double precision,
               dispersion numeric, verdict text, would_be text, severity text, calm double precision[], leads boolean,
               threshold_low numeric, threshold_medium numeric, threshold_high numeric, threshold_critical numeric,
               expected double precision, weight double precision, significance double precision, likelihood double precision,
               blamed_dimension text, blamed_value text, evidence jsonb)
LANGUAGE sql STABLE
AS $$
WITH ruled AS (
    SELECT
        moment.at,
        (moment.judgement).*,
        CASE (moment.judgement).rule
            WHEN 'ratio' THEN (moment.judgement).ratio_verdict ELSE (moment.judgement).evidence_verdict END AS verdict,
        CASE (moment.judgement).rule
            WHEN 'ratio' THEN (moment.judgement).evidence_verdict ELSE (moment.judgement).ratio_verdict END AS would_be
    FROM monitoring_judgements(p_moments, p_settings, p_complete, p_hourly) moment
),
severe AS (
    SELECT
        r.*,
        CASE WHEN r.verdict IN ('low', 'medium', 'high', 'critical') THEN r.verdict END AS severity,
        p_complete OR r.verdict IN ('low', 'medium', 'high', 'critical') AS is_shown
    FROM ruled r
)
SELECT
    s.at, s.metric_name, s.alert_type, s.slice_dimension, s.slice_value, s.window_seconds, s.lag_days, s.starts_at, s.ends_at, s.part,
    round(s.current_value::numeric, monitoring_places(s.metric_name)), round(s.baseline_value::numeric, monitoring_places(s.metric_name)),
    round(s.ratio::numeric, 4), s.total::bigint, s.bad::numeric, round(s.expected::numeric, 3), round(s.lower_bound::numeric, 4),
    s.p_value, round(s.dispersion::numeric, 3), s.verdict,
    CASE WHEN s.is_shown THEN s.would_be END,
    s.severity, s.calm,
    s.severity IS NOT NULL AND row_number() OVER (
        PARTITION BY s.at, s.metric_name, s.slice_dimension, s.slice_value
        ORDER BY monitoring_severity_rank(s.severity) DESC, s.lag_days, s.window_seconds) = 1,
    s.threshold_low::numeric, s.threshold_medium::numeric, s.threshold_high::numeric, s.threshold_critical::numeric,
    s.expected, s.weight, s.significance, s.likelihood, s.blamed_dimension, s.blamed_value,
    CASE WHEN s.is_shown THEN jsonb_strip_nulls(jsonb_build_object(
        'rule', s.rule,
        'dimension', s.slice_dimension,
        'value', s.slice_value,
        'window_seconds', s.window_seconds,
        'window_start', monitoring_time_text(s.starts_at),
        'window_end', monitoring_time_text(s.ends_at),
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
        'significance', s.significance,
        'would_be', s.would_be,
        'lag_days', nullif(s.lag_days, 0),
        'baseline_name', p_settings -> 'baseline' ->> 'name',
        'baseline_start', monitoring_time_text(s.baseline_from),
        'baseline_end', monitoring_time_text(s.baseline_until)) || coalesce(s.detail, '{}')) END
FROM severe s
$$;
COMMENT ON FUNCTION monitoring_evaluate_windows(timestamptz[], jsonb, boolean, timestamptz[]) IS
    'Everything that is judged at moments of one UTC day (ends of steps, see monitoring_evaluated_moment) by the rule that its '
    'settings choose; leads: the window that an alert would show, the shortest of the most severe. Settings are effective ones. Not '
    'complete: figures that no verdict hangs on are left null.';

CREATE OR REPLACE FUNCTION monitoring_evaluate(p_at timestamptz DEFAULT now(), p_settings jsonb DEFAULT NULL)
RETURNS TABLE (metric_name text, alert_type text, window_seconds integer, current_value numeric, baseline_value numeric,
               ratio numeric, total_events bigint, bad_events numeric, expected_events numeric, lower_bound numeric,
               p_value double precision, dispersion numeric, verdict text, would_be text, severity text, affected_model text,
               affected_backend text, affected_agent text, affected_version text, evidence jsonb, slice_dimension text,
               slice_value text)
LANGUAGE plpgsql STABLE
SET jit = off
SET plan_cache_mode = force_generic_plan           -- planning the judging anew would cost as much as the judging
AS $$
#variable_conflict use_column
DECLARE
    v_settings CONSTANT jsonb := monitoring_effective_settings(p_settings);
    v_moments  timestamptz[];
BEGIN
    IF NOT coalesce(isfinite(p_at), false) THEN
        RAISE EXCEPTION 'p_at: a moment to evaluate is a time' USING ERRCODE = 'TMARG';
    END IF;
    PERFORM monitoring_check_settings(v_settings);
    v_moments := ARRAY[monitoring_evaluated_moment(p_at, v_settings)];
    RETURN QUERY
        WITH judged AS MATERIALIZED (
            SELECT * FROM monitoring_evaluate_windows(v_moments, v_settings, true, v_moments)
        ),
        blamed AS MATERIALIZED (                        -- for a metric that fires, by its leading window
            SELECT j.metric_name, j.slice_dimension, j.slice_value, a.dimension, a.value
            FROM judged j
            CROSS JOIN LATERAL (
                SELECT j.blamed_dimension AS dimension, j.blamed_value AS value
                WHERE j.blamed_dimension IS NOT NULL
                UNION ALL
                SELECT a.dimension, a.value
                FROM monitoring_attribution(
                    CASE WHEN j.blamed_dimension IS NULL THEN j.part END, j.starts_at, j.ends_at, v_settings -> 'baseline' ->> 'name',
                    (v_settings -> 'baseline' ->> 'window_days')::integer) a
                WHERE a.blamed
            ) a
            WHERE j.leads
        )
        SELECT
            j.metric_name, j.alert_type, j.window_seconds, j.current_value, j.baseline_value, j.ratio, j.total_events, j.bad_events,
            j.expected_events, j.lower_bound, j.p_value, j.dispersion, j.verdict, j.would_be, j.severity,
            CASE WHEN b.dimension = 'model' THEN b.value END,
            CASE WHEN b.dimension = 'backend' THEN b.value END,
            CASE WHEN b.dimension = 'agent' THEN b.value END,
            CASE WHEN b.dimension = 'version' THEN b.value END,
            j.evidence, j.slice_dimension, j.slice_value
        FROM judged j
        LEFT JOIN blamed b
            ON b.metric_name = j.metric_name AND b.slice_dimension IS NOT DISTINCT FROM j.slice_dimension
            AND b.slice_value IS NOT DISTINCT FROM j.slice_value AND j.severity IS NOT NULL
        ORDER BY j.slice_dimension NULLS FIRST, j.slice_value, j.alert_type, j.lag_days, j.window_seconds;
END
$$;
COMMENT ON FUNCTION monitoring_evaluate(timestamptz, jsonb) IS
    'What every metric looks like in every window that ends at a moment (at its last full five minutes), and those slices that stand out. '
    'p_settings are laid over those in force. verdict: no_data, not_armed, too_few, within_noise, below_threshold, or the severity '
    'at which it fires; would_be: what the other rule says. lower_bound is of the ratio. Changes nothing.';
