-- The life of an alert: one table of what may happen, one function that lets it happen.

CREATE OR REPLACE FUNCTION monitoring_allowed_transitions()
RETURNS TABLE (action text, actor text, from_status text, to_status text, transition text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
VALUES
    -- action         who           from            to              recorded as (null: it is so already, nothing is recorded)
    ('open',          'evaluation', NULL,           'open',         'opened'),
    ('escalate',      'evaluation', 'open',         'open',         'escalated'),
    ('escalate',      'evaluation', 'acknowledged', 'acknowledged', 'escalated'),
    ('escalate',      'evaluation', 'ignored',      'ignored',      'escalated'),
    ('deescalate',    'evaluation', 'open',         'open',         'deescalated'),
    ('deescalate',    'evaluation', 'acknowledged', 'acknowledged', 'deescalated'),
    ('deescalate',    'evaluation', 'ignored',      'ignored',      'deescalated'),
    ('resolve',       'evaluation', 'open',         'resolved',     'resolved'),
    ('resolve',       'evaluation', 'acknowledged', 'resolved',     'resolved'),
    ('resolve',       'evaluation', 'ignored',      'resolved',     'resolved'),
    ('reopen',        'evaluation', 'resolved',     'open',         'reopened'),
    ('acknowledge',   'person',     'open',         'acknowledged', 'acknowledged'),
    ('acknowledge',   'person',     'acknowledged', 'acknowledged', NULL),
    ('unacknowledge', 'person',     'acknowledged', 'open',         'unacknowledged'),
    ('unacknowledge', 'person',     'open',         'open',         NULL),
    ('resolve',       'person',     'open',         'resolved',     'resolved'),
    ('resolve',       'person',     'acknowledged', 'resolved',     'resolved'),
    ('resolve',       'person',     'ignored',      'resolved',     'resolved'),
    ('resolve',       'person',     'resolved',     'resolved',     NULL),
    ('ignore',        'person',     'open',         'ignored',      'ignored'),
    ('ignore',        'person',     'acknowledged', 'ignored',      'ignored'),
    ('ignore',        'person',     'ignored',      'ignored',      NULL),
    ('snooze',        'person',     'open',         'open',         'snoozed'),
    ('snooze',        'person',     'acknowledged', 'acknowledged', 'snoozed'),
    ('reopen',        'person',     'resolved',     'open',         'reopened'),
    ('reopen',        'person',     'ignored',      'open',         'reopened'),
    ('reopen',        'person',     'open',         'open',         NULL)
$$;
COMMENT ON FUNCTION monitoring_allowed_transitions() IS
    'Everything that may happen to an alert; what is not here is forbidden. Evaluation''s actor is called monitor.';

CREATE OR REPLACE FUNCTION monitoring_lock_fingerprint(p_fingerprint text) RETURNS void
LANGUAGE sql
AS $$
SELECT pg_advisory_xact_lock(hashtextextended('monitoring_alerts ' || p_fingerprint, 0))
$$;
COMMENT ON FUNCTION monitoring_lock_fingerprint(text) IS
    'Held to the end of the transaction: who opens, reopens or resolves an alert of a fingerprint does so alone.';

CREATE OR REPLACE FUNCTION monitoring_transition(
    p_alert_id uuid, p_action text, p_actor_kind text, p_actor text, p_credential text, p_note text, p_severity text,
    p_evidence jsonb, p_at timestamptz, p_until timestamptz DEFAULT NULL, p_clear boolean DEFAULT true)
RETURNS TABLE (outcome text, from_status text, to_status text, transition text)
LANGUAGE plpgsql
AS $$
#variable_conflict use_column
DECLARE
    v_alert    monitoring_alerts;
    v_allowed  record;
    v_from     text;
    v_severity text;
    v_opens    boolean;
BEGIN
    SELECT * INTO v_alert FROM monitoring_alerts WHERE id = p_alert_id FOR UPDATE;
    IF NOT FOUND THEN
        RETURN QUERY SELECT 'not_found', NULL::text, NULL::text, NULL::text;
        RETURN;
    END IF;
    -- An alert that was written a moment ago has no transition yet: it comes from nowhere.
    v_from := CASE WHEN v_alert.sequence > 0 THEN v_alert.status END;
    SELECT * INTO v_allowed
    FROM monitoring_allowed_transitions() t
    WHERE t.action = p_action AND t.actor = p_actor_kind AND t.from_status IS NOT DISTINCT FROM v_from;
    IF NOT FOUND THEN
        RETURN QUERY SELECT 'forbidden', v_alert.status, v_alert.status, NULL::text;
        RETURN;
    END IF;
    IF v_allowed.transition IS NULL OR v_allowed.transition = 'snoozed' AND v_alert.snoozed_until = p_until THEN
        RETURN QUERY SELECT 'unchanged', v_alert.status, v_alert.status, NULL::text;
        RETURN;
    END IF;
    IF p_action = 'reopen' AND v_from = 'resolved' AND EXISTS (
        SELECT FROM monitoring_alerts other WHERE other.fingerprint = v_alert.fingerprint AND other.status <> 'resolved') THEN
        RETURN QUERY SELECT 'forbidden', v_alert.status, v_alert.status, NULL::text;      -- a newer one is live
        RETURN;
    END IF;

    v_severity := coalesce(p_severity, v_alert.severity);
    v_opens := v_allowed.transition IN ('opened', 'reopened');
    UPDATE monitoring_alerts a
    SET status = v_allowed.to_status,
        severity = v_severity,
        peak_severity = CASE
            WHEN monitoring_severity_rank(v_severity) > monitoring_severity_rank(a.peak_severity) THEN v_severity ELSE a.peak_severity
        END,
        sequence = a.sequence + 1,
        acknowledged_at = CASE WHEN v_allowed.transition = 'acknowledged' THEN p_at
                               WHEN v_opens OR v_allowed.transition = 'unacknowledged' THEN NULL ELSE a.acknowledged_at END,
        acknowledged_by = CASE WHEN v_allowed.transition = 'acknowledged' THEN p_actor
                               WHEN v_opens OR v_allowed.transition = 'unacknowledged' THEN NULL ELSE a.acknowledged_by END,
        resolved_at = CASE WHEN v_allowed.transition = 'resolved' THEN p_at WHEN v_opens THEN NULL ELSE a.resolved_at END,
        resolved_by = CASE WHEN v_allowed.transition = 'resolved' AND p_actor_kind = 'person' THEN p_actor
                           WHEN v_opens OR v_allowed.transition = 'resolved' THEN NULL ELSE a.resolved_by END,
        resolution_note = CASE WHEN v_allowed.transition = 'resolved' THEN p_note WHEN v_opens THEN NULL ELSE a.resolution_note END,
        held_severity = CASE WHEN v_allowed.transition = 'resolved' AND NOT p_clear THEN a.severity
                             WHEN v_opens OR v_allowed.transition = 'resolved' THEN NULL ELSE a.held_severity END,
        cleared_at = CASE WHEN v_allowed.transition = 'resolved' AND p_clear THEN p_at ELSE a.cleared_at END,
        live_since = CASE WHEN v_opens THEN p_at ELSE a.live_since END,
        snoozed_until = CASE WHEN v_allowed.transition = 'snoozed' THEN p_until
                             WHEN v_opens OR v_allowed.to_status IN ('resolved', 'ignored') THEN NULL ELSE a.snoozed_until END,
        high_since = CASE WHEN v_allowed.transition IN ('resolved', 'reopened') THEN NULL ELSE a.high_since END,
        lower_since = CASE WHEN v_allowed.transition IN ('resolved', 'reopened', 'deescalated', 'escalated') THEN NULL ELSE a.lower_since END,
        lower_severity = CASE WHEN v_allowed.transition IN ('resolved', 'reopened', 'deescalated', 'escalated') THEN NULL ELSE a.lower_severity END,
        last_evidence_at = CASE WHEN v_opens THEN greatest(a.last_evidence_at, p_at) ELSE a.last_evidence_at END,
        updated_at = now()
    WHERE a.id = p_alert_id;
    INSERT INTO monitoring_alert_transitions
        (alert_id, sequence, transition, from_status, to_status, from_severity, to_severity, actor, credential, note, evidence, occurred_at)
    VALUES (
        p_alert_id, v_alert.sequence + 1, v_allowed.transition, v_from, v_allowed.to_status,
        CASE WHEN v_from IS NOT NULL THEN v_alert.severity END, v_severity, p_actor, p_credential, p_note, coalesce(p_evidence, '{}'), p_at);
    PERFORM monitoring_bump_data_version();
    PERFORM pg_notify('monitoring_transitions', p_alert_id::text);
    RETURN QUERY SELECT 'changed', v_from, v_allowed.to_status, v_allowed.transition;
END
$$;
COMMENT ON FUNCTION monitoring_transition(uuid, text, text, text, text, text, text, jsonb, timestamptz, timestamptz, boolean) IS
    'One step of an alert: the alert''s new state, the row that records it, the data version and a notice, or nothing at all. '
    'p_severity null keeps it; p_until is of a snooze; p_clear false says that an alert resolved by hand still had its condition.';

CREATE OR REPLACE FUNCTION monitoring_act_on_alert(
    p_alert_id uuid, p_action text, p_actor text, p_credential text DEFAULT NULL, p_note text DEFAULT NULL,
    p_until timestamptz DEFAULT NULL, p_at timestamptz DEFAULT now())
RETURNS TABLE (outcome text, from_status text, to_status text)
LANGUAGE plpgsql
AS $$
#variable_conflict use_column
DECLARE
    v_fingerprint text;
    v_is_relayed  boolean;
    v_holds       boolean;
    v_evidence    jsonb;
BEGIN
    IF NOT EXISTS (SELECT FROM monitoring_allowed_transitions() t WHERE t.action = p_action AND t.actor = 'person') THEN
        RAISE EXCEPTION 'p_action: % is nothing a person can do to an alert', coalesce(quote_literal(p_action), 'null')
            USING ERRCODE = 'TMARG';
    ELSIF p_action = 'snooze' AND (p_until IS NULL OR p_until <= p_at OR p_until = 'infinity') THEN
        RAISE EXCEPTION 'p_until: a snooze must end after it begins' USING ERRCODE = 'TMARG';
    ELSIF coalesce(p_actor, '') = '' THEN
        RAISE EXCEPTION 'p_actor: somebody must do it' USING ERRCODE = 'TMARG';
    END IF;
    -- Evaluations, acceptances and people wait for each other here: of fingerprints and the data version, each would hold what
    -- another waits for.
    PERFORM FROM monitoring_evaluation_state FOR UPDATE;
    SELECT fingerprint, origin IS NOT NULL INTO v_fingerprint, v_is_relayed FROM monitoring_alerts WHERE id = p_alert_id;
    IF v_is_relayed THEN
        PERFORM monitoring_lock_relay();
    ELSIF FOUND THEN
        PERFORM monitoring_lock_fingerprint(v_fingerprint);
    END IF;
    -- The condition holds as long as the latest evaluation saw it, or it is not known to be over. Of one from elsewhere that is known
    -- apart from it.
    SELECT a.origin IS NULL AND a.last_evidence_at >= coalesce(nullif(state.applied_at, '-infinity'), a.last_evidence_at),
        jsonb_strip_nulls(jsonb_build_object(
            'current_value', a.current_value, 'baseline_value', a.baseline_value, 'deviation_ratio', a.deviation_ratio))
    INTO v_holds, v_evidence
    FROM monitoring_alerts a, monitoring_evaluation_state state
    WHERE a.id = p_alert_id;
    RETURN QUERY
        SELECT t.outcome, coalesce(t.from_status, t.to_status), t.to_status
        FROM monitoring_transition(
            p_alert_id, p_action, 'person', p_actor, p_credential, p_note, NULL, v_evidence, p_at, p_until, NOT coalesce(v_holds, false)) t;
END
$$;
COMMENT ON FUNCTION monitoring_act_on_alert(uuid, text, text, text, text, timestamptz, timestamptz) IS
    'What a person does to an alert: acknowledge, unacknowledge, resolve, ignore, snooze (until p_until), reopen. outcome: '
    'changed, unchanged (it is so already), forbidden (in this status) or not_found. An argument that cannot be: SQLSTATE TMARG.';

-- Evaluation's side ----------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION monitoring_percent(p_value numeric) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT trim(to_char(p_value * 100, CASE WHEN p_value < 0.001 THEN 'FM999990.000' WHEN p_value < 0.01 THEN 'FM999990.00' ELSE 'FM999990.0' END))
    || ' %'
$$;
COMMENT ON FUNCTION monitoring_percent(numeric) IS 'A share as text: 0.0312 as 3.1 %, small ones with more places.';

CREATE OR REPLACE FUNCTION monitoring_span_text(p_seconds integer) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT CASE
    WHEN p_seconds = 3600 THEN 'hour'
    WHEN p_seconds % 3600 = 0 THEN p_seconds / 3600 || ' hours'
    ELSE p_seconds / 60 || ' minutes'
END
$$;
COMMENT ON FUNCTION monitoring_span_text(integer) IS 'The length of a window as it stands after "the last".';

CREATE OR REPLACE FUNCTION monitoring_count_text(p_count numeric) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT CASE WHEN p_count < 10 THEN trim(to_char(p_count, 'FM999990.0')) ELSE round(p_count)::text END
$$;
COMMENT ON FUNCTION monitoring_count_text(numeric) IS 'An expected number of events as text: small ones with one decimal.';

CREATE OR REPLACE FUNCTION monitoring_metric_title(p_metric_name text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT CASE p_metric_name
    WHEN 'fallback_rate' THEN 'Fallback rate'
    WHEN 'error_rate' THEN 'Error rate'
    WHEN 'duplicate_rate' THEN 'Duplicate rate'
    WHEN 'latency_p95' THEN 'Latency p95'
    WHEN 'health_score' THEN 'Health score'
    WHEN 'model_mix' THEN 'Model mix'
    WHEN 'total_events' THEN 'Traffic'
    ELSE p_metric_name
END
$$;
COMMENT ON FUNCTION monitoring_metric_title(text) IS 'A metric''s name as it stands at the beginning of a sentence.';

CREATE OR REPLACE FUNCTION monitoring_alert_headline(p_metric_name text, p_current numeric, p_baseline numeric, p_ratio numeric, p_evidence jsonb)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT CASE p_metric_name
        WHEN 'latency_p95' THEN format(
            '%s %s ms over the last %s, %sx the expected %s ms', subject, round(p_current), window_text, ratio, round(p_baseline))
        WHEN 'health_score' THEN format(
            '%s %s over the last %s, down from the expected %s', subject, round(p_current, 1), window_text, round(p_baseline, 1))
        WHEN 'model_mix' THEN format(
            '%s moved over the last %s: %s from %s to %s', subject, window_text,
            coalesce('model ' || nullif(p_evidence -> 'risen' ->> 'model', ''), 'events without a model'),
            monitoring_percent((p_evidence -> 'risen' ->> 'baseline_share')::numeric),
            monitoring_percent((p_evidence -> 'risen' ->> 'share')::numeric))
        WHEN 'total_events' THEN format(
            '%s fell to %s events over the last %s; expected %s', subject, round(p_current), window_text,
            monitoring_count_text((p_evidence ->> 'expected_events')::numeric))
        ELSE format(
            '%s %s over the last %s, %sx the expected %s', subject, monitoring_percent(p_current), window_text, ratio,
            monitoring_percent(p_baseline))
    END
    || CASE WHEN p_evidence ? 'lag_days' THEN ', a slow drift from the baseline of a week before' ELSE '' END
FROM (
    SELECT
        monitoring_metric_title(p_metric_name)
            || CASE WHEN p_evidence ? 'dimension' THEN format(' of %s %s', p_evidence ->> 'dimension', p_evidence ->> 'value') ELSE '' END
            AS subject,
        monitoring_span_text((p_evidence ->> 'window_seconds')::integer) AS window_text,
        trim(to_char(p_ratio, 'FM999990.0')) AS ratio
) texts
$$;
COMMENT ON FUNCTION monitoring_alert_headline(text, numeric, numeric, numeric, jsonb) IS
    'What happened and how bad it is, without an end and without the small print.';

CREATE OR REPLACE FUNCTION monitoring_alert_summary(
    p_metric_name text, p_current numeric, p_baseline numeric, p_ratio numeric, p_evidence jsonb, p_affected text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT monitoring_alert_headline(p_metric_name, p_current, p_baseline, p_ratio, p_evidence)
    || CASE p_metric_name
        WHEN 'latency_p95' THEN format(' (%s of %s events above the usual p95; expected %s)', bad, total, expected)
        WHEN 'health_score' THEN format(
            ' (%s of %s events %s; expected %s)', bad, total,
            CASE p_evidence ->> 'counted' WHEN 'unsuccessful_rate' THEN 'not successful' WHEN 'fallback_rate' THEN 'fell back' ELSE 'were retried' END,
            expected)
        WHEN 'model_mix' THEN format(
            ' (of %s events; PSI %s, %sx its threshold %s)', total, round(p_current, 2), trim(to_char(p_ratio, 'FM999990.0')), round(p_baseline, 2))
        WHEN 'total_events' THEN ''
        ELSE format(' (%s of %s events; expected %s)', bad, total, expected)
    END
    || CASE WHEN p_evidence ? 'dimension' OR p_metric_name = 'model_mix' THEN '' ELSE coalesce(', mostly ' || p_affected, '') END || '.'
FROM (
    SELECT
        p_evidence ->> 'bad_events' AS bad,
        p_evidence ->> 'total_events' AS total,
        monitoring_count_text((p_evidence ->> 'expected_events')::numeric) AS expected
) texts
$$;
COMMENT ON FUNCTION monitoring_alert_summary(text, numeric, numeric, numeric, jsonb, text) IS
    'An alert in one sentence, with the figures it rests on.';

CREATE OR REPLACE FUNCTION monitoring_example_events(
    p_part text, p_from timestamptz, p_until timestamptz, p_dimension text, p_value text, p_slow double precision)
RETURNS text[]
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    IF to_regclass('learning_events') IS NULL THEN
        RETURN '{}';
    END IF;
    RETURN coalesce((
        WITH latest AS (                                -- a bounded piece of the window's end, by the index on occurred_at
            SELECT event_id, occurred_at, source_agent, duplicate_count, event_data
            FROM learning_events
            WHERE occurred_at >= p_from AND occurred_at < p_until
            ORDER BY occurred_at DESC
            LIMIT 500
        ),
        said AS (                                       -- as the roll-up reads them, so that the same events count
            SELECT
                latest.event_id, latest.occurred_at, said.reward, said.duration_ms, said.is_fallback,
                said.readable AND latest.duplicate_count > 1 AS is_duplicate,
                CASE p_dimension
                    WHEN 'model' THEN said.model
                    WHEN 'backend' THEN said.backend
                    WHEN 'agent' THEN CASE WHEN said.readable THEN coalesce(monitoring_cut(latest.source_agent), '') ELSE '' END
                    WHEN 'version' THEN said.version
                END AS value
            FROM latest
            CROSS JOIN LATERAL monitoring_extract(latest.event_data) AS said
        ),
        fitting AS (
            SELECT event_id, occurred_at
            FROM said
            WHERE CASE p_part
                    WHEN 'fallback_rate' THEN is_fallback
                    WHEN 'error_rate' THEN reward <= 0.3
                    WHEN 'duplicate_rate' THEN is_duplicate
                    WHEN 'latency_p95' THEN duration_ms > p_slow
                    ELSE NOT coalesce(reward > 0.5, false)
                END
              AND (p_dimension IS NULL OR value = p_value OR p_value = 'other' AND value <> '' AND NOT EXISTS (
                    SELECT FROM monitoring_rollup_values AS kept            -- folded: its day does not keep it apart
                    WHERE kept.day = (said.occurred_at AT TIME ZONE 'UTC')::date AND kept.dimension = p_dimension
                        AND kept.value = said.value))
            ORDER BY occurred_at DESC, event_id
            LIMIT 10
        )
        SELECT array_agg(event_id ORDER BY occurred_at DESC, event_id) FROM fitting), '{}');
END
$$;
COMMENT ON FUNCTION monitoring_example_events(text, timestamptz, timestamptz, text, text, double precision) IS
    'Up to ten event_ids of the kind that an alert counted, from the latest 500 events of its window.';

CREATE OR REPLACE FUNCTION monitoring_show_evidence(p_alert_id uuid, p_row jsonb, p_settings jsonb, p_at timestamptz, p_afresh boolean)
RETURNS void
LANGUAGE plpgsql
SET jit = off
AS $$
DECLARE
    v_alert   monitoring_alerts;
    v_blamed  record;
    v_context jsonb;
    v_causes  jsonb;
    v_from    timestamptz := (p_row ->> 'starts_at')::timestamptz;
BEGIN
    SELECT * INTO v_alert FROM monitoring_alerts WHERE id = p_alert_id;
    -- Who causes it shows best in all of it: from the beginning of the window that first showed it, three days back at most.
    IF v_alert.status <> 'resolved' AND v_alert.live_since < p_at THEN
        v_from := greatest(least(v_from, (v_alert.context_data ->> 'since')::timestamptz), p_at - interval '72 hours');
    END IF;
    v_context := (p_row -> 'evidence') || jsonb_strip_nulls(jsonb_build_object('since', monitoring_time_text(v_from), 'peak_lower_bound', greatest(
        (p_row ->> 'lower_bound')::numeric,
        CASE WHEN v_alert.status <> 'resolved' AND v_alert.live_since < p_at THEN (v_alert.context_data ->> 'peak_lower_bound')::numeric END)));
    -- Who causes it is looked up when something happened, and once an hour; some judgements say it themselves.
    IF p_row ->> 'blamed_dimension' IS NOT NULL THEN
        v_context := v_context || jsonb_build_object('slices', jsonb_build_array(jsonb_strip_nulls(jsonb_build_object(
            'dimension', p_row -> 'blamed_dimension', 'value', p_row -> 'blamed_value', 'bad_events', p_row -> 'bad_events',
            'total_events', p_row -> 'total_events', 'expected_events', p_row -> 'expected_events',
            'blamed', p_row ->> 'blamed_value' IS NOT NULL))));
    ELSIF p_afresh OR v_alert.context_data ->> 'attributed_at' IS NULL
       OR (v_alert.context_data ->> 'attributed_at')::timestamptz <= p_at - interval '1 hour' THEN
        SELECT coalesce(jsonb_agg(jsonb_build_object(
                'dimension', dimension, 'value', value, 'bad_events', bad_events, 'total_events', total_events,
                'expected_events', round(expected_events::numeric, 3), 'excess_share', round(excess_share::numeric, 3),
                'blamed', blamed) ORDER BY likelihood DESC, dimension, value) FILTER (WHERE place <= 5 OR blamed), '[]')
        INTO v_causes
        FROM (
            SELECT *, row_number() OVER (ORDER BY likelihood DESC, dimension, value) AS place
            FROM monitoring_attribution(
                p_row ->> 'part', v_from, (p_row ->> 'ends_at')::timestamptz, p_settings -> 'baseline' ->> 'name',
                (p_settings -> 'baseline' ->> 'window_days')::integer)
        ) a;
        v_context := v_context || jsonb_build_object('attributed_at', monitoring_time_text(p_at), 'slices', v_causes);
    ELSE
        v_context := v_context || jsonb_build_object(
            'attributed_at', v_alert.context_data -> 'attributed_at', 'slices', v_alert.context_data -> 'slices');
    END IF;
    SELECT cause ->> 'dimension' AS dimension, cause ->> 'value' AS value INTO v_blamed
    FROM jsonb_array_elements(v_context -> 'slices') cause
    WHERE (cause ->> 'blamed')::boolean;

    v_context := v_context || jsonb_build_object('headline', monitoring_alert_headline(
        v_alert.metric_name, (p_row ->> 'current_value')::numeric, (p_row ->> 'baseline_value')::numeric, (p_row ->> 'ratio')::numeric, v_context));

    UPDATE monitoring_alerts a
    SET current_value = (p_row ->> 'current_value')::numeric,
        baseline_value = (p_row ->> 'baseline_value')::numeric,
        deviation_ratio = (p_row ->> 'ratio')::numeric,
        threshold_low = (p_row ->> 'threshold_low')::numeric,
        threshold_medium = (p_row ->> 'threshold_medium')::numeric,
        threshold_high = (p_row ->> 'threshold_high')::numeric,
        comparison_window_days = (p_settings -> 'baseline' ->> 'window_days')::integer,
        affected_model = CASE WHEN v_blamed.dimension = 'model' THEN v_blamed.value END,
        affected_backend = CASE WHEN v_blamed.dimension = 'backend' THEN v_blamed.value END,
        affected_agent = CASE WHEN v_blamed.dimension = 'agent' THEN v_blamed.value END,
        affected_version = CASE WHEN v_blamed.dimension = 'version' THEN v_blamed.value END,
        context_data = v_context,
        summary = monitoring_alert_summary(
            a.metric_name, (p_row ->> 'current_value')::numeric, (p_row ->> 'baseline_value')::numeric, (p_row ->> 'ratio')::numeric,
            v_context, v_blamed.dimension || ' ' || v_blamed.value),
        related_events = CASE
            WHEN p_afresh THEN monitoring_example_events(
                p_row ->> 'part', v_from, p_at, v_blamed.dimension, v_blamed.value, (p_row ->> 'baseline_value')::double precision)
            ELSE a.related_events
        END,
        updated_at = now()
    WHERE a.id = p_alert_id AND (p_afresh OR a.context_data <> v_context);
    IF FOUND AND NOT p_afresh THEN
        PERFORM monitoring_bump_data_version();
    END IF;
END
$$;
COMMENT ON FUNCTION monitoring_show_evidence(uuid, jsonb, jsonb, timestamptz, boolean) IS
    'Writes into an alert what its leading window showed (a row of monitoring_evaluate_windows as JSON): figures, sentence, '
    'slices; afresh, after a transition, with examples.';

CREATE OR REPLACE FUNCTION monitoring_calm(p_calm double precision[], p_proven double precision) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT coalesce(p_calm[CASE WHEN p_proven >= 2.5 THEN 3 WHEN p_proven >= 1.5 THEN 2 ELSE 1 END], 0)
$$;
COMMENT ON FUNCTION monitoring_calm(double precision[], double precision) IS
    'The reverse CUSUM against the multiple that fits the ratio an alert has proven: the worse it was, the sooner its end can be told.';

CREATE OR REPLACE FUNCTION monitoring_severity_threshold(p_severity text, p_row jsonb) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT CASE WHEN p_row ->> 'metric_name' <> 'health_score' THEN (p_row ->> ('threshold_' || p_severity))::numeric END
$$;
COMMENT ON FUNCTION monitoring_severity_threshold(text, jsonb) IS
    'The ratio at which a severity begins, of a row of monitoring_evaluate_windows as JSON; null for health, which has no ratios.';

CREATE OR REPLACE FUNCTION monitoring_step_alert(
    p_fingerprint text, p_row jsonb, p_calm double precision[], p_settings jsonb, p_at timestamptz)
RETURNS TABLE (alert_id uuid, transition text, severity text)
LANGUAGE plpgsql
AS $$
#variable_conflict use_column
DECLARE
    v_resolve_after CONSTANT interval := (p_settings ->> 'resolve_after_seconds')::numeric * interval '1 second';
    v_critical      CONSTANT interval := (p_settings ->> 'critical_after_seconds')::numeric * interval '1 second';
    v_longest       CONSTANT interval := (SELECT max(s::numeric) FROM jsonb_array_elements_text(p_settings -> 'windows_seconds') s) * interval '1 second';
    v_calm     double precision;                        -- how strongly the latest stretch speaks for the normal rate
    v_over     boolean := false;
    v_holds    boolean;
    v_seen     text;
    v_alert    monitoring_alerts;
    v_action   text;
    v_note     text;
    v_result   record;
BEGIN
    PERFORM monitoring_lock_fingerprint(p_fingerprint);
    -- The one that is live, even where a person has reopened one that is not the latest.
    SELECT * INTO v_alert FROM monitoring_alerts
    WHERE fingerprint = p_fingerprint ORDER BY status = 'resolved', opened_at DESC, created_at DESC LIMIT 1 FOR UPDATE;
    IF v_alert.status <> 'resolved' OR v_alert.held_severity IS NOT NULL THEN
        v_calm := monitoring_calm(p_calm, (v_alert.context_data ->> 'peak_lower_bound')::double precision);
        v_over := v_calm >= 2.5;                        -- twelve to one
    END IF;
    v_holds := p_row IS NOT NULL AND NOT v_over;
    v_seen := CASE WHEN v_holds THEN p_row ->> 'severity' END;

    IF v_alert.id IS NULL OR v_alert.status = 'resolved' THEN
        IF v_alert.held_severity IS NOT NULL THEN
            IF NOT v_holds AND (v_over OR p_at - v_alert.last_evidence_at >= v_longest) THEN
                UPDATE monitoring_alerts SET held_severity = NULL, cleared_at = p_at WHERE id = v_alert.id;
                RETURN;
            ELSIF monitoring_severity_rank(v_seen) <= monitoring_severity_rank(v_alert.held_severity) THEN
                IF v_holds THEN
                    UPDATE monitoring_alerts SET last_evidence_at = greatest(last_evidence_at, p_at) WHERE id = v_alert.id;
                END IF;
                RETURN;
            END IF;
        END IF;
        IF v_seen IS NULL THEN
            RETURN;
        END IF;
        IF v_alert.id IS NOT NULL AND v_alert.resolved_at >= p_at - (p_settings ->> 'reopen_within_seconds')::numeric * interval '1 second' THEN
            v_action := 'reopen';
        ELSE
            v_action := 'open';
            INSERT INTO monitoring_alerts
                (fingerprint, alert_type, severity, peak_severity, metric_name, slice_dimension, slice_value, metric_date, metric_hour,
                 opened_at, live_since, last_evidence_at)
            VALUES (
                p_fingerprint, p_row ->> 'alert_type', v_seen, v_seen, p_row ->> 'metric_name', p_row ->> 'slice_dimension',
                p_row ->> 'slice_value', (p_at AT TIME ZONE 'UTC')::date,
                CASE WHEN (p_row ->> 'window_seconds')::integer < 86400 THEN extract(hour FROM p_at AT TIME ZONE 'UTC')::integer END,
                p_at, p_at, p_at)
            RETURNING * INTO v_alert;
        END IF;
    END IF;

    -- Since when at the ratio that becomes critical with time.
    IF v_holds AND (p_row ->> 'ratio')::numeric >= monitoring_severity_threshold('critical', p_row) THEN
        v_alert.high_since := CASE WHEN v_action IS NULL THEN coalesce(v_alert.high_since, p_at) ELSE p_at END;
        IF p_at - v_alert.high_since >= v_critical THEN
            v_seen := 'critical';
        END IF;
    ELSE
        v_alert.high_since := NULL;
    END IF;

    IF v_action IS NULL THEN
        IF v_holds THEN
            v_alert.last_evidence_at := greatest(v_alert.last_evidence_at, p_at);
        END IF;
        IF monitoring_severity_rank(v_seen) >= monitoring_severity_rank(v_alert.severity)
           OR v_holds AND (p_row ->> 'ratio')::numeric >= 0.8 * monitoring_severity_threshold(v_alert.severity, p_row) THEN
            v_alert.lower_since := NULL;
            v_alert.lower_severity := NULL;
        ELSIF v_alert.lower_since IS NULL THEN
            v_alert.lower_since := p_at;
            v_alert.lower_severity := v_seen;
        ELSIF monitoring_severity_rank(v_seen) > monitoring_severity_rank(v_alert.lower_severity) THEN
            v_alert.lower_severity := v_seen;
        END IF;
        IF monitoring_severity_rank(v_seen) > monitoring_severity_rank(v_alert.severity) THEN
            v_action := 'escalate';
        ELSIF NOT v_holds AND v_over AND p_at - v_alert.last_evidence_at >= v_resolve_after THEN
            v_action := 'resolve';
            v_note := 'Calm since ' || to_char(v_alert.last_evidence_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI "UTC"') || '.';
        ELSIF NOT v_holds AND p_row IS NULL AND p_at - v_alert.last_evidence_at >= greatest(v_longest, v_resolve_after) THEN
            v_action := 'resolve';
            v_note := 'No evidence since ' || to_char(v_alert.last_evidence_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI "UTC"')
                || '; too few events to tell more.';
        ELSIF v_alert.lower_since IS NOT NULL AND v_seen IS NOT NULL AND p_at - v_alert.lower_since >= v_resolve_after THEN
            v_action := 'deescalate';
            v_seen := v_alert.lower_severity;
        END IF;
        UPDATE monitoring_alerts a
        SET high_since = v_alert.high_since, last_evidence_at = v_alert.last_evidence_at, lower_since = v_alert.lower_since,
            lower_severity = v_alert.lower_severity
        WHERE a.id = v_alert.id
          AND (a.high_since, a.last_evidence_at, a.lower_since, a.lower_severity)
              IS DISTINCT FROM (v_alert.high_since, v_alert.last_evidence_at, v_alert.lower_since, v_alert.lower_severity);
    END IF;

    IF v_holds THEN
        PERFORM monitoring_show_evidence(v_alert.id, p_row, p_settings, p_at, v_action IS NOT NULL);
    END IF;
    IF v_action IS NULL THEN
        RETURN;
    END IF;
    SELECT * INTO v_result
    FROM monitoring_transition(
        v_alert.id, v_action, 'evaluation', 'monitor', NULL, v_note, CASE WHEN v_action <> 'resolve' THEN v_seen END,
        CASE WHEN v_holds THEN (SELECT jsonb_build_object('summary', a.summary) || a.context_data FROM monitoring_alerts a WHERE a.id = v_alert.id)
             ELSE jsonb_strip_nulls(jsonb_build_object('calm', round(v_calm::numeric, 3))) END,
        p_at);
    IF v_result.outcome <> 'changed' THEN
        RAISE EXCEPTION 'evaluation may not % an alert that is %', v_action, v_result.from_status;
    END IF;
    IF v_action IN ('open', 'reopen') THEN
        UPDATE monitoring_alerts SET high_since = v_alert.high_since WHERE id = v_alert.id;
    END IF;
    RETURN QUERY SELECT a.id, v_result.transition, a.severity FROM monitoring_alerts a WHERE a.id = v_alert.id;
END
$$;
COMMENT ON FUNCTION monitoring_step_alert(text, jsonb, double precision[], jsonb, timestamptz) IS
    'One evaluation''s effect on one fingerprint, at most one transition: p_row is the leading window that fires (null: none), '
    'p_calm the evidence that the latest stretch is normal. Evidence of a window counts for nothing where that is 2.5 or more.';

CREATE OR REPLACE FUNCTION monitoring_end_alerts(p_metric_name text, p_slices_only boolean, p_note text, p_clear boolean, p_at timestamptz)
RETURNS TABLE (alert_id uuid, transition text, severity text)
LANGUAGE plpgsql
AS $$
#variable_conflict use_column
DECLARE
    v_alert record;
BEGIN
    -- What a person resolved is held until it is calm, which nobody looks for any more.
    IF p_clear THEN
        UPDATE monitoring_alerts AS a
        SET held_severity = NULL, cleared_at = p_at
        WHERE a.labels IS NULL AND a.metric_name = p_metric_name AND a.status = 'resolved' AND a.held_severity IS NOT NULL
            AND (a.slice_dimension IS NOT NULL OR NOT p_slices_only);
    END IF;
    FOR v_alert IN
        SELECT a.id, a.fingerprint
        FROM monitoring_alerts a
        WHERE a.labels IS NULL AND a.metric_name = p_metric_name AND a.status <> 'resolved' AND (a.slice_dimension IS NOT NULL OR NOT p_slices_only)
        ORDER BY a.fingerprint
    LOOP
        PERFORM monitoring_lock_fingerprint(v_alert.fingerprint);
        RETURN QUERY
            SELECT v_alert.id, t.transition, a.severity
            FROM monitoring_transition(v_alert.id, 'resolve', 'evaluation', 'monitor', NULL, p_note, NULL, NULL, p_at, NULL, p_clear) t
            JOIN monitoring_alerts a ON a.id = v_alert.id
            WHERE t.outcome = 'changed';
    END LOOP;
END
$$;
COMMENT ON FUNCTION monitoring_end_alerts(text, boolean, text, boolean, timestamptz) IS
    'Ends the live alerts of a metric, or those on its slices alone, with a note. p_clear false: their condition may still hold.';

CREATE OR REPLACE FUNCTION monitoring_is_told_by_slice(p_row jsonb, p_settings jsonb) RETURNS boolean
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN EXISTS (
            SELECT FROM monitoring_alerts a
            WHERE a.labels IS NULL AND a.metric_name = p_row ->> 'metric_name' AND a.slice_dimension IS NOT NULL
              AND monitoring_is_told(a.status, a.resolved_by, a.held_severity, p_row ->> 'severity'))
        AND (
            EXISTS (
                SELECT
                FROM monitoring_attribution(
                    p_row ->> 'part', (p_row ->> 'starts_at')::timestamptz, (p_row ->> 'ends_at')::timestamptz,
                    p_settings -> 'baseline' ->> 'name', (p_settings -> 'baseline' ->> 'window_days')::integer) cause
                JOIN monitoring_alerts a
                    ON a.labels IS NULL AND a.metric_name = p_row ->> 'metric_name' AND a.slice_dimension = cause.dimension
                    AND a.slice_value = cause.value
                    AND monitoring_is_told(a.status, a.resolved_by, a.held_severity, p_row ->> 'severity')
                WHERE cause.margin >= 1)
            -- Of latency slices hold whole hours alone: what is left of a shorter window is not known.
            OR p_row ->> 'metric_name' <> 'latency_p95' AND NOT monitoring_slice_stands_alone(p_row, p_settings));
END
$$;
COMMENT ON FUNCTION monitoring_is_told_by_slice(jsonb, jsonb) IS
    'Whether what all events together show (a row of monitoring_evaluate_windows as JSON) is the doing of slices that are told already: '
    'one of them explains it, or without their events nothing is proven.';

CREATE OR REPLACE FUNCTION monitoring_slice_stands_out(p_row jsonb, p_settings jsonb) RETURNS boolean
LANGUAGE sql STABLE
AS $$
SELECT EXISTS (
    SELECT
    FROM monitoring_attribution(
        p_row ->> 'part', (p_row ->> 'starts_at')::timestamptz, (p_row ->> 'ends_at')::timestamptz,
        p_settings -> 'baseline' ->> 'name', (p_settings -> 'baseline' ->> 'window_days')::integer) cause
    WHERE cause.dimension = p_row ->> 'slice_dimension' AND cause.value = p_row ->> 'slice_value' AND cause.margin >= 3)
$$;
COMMENT ON FUNCTION monitoring_slice_stands_out(jsonb, jsonb) IS
    'Whether a slice (a row of monitoring_evaluate_windows as JSON) explains what is seen better by far (a log-likelihood of 3, since '
    'the best of many values looks good by chance) than if all events had got worse alike: where they have, the alert is on all of '
    'them, and only needs a little longer.';

CREATE OR REPLACE FUNCTION monitoring_apply_evaluations(p_moments timestamptz[], p_settings jsonb DEFAULT NULL)
RETURNS TABLE (alert_id uuid, transition text, severity text)
LANGUAGE plpgsql
SET jit = off
SET plan_cache_mode = force_generic_plan           -- planning the judging anew would cost as much as the judging
AS $$
#variable_conflict use_column
DECLARE
    v_started   CONSTANT timestamptz := clock_timestamp();
    v_settings  CONSTANT jsonb := monitoring_effective_settings(p_settings);
    v_applied   timestamptz;
    v_moments   timestamptz[];
    v_hourly    timestamptz[];
    v_changed   timestamptz;                            -- a moment that changed what later ones are judged by
    v_condition record;
    v_live      record;
    v_step      record;
    v_is_broad  boolean;
BEGIN
    IF EXISTS (SELECT FROM unnest(p_moments) moment WHERE NOT coalesce(isfinite(moment), false)) THEN
        RAISE EXCEPTION 'p_at: a moment to evaluate is a time' USING ERRCODE = 'TMARG';
    END IF;
    PERFORM monitoring_check_settings(v_settings);
    SELECT applied_at INTO v_applied FROM monitoring_evaluation_state FOR UPDATE;
    WITH moments AS (
        SELECT DISTINCT monitoring_evaluated_moment(moment, v_settings) AS at FROM unnest(p_moments) moment
    ),
    due AS (                                            -- the past is over: it opens and closes nothing
        SELECT moments.at, lag(moments.at, 1, v_applied) OVER (ORDER BY moments.at) AS previous
        FROM moments
        WHERE moments.at >= v_applied
    )
    SELECT
        array_agg(due.at ORDER BY due.at),
        coalesce(array_agg(due.at ORDER BY due.at) FILTER (WHERE due.previous < date_trunc('hour', due.at, 'UTC')), '{}')
    INTO v_moments, v_hourly
    FROM due
    WHERE (due.at AT TIME ZONE 'UTC')::date = (SELECT min((first.at AT TIME ZONE 'UTC')::date) FROM due first);
    IF v_moments IS NULL THEN
        RETURN;
    END IF;
    PERFORM monitoring_fill_profile(
        v_settings -> 'baseline' ->> 'name', (v_settings -> 'baseline' ->> 'window_days')::integer,
        (v_moments[1] AT TIME ZONE 'UTC')::date - days_before)
    FROM unnest(CASE WHEN cardinality(v_hourly) > 0 THEN '{7,1,0}'::integer[] ELSE '{0}' END) days_before;
    -- What is switched off is watched by nobody: its alert ends.
    RETURN QUERY
        SELECT ended.*
        FROM monitoring_metric_settings(v_settings) s
        CROSS JOIN LATERAL monitoring_end_alerts(s.metric_name, s.enabled, 'No longer evaluated.', true, v_moments[1]) ended
        WHERE NOT s.enabled OR s.rule <> 'evidence' OR NOT (v_settings -> 'slices' ->> 'enabled')::boolean;
    -- All events before the slices: what is told of all is not told of each.
    FOR v_condition IN
        WITH judged AS MATERIALIZED (
            SELECT * FROM monitoring_evaluate_windows(v_moments, v_settings, false, v_hourly)
        ),
        condition AS (
            SELECT
                judged.at, judged.alert_type, judged.metric_name, judged.slice_dimension, judged.slice_value,
                jsonb_agg(to_jsonb(judged)) FILTER (WHERE judged.leads) -> 0 AS lead,
                max(judged.calm) FILTER (WHERE judged.lag_days = 0) AS calm,
                max(judged.calm) FILTER (WHERE judged.lag_days > 0) AS calm_of_drift,
                max(judged.likelihood) FILTER (WHERE judged.severity IS NOT NULL) AS likelihood
            FROM judged
            GROUP BY judged.at, judged.alert_type, judged.metric_name, judged.slice_dimension, judged.slice_value
            UNION ALL
            -- What has an alert, or a hold, and is judged no more: a slice without events, or what no window that is left looks at.
            SELECT moment, a.alert_type, a.metric_name, a.slice_dimension, a.slice_value, NULL, NULL, NULL, NULL
            FROM monitoring_alerts a
            CROSS JOIN unnest(v_hourly) moment
            WHERE a.labels IS NULL AND (a.status <> 'resolved' OR a.held_severity IS NOT NULL) AND NOT EXISTS (
                SELECT FROM judged
                WHERE judged.at = moment AND judged.metric_name = a.metric_name
                  AND judged.slice_dimension IS NOT DISTINCT FROM a.slice_dimension
                  AND judged.slice_value IS NOT DISTINCT FROM a.slice_value)
        )
        SELECT
            condition.*,
            monitoring_fingerprint(condition.alert_type, condition.metric_name, condition.slice_dimension, condition.slice_value) AS fingerprint
        FROM condition
        ORDER BY condition.at, condition.slice_dimension IS NOT NULL, condition.likelihood DESC NULLS LAST, fingerprint
    LOOP
        EXIT WHEN v_condition.at > v_changed;
        v_is_broad := v_condition.slice_dimension IS NULL;
        SELECT
            a.id, a.status, a.held_severity, (a.context_data ->> 'lag_days')::integer AS lag_days,
            a.context_data ? 'lag_days'
                OR (a.slice_dimension IS NOT NULL OR a.metric_name = 'model_mix')
                    AND (a.metric_name = 'latency_p95' OR (a.context_data ->> 'window_seconds')::integer > 7200) AS by_hours
        INTO v_live
        FROM monitoring_alerts a
        WHERE a.fingerprint = v_condition.fingerprint
        ORDER BY a.status = 'resolved', a.opened_at DESC, a.created_at DESC
        LIMIT 1;
        IF v_live.status IS NULL OR v_live.status = 'resolved' AND v_live.held_severity IS NULL THEN
            -- Nothing to go on with, and nothing new; or it is told already.
            CONTINUE WHEN v_condition.lead IS NULL;
            CONTINUE WHEN v_is_broad AND monitoring_is_told_by_slice(v_condition.lead, v_settings);
            CONTINUE WHEN NOT v_is_broad AND (
                EXISTS (
                    SELECT FROM monitoring_alerts a
                    WHERE a.labels IS NULL AND a.metric_name = v_condition.metric_name AND a.slice_dimension IS NULL
                      AND monitoring_is_told(a.status, a.resolved_by, a.held_severity, v_condition.lead ->> 'severity'))
                -- What was found to be over a moment ago is in the window still.
                OR monitoring_last_clearing(v_condition.metric_name, v_condition.at) > (v_condition.lead ->> 'starts_at')::timestamptz
                OR NOT monitoring_slice_stands_out(v_condition.lead, v_settings)
                OR NOT monitoring_slice_stands_alone(v_condition.lead, v_settings));
        ELSIF v_condition.lead IS NULL THEN
            -- What only whole hours showed is looked at with them.
            CONTINUE WHEN v_condition.at <> ALL (v_hourly) AND v_live.by_hours;
        END IF;
        IF coalesce((v_condition.lead ->> 'lag_days')::integer, v_live.lag_days) > 0 THEN
            v_condition.calm := v_condition.calm_of_drift;      -- and not against the one that has drifted along
        END IF;
        FOR v_step IN
            SELECT *
            FROM monitoring_step_alert(v_condition.fingerprint, v_condition.lead, v_condition.calm, v_settings, v_condition.at)
        LOOP
            v_changed := v_condition.at;
            RETURN QUERY SELECT v_step.alert_id, v_step.transition, v_step.severity;
            IF v_is_broad AND v_step.transition IN ('opened', 'reopened') THEN
                RETURN QUERY SELECT * FROM monitoring_end_alerts(
                    v_condition.metric_name, true, 'Part of the alert on all events.', false, v_condition.at);
            END IF;
        END LOOP;
        IF v_live.held_severity IS NOT NULL AND EXISTS (
            SELECT FROM monitoring_alerts a WHERE a.id = v_live.id AND a.held_severity IS DISTINCT FROM v_live.held_severity)
        THEN
            v_changed := v_condition.at;
        END IF;
    END LOOP;
    UPDATE monitoring_evaluation_state
    SET applied_at = coalesce(v_changed, v_moments[cardinality(v_moments)]), last_run_at = v_started,
        last_duration_ms = extract(epoch FROM clock_timestamp() - v_started) * 1000;
END
$$;
COMMENT ON FUNCTION monitoring_apply_evaluations(timestamptz[], jsonb) IS
    'Evaluates moments in their order and takes every alert one step on at each, in one transaction; the transitions that came of it. '
    'Those of the first UTC day alone, and none after one that changed an alert, since the rest is to be judged on that: how far it '
    'came stands in monitoring_evaluation_state.applied_at. Appliers wait for each other. The same moment again changes nothing; a '
    'moment before the latest one does nothing at all. What changes with whole hours only is looked at by the first evaluation after a '
    'full hour. An alert on all events ends those on slices of the same metric, and where a slice that has one explains what all '
    'events show, none is opened on all events.';

CREATE OR REPLACE FUNCTION monitoring_apply_evaluation(p_at timestamptz DEFAULT now(), p_settings jsonb DEFAULT NULL)
RETURNS TABLE (alert_id uuid, transition text, severity text)
LANGUAGE sql
AS $$
SELECT * FROM monitoring_apply_evaluations(ARRAY[p_at], p_settings)
$$;
COMMENT ON FUNCTION monitoring_apply_evaluation(timestamptz, jsonb) IS
    'Evaluates one moment: monitoring_apply_evaluations.';
