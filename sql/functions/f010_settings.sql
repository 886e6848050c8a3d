-- Settings: what detection goes by. serve writes them, SQL reads them, a function's argument overrules both.

CREATE OR REPLACE FUNCTION monitoring_default_settings() RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT '{
    "rule": "evidence",
    "windows_seconds": [3600, 21600, 86400, 259200],
    "step_seconds": 300,
    "baseline": {"name": "7day_rolling", "window_days": 7},
    "thresholds": {"low": 1.5, "medium": 2.0, "high": 3.0, "critical": 3.0},
    "significance": 1e-5,
    "least_bad_events": 5,
    "least_events": 20,
    "critical_after_seconds": 1800,
    "resolve_after_seconds": 3600,
    "reopen_within_seconds": 86400,
    "health": {"warning": 70, "critical": 50},
    "slices": {"enabled": true, "least_events": 50},
    "metrics": {"latency_p95": {"thresholds": {"low": 1.3}}}
}'::jsonb
$$;
COMMENT ON FUNCTION monitoring_default_settings() IS
    'The settings without any configuration. significance is the level of one test of the evidence rule where 50 bad events are '
    'usual in a day (monitoring_level), which needs least_bad_events; least_events is the smallest sample of the ratio rule. step_seconds under 300 looks into the five minutes '
    'that are under way (a demonstration cannot wait for them); what was seen then cannot be evaluated again later.';

