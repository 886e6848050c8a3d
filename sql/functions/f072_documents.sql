-- Alerts as JSON for programs: the fields of the monitor API, keys in alphabetical order, null where there is no value, times as
-- RFC 3339 in UTC to the millisecond. Whoever passes an alert on takes this text as it is.

CREATE OR REPLACE FUNCTION monitoring_json_time(p_at timestamptz)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
AS $function$
    SELECT replace(to_char(p_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), '.000Z', 'Z')
$function$;
COMMENT ON FUNCTION monitoring_json_time(timestamptz) IS
    'A moment as JSON documents write it: 2026-02-21T10:00:02.431Z, without a fraction where it has none.';

CREATE OR REPLACE FUNCTION monitoring_json_number(p_value numeric)
RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $function$
    SELECT CASE WHEN abs(p_value) < 'Infinity' THEN trim_scale(p_value) END
$function$;
COMMENT ON FUNCTION monitoring_json_number(numeric) IS
    'A number as JSON documents write it, without trailing zeros; null for what JSON has not: NaN and the infinities.';

-- One expression over columns, without a FROM of its own: the planner writes it into the statement that calls it.
CREATE OR REPLACE FUNCTION monitoring_alert_document(p_alert monitoring_alerts)
RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE
AS $function$
    SELECT json_build_object(
        'acknowledged_at', monitoring_json_time(p_alert.acknowledged_at),
        'acknowledged_by', p_alert.acknowledged_by,
        'affected_agent', p_alert.affected_agent,
        'affected_backend', p_alert.affected_backend,
        'affected_model', p_alert.affected_model,
        'affected_version', p_alert.affected_version,
        'alert_type', p_alert.alert_type,
        'annotations', p_alert.annotations,
        'baseline_value', monitoring_json_number(p_alert.baseline_value),
        'comparison_window_days', p_alert.comparison_window_days,
        'context_data', p_alert.context_data,
        'created_at', monitoring_json_time(p_alert.created_at),
        'current_value', monitoring_json_number(p_alert.current_value),
        'deviation_ratio', monitoring_json_number(p_alert.deviation_ratio),
        'fingerprint', p_alert.fingerprint,
        'generator_url', p_alert.generator_url,
        'id', p_alert.id,
        'labels', p_alert.labels,
        'metric_date', p_alert.metric_date,
        'metric_hour', p_alert.metric_hour,
        'metric_name', p_alert.metric_name,
        'notification_channels', p_alert.notification_channels,
        'notified', p_alert.notified,
        'notified_at', monitoring_json_time(p_alert.notified_at),
        'opened_at', monitoring_json_time(p_alert.opened_at),
        'origin', p_alert.origin,
        'peak_severity', p_alert.peak_severity,
        'related_events', p_alert.related_events,
        'resolution_note', p_alert.resolution_note,
        'resolved_at', monitoring_json_time(p_alert.resolved_at),
        'resolved_by', p_alert.resolved_by,
        'severity', p_alert.severity,
        'slice_dimension', p_alert.slice_dimension,
        'slice_value', p_alert.slice_value,
        'snoozed_until', monitoring_json_time(p_alert.snoozed_until),
        'status', p_alert.status,
        'summary', p_alert.summary,
        'threshold_high', monitoring_json_number(p_alert.threshold_high),
        'threshold_low', monitoring_json_number(p_alert.threshold_low),
        'threshold_medium', monitoring_json_number(p_alert.threshold_medium),
        'updated_at', monitoring_json_time(p_alert.updated_at))
$function$;
COMMENT ON FUNCTION monitoring_alert_document(monitoring_alerts) IS
    'An alert as the monitor API shows it.';

CREATE OR REPLACE FUNCTION monitoring_transition_document(p_transition monitoring_alert_transitions)
RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE
AS $function$
    SELECT json_build_object(
        'actor', p_transition.actor,
        'credential', p_transition.credential,
        'evidence', p_transition.evidence,
        'from_severity', p_transition.from_severity,
        'from_status', p_transition.from_status,
        'note', p_transition.note,
        'occurred_at', monitoring_json_time(p_transition.occurred_at),
        'sequence', p_transition.sequence,
        'to_severity', p_transition.to_severity,
        'to_status', p_transition.to_status,
        'transition', p_transition.transition)
$function$;
COMMENT ON FUNCTION monitoring_transition_document(monitoring_alert_transitions) IS
    'A step in an alert''s life as the monitor API shows it.';