CREATE OR REPLACE FUNCTION monitoring_overlay(p_base jsonb, p_over jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
    v_result jsonb := p_base;
    v_key    text;
    v_value  jsonb;
BEGIN
    IF jsonb_typeof(p_over) IS DISTINCT FROM 'object' OR jsonb_typeof(p_base) IS DISTINCT FROM 'object' THEN
        RETURN coalesce(p_over, p_base);
    END IF;
    FOR v_key, v_value IN SELECT key, value FROM jsonb_each(p_over) LOOP
        v_result := jsonb_set(v_result, ARRAY[v_key], monitoring_overlay(p_base -> v_key, v_value));
    END LOOP;
    RETURN v_result;
END
$$;
COMMENT ON FUNCTION monitoring_overlay(jsonb, jsonb) IS
    'p_base with the keys of p_over laid over it, objects key by key, everything else whole.';

CREATE OR REPLACE FUNCTION monitoring_defaults_for(p_settings jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT jsonb_set(
    defaults, '{metrics,latency_p95,thresholds,low}',
    CASE WHEN jsonb_typeof(p_settings #> '{thresholds,medium}') = 'number'
        THEN least(defaults #> '{metrics,latency_p95,thresholds,low}', p_settings #> '{thresholds,medium}')
        ELSE defaults #> '{metrics,latency_p95,thresholds,low}'
    END)
FROM monitoring_default_settings() AS defaults
$$;
COMMENT ON FUNCTION monitoring_defaults_for(jsonb) IS
    'The defaults under some settings: where low is left out for latency, it is no higher than their medium.';

CREATE OR REPLACE FUNCTION monitoring_without_metric_thresholds(p_settings jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT p_settings || jsonb_build_object('metrics', coalesce(jsonb_object_agg(key, value - 'thresholds'), '{}'))
FROM jsonb_each(p_settings -> 'metrics')
$$;
COMMENT ON FUNCTION monitoring_without_metric_thresholds(jsonb) IS
    'Settings in which no metric has thresholds of its own but those that it is known with.';

CREATE OR REPLACE FUNCTION monitoring_effective_settings(p_override jsonb DEFAULT NULL) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
SELECT monitoring_overlay(
    CASE WHEN p_override -> 'thresholds' <> '{}' THEN monitoring_without_metric_thresholds(written.settings) ELSE written.settings END,
    p_override)
FROM (
    SELECT monitoring_overlay(monitoring_defaults_for(newest.settings), newest.settings) AS settings
    FROM (SELECT (SELECT settings FROM monitoring_settings ORDER BY version DESC LIMIT 1) AS settings) AS newest
) AS written
$$;
COMMENT ON FUNCTION monitoring_effective_settings(jsonb) IS
    'The defaults, overlaid by the newest row of monitoring_settings, overlaid by the argument. Thresholds in the argument overrule '
    'those that single metrics have in the row.';

-- f095_security.sql lets it run with its owner's rights: who reads the status view may not read the settings.
CREATE OR REPLACE FUNCTION monitoring_baseline_name() RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
SELECT monitoring_effective_settings() -> 'baseline' ->> 'name'
$$;
COMMENT ON FUNCTION monitoring_baseline_name() IS 'The name of the baseline that the settings in force compare with.';

CREATE OR REPLACE FUNCTION monitoring_known_metrics()
RETURNS TABLE (metric_name text, alert_type text, floor double precision, thresholds jsonb)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
VALUES
    ('fallback_rate',  'fallback_spike',  0.01::double precision, NULL::jsonb),
    ('error_rate',     'error_spike',     0.005,                  NULL),
    ('duplicate_rate', 'duplicate_spike', 0.01,                   NULL),
    ('latency_p95',    'latency_spike',   0.01,                   NULL),
    ('health_score',   'health_decline',  0,                      NULL),
    ('model_mix',      'model_drift',     0.2,                    '{"low": 1, "medium": 2, "high": 4, "critical": 1000000}'),
    ('total_events',   'traffic_drop',    0,                      '{"low": 2, "medium": 3, "high": 5, "critical": 5}')
$$;
COMMENT ON FUNCTION monitoring_known_metrics() IS
    'The metrics that are evaluated and the type of their alerts. floor: the rate below which a baseline counts as that rate '
    '(for latency: of events above the baseline''s p95; for the mix: the least population stability index that matters; the '
    'others have none). thresholds: of its own where the ratio is none of rates, so that the general thresholds say nothing of it.';

-- Checks: one message a fault, naming the key as the configuration does.

CREATE OR REPLACE FUNCTION monitoring_settings_number_fault(
    p_settings jsonb, p_path text[], p_least numeric, p_most numeric, p_prefix text DEFAULT '')
RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
    v_value jsonb := p_settings #> p_path;
BEGIN
    IF v_value IS NULL THEN
        RETURN NULL;
    ELSIF jsonb_typeof(v_value) <> 'number' THEN
        RETURN format('%s%s must be a number, not %s', p_prefix, array_to_string(p_path, '.'), v_value);
    ELSIF v_value::numeric < p_least OR v_value::numeric > p_most THEN
        RETURN format('%s%s must be from %s to %s, not %s', p_prefix, array_to_string(p_path, '.'), p_least, p_most, v_value);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION monitoring_settings_number_fault(jsonb, text[], numeric, numeric, text) IS
    'What is wrong with the number at that path, or null: it may be absent, else it must be a number within the two.';

CREATE OR REPLACE FUNCTION monitoring_settings_key_faults(p_object jsonb, p_path text, p_known text[]) RETURNS SETOF text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
    IF p_object IS NULL THEN
        RETURN;
    ELSIF jsonb_typeof(p_object) <> 'object' THEN
        RETURN NEXT format('%s must be an object, not %s', p_path, p_object);
        RETURN;
    END IF;
    RETURN QUERY
        SELECT format('%s is no key of %s; known are %s', key, p_path, array_to_string(p_known, ', '))
        FROM jsonb_object_keys(p_object) key
        WHERE key <> ALL (p_known)
        ORDER BY key;
END
$$;
COMMENT ON FUNCTION monitoring_settings_key_faults(jsonb, text, text[]) IS 'The keys of an object that nobody knows.';

CREATE OR REPLACE FUNCTION monitoring_settings_threshold_faults(p_thresholds jsonb, p_path text) RETURNS SETOF text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
    v_names CONSTANT text[] := ARRAY['low', 'medium', 'high', 'critical'];
    v_name  text;
    v_fault text;
    v_whole jsonb := monitoring_default_settings() -> 'thresholds';
BEGIN
    RETURN QUERY SELECT * FROM monitoring_settings_key_faults(p_thresholds, p_path, v_names);
    IF jsonb_typeof(p_thresholds) IS DISTINCT FROM 'object' THEN
        RETURN;
    END IF;
    FOREACH v_name IN ARRAY v_names LOOP
        v_fault := monitoring_settings_number_fault(p_thresholds, ARRAY[v_name], 1, 1000000, p_path || '.');
        IF v_fault IS NOT NULL THEN
            RETURN NEXT v_fault;
            RETURN;
        END IF;
    END LOOP;
    v_whole := v_whole || p_thresholds;
    IF NOT (p_thresholds ?& v_names) THEN
        RETURN;                                         -- the rest comes from elsewhere: checked on the effective settings
    END IF;
    IF (v_whole ->> 'low')::numeric > (v_whole ->> 'medium')::numeric
       OR (v_whole ->> 'medium')::numeric > (v_whole ->> 'high')::numeric
       OR (v_whole ->> 'high')::numeric > (v_whole ->> 'critical')::numeric THEN
        RETURN NEXT format('%s must not fall from low to critical: %s', p_path, p_thresholds);
    END IF;
END
$$;
COMMENT ON FUNCTION monitoring_settings_threshold_faults(jsonb, text) IS
    'What is wrong with four thresholds: ratios of at least 1 that do not fall from low to critical.';

CREATE OR REPLACE FUNCTION monitoring_settings_window_faults(p_windows jsonb) RETURNS SETOF text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
    v_window jsonb;
BEGIN
    IF p_windows IS NULL THEN
        RETURN;
    ELSIF jsonb_typeof(p_windows) <> 'array' OR jsonb_array_length(p_windows) NOT BETWEEN 1 AND 8 THEN
        RETURN NEXT format('windows_seconds must be a list of one to eight windows, not %s', p_windows);
        RETURN;
    END IF;
    FOR v_window IN SELECT value FROM jsonb_array_elements(p_windows) LOOP
        IF jsonb_typeof(v_window) <> 'number' OR v_window::text !~ '^[0-9]+$' OR v_window::numeric NOT BETWEEN 300 AND 604800
            OR v_window::numeric % 300 <> 0 THEN
            RETURN NEXT format('windows_seconds must hold whole multiples of 300 from 300 to 604800, not %s', v_window);
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION monitoring_settings_window_faults(jsonb) IS 'What is wrong with the list of windows.';

CREATE OR REPLACE FUNCTION monitoring_settings_metric_faults(p_metrics jsonb) RETURNS SETOF text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
    v_name   text;
    v_metric jsonb;
    v_path   text;
BEGIN
    RETURN QUERY SELECT * FROM monitoring_settings_key_faults(
        p_metrics, 'metrics', (SELECT array_agg(metric_name) FROM monitoring_known_metrics()));
    IF jsonb_typeof(p_metrics) IS DISTINCT FROM 'object' THEN
        RETURN;
    END IF;
    FOR v_name, v_metric IN SELECT key, value FROM jsonb_each(p_metrics) LOOP
        v_path := 'metrics.' || v_name;
        RETURN QUERY SELECT * FROM monitoring_settings_key_faults(v_metric, v_path, ARRAY['enabled', 'rule', 'thresholds', 'floor']);
        RETURN QUERY SELECT * FROM monitoring_settings_threshold_faults(v_metric -> 'thresholds', v_path || '.thresholds');
        IF v_metric ? 'enabled' AND jsonb_typeof(v_metric -> 'enabled') <> 'boolean' THEN
            RETURN NEXT format('%s.enabled must be true or false, not %s', v_path, v_metric -> 'enabled');
        END IF;
        IF v_metric ? 'rule' AND coalesce(v_metric ->> 'rule', '') NOT IN ('evidence', 'ratio') THEN
            RETURN NEXT format('%s.rule must be evidence or ratio, not %s', v_path, v_metric -> 'rule');
        END IF;
        RETURN QUERY
            SELECT fault
            FROM monitoring_settings_number_fault(v_metric, ARRAY['floor'], CASE v_name WHEN 'model_mix' THEN 0.01 ELSE 0 END, 1, v_path || '.') fault
            WHERE fault IS NOT NULL;
    END LOOP;
END
$$;
COMMENT ON FUNCTION monitoring_settings_metric_faults(jsonb) IS 'What is wrong with the settings of single metrics.';

CREATE OR REPLACE FUNCTION monitoring_settings_faults(p_settings jsonb) RETURNS SETOF text
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
BEGIN
    IF p_settings IS NULL OR jsonb_typeof(p_settings) <> 'object' THEN
        RETURN NEXT 'the settings must be an object';
        RETURN;
    END IF;
    RETURN QUERY SELECT * FROM monitoring_settings_key_faults(
        p_settings, 'the settings', (SELECT array_agg(key ORDER BY key) FROM jsonb_object_keys(monitoring_default_settings()) key));
    IF p_settings ? 'rule' AND coalesce(p_settings ->> 'rule', '') NOT IN ('evidence', 'ratio') THEN
        RETURN NEXT format('rule must be evidence or ratio, not %s', p_settings -> 'rule');
    END IF;
    RETURN QUERY SELECT * FROM monitoring_settings_window_faults(p_settings -> 'windows_seconds');
    RETURN QUERY SELECT * FROM monitoring_settings_key_faults(p_settings -> 'baseline', 'baseline', ARRAY['name', 'window_days']);
    IF p_settings -> 'baseline' ? 'name' AND coalesce(p_settings -> 'baseline' ->> 'name', '') = '' THEN
        RETURN NEXT 'baseline.name must not be empty';
    END IF;
    RETURN QUERY SELECT * FROM monitoring_settings_threshold_faults(p_settings -> 'thresholds', 'thresholds');
    IF p_settings -> 'thresholds' ?& ARRAY['low', 'medium', 'high', 'critical'] AND jsonb_typeof(p_settings -> 'metrics') = 'object' THEN
        RETURN QUERY                                    -- a metric's own beside those it is known with, or the general ones
            SELECT format('metrics.%s.thresholds must not fall from low to critical; with those that it leaves out they are %s, %s, %s, %s',
                m.metric_name, m.threshold_low, m.threshold_medium, m.threshold_high, m.threshold_critical)
            FROM monitoring_metric_settings(p_settings) m
            WHERE p_settings -> 'metrics' -> m.metric_name ? 'thresholds'
              AND (m.threshold_low > m.threshold_medium OR m.threshold_medium > m.threshold_high OR m.threshold_high > m.threshold_critical);
    END IF;
    RETURN QUERY SELECT * FROM monitoring_settings_key_faults(p_settings -> 'health', 'health', ARRAY['warning', 'critical']);
    RETURN QUERY SELECT * FROM monitoring_settings_key_faults(p_settings -> 'slices', 'slices', ARRAY['enabled', 'least_events']);
    IF p_settings -> 'slices' ? 'enabled' AND jsonb_typeof(p_settings -> 'slices' -> 'enabled') <> 'boolean' THEN
        RETURN NEXT format('slices.enabled must be true or false, not %s', p_settings -> 'slices' -> 'enabled');
    END IF;
    RETURN QUERY SELECT * FROM monitoring_settings_metric_faults(p_settings -> 'metrics');
    RETURN QUERY
        SELECT fault
        FROM (VALUES
            (ARRAY['baseline', 'window_days'],      1,    90),
            (ARRAY['step_seconds'],                 10,   300),
            (ARRAY['significance'],                 1e-12, 0.05),
            (ARRAY['least_bad_events'],             1,    1000000),
            (ARRAY['least_events'],                 1,    1000000),
            (ARRAY['critical_after_seconds'],       0,    604800),
            (ARRAY['resolve_after_seconds'],        0,    604800),
            (ARRAY['reopen_within_seconds'],        0,    2592000),
            (ARRAY['health', 'warning'],            0,    100),
            (ARRAY['health', 'critical'],           0,    100),
            (ARRAY['slices', 'least_events'],       1,    1000000)) ranges (path, least, most),
            LATERAL monitoring_settings_number_fault(p_settings, path, least, most) fault
        WHERE fault IS NOT NULL;
    RETURN QUERY
        SELECT format('%s must be a whole number, without a point, not %s', array_to_string(path, '.'), p_settings #> path)
        FROM (VALUES (ARRAY['baseline', 'window_days']), (ARRAY['step_seconds'])) AS whole (path)
        WHERE jsonb_typeof(p_settings #> path) = 'number' AND p_settings #>> path !~ '^[0-9]+$';
END
$$;
COMMENT ON FUNCTION monitoring_settings_faults(jsonb) IS
    'What is wrong with settings, a sentence a fault, each naming its key; no row where they are good. Keys may be absent.';

CREATE OR REPLACE FUNCTION monitoring_check_settings(p_settings jsonb) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
DECLARE
    v_fault text;
BEGIN
    SELECT fault INTO v_fault FROM monitoring_settings_faults(p_settings) fault LIMIT 1;
    IF v_fault IS NULL THEN                             -- what was left out must fit what was given
        SELECT fault INTO v_fault
        FROM monitoring_settings_faults(monitoring_overlay(monitoring_defaults_for(p_settings), p_settings)) fault LIMIT 1;
    END IF;
    IF v_fault IS NOT NULL THEN
        RAISE EXCEPTION 'settings: %', v_fault USING ERRCODE = 'TMSET';
    END IF;
    RETURN true;
END
$$;
COMMENT ON FUNCTION monitoring_check_settings(jsonb) IS 'True, or an error (SQLSTATE TMSET) that names the first faulty key.';

CREATE OR REPLACE FUNCTION monitoring_refuse_faulty_settings() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM monitoring_check_settings(NEW.settings);
    PERFORM monitoring_bump_data_version();
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION monitoring_refuse_faulty_settings() IS 'Trigger: nothing faulty gets into monitoring_settings, and what does is seen by the API.';

CREATE OR REPLACE TRIGGER monitoring_settings_checked
    BEFORE INSERT OR UPDATE ON monitoring_settings
    FOR EACH ROW EXECUTE FUNCTION monitoring_refuse_faulty_settings();

CREATE OR REPLACE FUNCTION monitoring_metric_settings(p_settings jsonb)
RETURNS TABLE (metric_name text, alert_type text, enabled boolean, rule text, threshold_low double precision,
               threshold_medium double precision, threshold_high double precision, threshold_critical double precision,
               floor double precision)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT
    known.metric_name,
    known.alert_type,
    coalesce((own.settings ->> 'enabled')::boolean, true),
    coalesce(own.settings ->> 'rule', p_settings ->> 'rule'),
    (own.thresholds ->> 'low')::double precision,
    (own.thresholds ->> 'medium')::double precision,
    (own.thresholds ->> 'high')::double precision,
    (own.thresholds ->> 'critical')::double precision,
    coalesce((own.settings ->> 'floor')::double precision, known.floor)
FROM monitoring_known_metrics() known
CROSS JOIN LATERAL (
    SELECT
        p_settings -> 'metrics' -> known.metric_name AS settings,
        coalesce(known.thresholds, p_settings -> 'thresholds')
            || coalesce(p_settings -> 'metrics' -> known.metric_name -> 'thresholds', '{}') AS thresholds
) own
$$;
COMMENT ON FUNCTION monitoring_metric_settings(jsonb) IS
    'For each metric what effective settings say: its own where it has them, else the general ones, or those that it is known with.';

CREATE OR REPLACE FUNCTION monitoring_severity_rank(p_severity text) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT CASE p_severity WHEN 'low' THEN 1 WHEN 'medium' THEN 2 WHEN 'high' THEN 3 WHEN 'critical' THEN 4 ELSE 0 END
$$;
COMMENT ON FUNCTION monitoring_severity_rank(text) IS 'low 1, medium 2, high 3, critical 4; anything else, null too, 0.';

CREATE OR REPLACE FUNCTION monitoring_bucket(p_at timestamptz) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT date_bin('5 minutes', p_at, '2000-01-01 00:00:00+00')
$$;
COMMENT ON FUNCTION monitoring_bucket(timestamptz) IS 'The start of the five UTC minutes that a moment lies in.';

CREATE OR REPLACE FUNCTION monitoring_evaluated_moment(p_at timestamptz, p_settings jsonb) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT date_bin((p_settings ->> 'step_seconds')::integer * interval '1 second', p_at, '2000-01-01 00:00:00+00')
$$;
COMMENT ON FUNCTION monitoring_evaluated_moment(timestamptz, jsonb) IS
    'The moment an evaluation stands at: the end of the last full five minutes, however often it is asked.';
