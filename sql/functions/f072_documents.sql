-- Alerts as JSON for programs: the fields of the monitor API, keys in alphabetical order, null where there is no value, times as
-- RFC 3339 in UTC to the millisecond. Whoever passes an alert on takes this text as it is.

CREATE OR REPLACE FUNCTION monitoring_json_time(p_at timestamptz)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
AS $function$
    SELECT replace(to_char((p_at + interval '500 microseconds') AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), '.000Z', 'Z')
$function$;
COMMENT ON FUNCTION monitoring_json_time(timestamptz) IS
    'A moment as JSON documents write it: 2026-02-21T10:00:02.431Z, to the nearest millisecond, without a fraction where it has none.';

CREATE OR REPLACE FUNCTION monitoring_json_number(p_value numeric)
RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $function$
    SELECT CASE WHEN abs(p_value) < 'Infinity' THEN trim_scale(p_value) END
$function$;
COMMENT ON FUNCTION monitoring_json_number(numeric) IS
    'A number as JSON documents write it, without trailing zeros; null for what JSON has not: NaN and the infinities.';

CREATE OR REPLACE FUNCTION monitoring_json_text(p_value text)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
AS $function$
    SELECT coalesce(to_json(p_value)::text, 'null')
$function$;
COMMENT ON FUNCTION monitoring_json_text(text) IS 'A text as a JSON document writes it, quoted and escaped.';

CREATE OR REPLACE FUNCTION monitoring_json_word(p_value text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $function$
    SELECT coalesce('"' || p_value || '"', 'null')
$function$;
COMMENT ON FUNCTION monitoring_json_word(text) IS
    'A text in which nothing can be to escape, as a JSON document writes it: a moment, or a word that a check of its column allows.';

-- One expression over columns, without a FROM of its own: the planner writes it into the statement that calls it. Put together from texts,
-- which takes half the time of json_build_object; it has room for a hundred arguments, hence the two.
CREATE OR REPLACE FUNCTION monitoring_alert_document(p_alert monitoring_alerts)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
AS $function$
    SELECT concat(
        '{"acknowledged_at":', monitoring_json_word(monitoring_json_time(p_alert.acknowledged_at)),
        ',"acknowledged_by":', monitoring_json_text(p_alert.acknowledged_by),
        ',"affected_agent":', monitoring_json_text(p_alert.affected_agent),
        ',"affected_backend":', monitoring_json_text(p_alert.affected_backend),
        ',"affected_model":', monitoring_json_text(p_alert.affected_model),
        ',"affected_version":', monitoring_json_text(p_alert.affected_version),
        ',"alert_type":', monitoring_json_word(p_alert.alert_type),
        ',"annotations":', coalesce(p_alert.annotations::text, 'null'),
        ',"baseline_value":', coalesce(monitoring_json_number(p_alert.baseline_value)::text, 'null'),
        ',"comparison_window_days":', coalesce(p_alert.comparison_window_days::text, 'null'),
        ',"context_data":', coalesce(p_alert.context_data::text, 'null'),
        ',"created_at":', monitoring_json_word(monitoring_json_time(p_alert.created_at)),
        ',"current_value":', coalesce(monitoring_json_number(p_alert.current_value)::text, 'null'),
        ',"deviation_ratio":', coalesce(monitoring_json_number(p_alert.deviation_ratio)::text, 'null'),
        ',"fingerprint":', monitoring_json_text(p_alert.fingerprint),
        ',"generator_url":', monitoring_json_text(p_alert.generator_url),
        ',"id":', monitoring_json_word(p_alert.id::text),
        ',"labels":', coalesce(p_alert.labels::text, 'null'),
        ',"metric_date":', to_json(p_alert.metric_date),
        ',"metric_hour":', coalesce(p_alert.metric_hour::text, 'null')) || concat(
        ',"metric_name":', monitoring_json_text(p_alert.metric_name),
        ',"notification_channels":', to_json(p_alert.notification_channels),
        ',"notified":', p_alert.notified::text,
        ',"notified_at":', monitoring_json_word(monitoring_json_time(p_alert.notified_at)),
        ',"opened_at":', monitoring_json_word(monitoring_json_time(p_alert.opened_at)),
        ',"origin":', monitoring_json_text(p_alert.origin),
        ',"peak_severity":', monitoring_json_word(p_alert.peak_severity),
        ',"related_events":', to_json(p_alert.related_events),
        ',"resolution_note":', monitoring_json_text(p_alert.resolution_note),
        ',"resolved_at":', monitoring_json_word(monitoring_json_time(p_alert.resolved_at)),
        ',"resolved_by":', monitoring_json_text(p_alert.resolved_by),
        ',"severity":', monitoring_json_word(p_alert.severity),
        ',"slice_dimension":', monitoring_json_word(p_alert.slice_dimension),
        ',"slice_value":', monitoring_json_text(p_alert.slice_value),
        ',"snoozed_until":', monitoring_json_word(monitoring_json_time(p_alert.snoozed_until)),
        ',"status":', monitoring_json_word(p_alert.status),
        ',"summary":', monitoring_json_text(p_alert.summary),
        ',"threshold_high":', coalesce(monitoring_json_number(p_alert.threshold_high)::text, 'null'),
        ',"threshold_low":', coalesce(monitoring_json_number(p_alert.threshold_low)::text, 'null'),
        ',"threshold_medium":', coalesce(monitoring_json_number(p_alert.threshold_medium)::text, 'null'),
        ',"updated_at":', monitoring_json_word(monitoring_json_time(p_alert.updated_at)),
        '}')
$function$;
COMMENT ON FUNCTION monitoring_alert_document(monitoring_alerts) IS
    'An alert as the monitor API shows it, a JSON object.';

CREATE OR REPLACE FUNCTION monitoring_transition_document(p_transition monitoring_alert_transitions)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
AS $function$
    SELECT concat(
        '{"actor":', monitoring_json_text(p_transition.actor),
        ',"credential":', monitoring_json_text(p_transition.credential),
        ',"evidence":', coalesce(p_transition.evidence::text, 'null'),
        ',"from_severity":', monitoring_json_text(p_transition.from_severity),
        ',"from_status":', monitoring_json_text(p_transition.from_status),
        ',"note":', monitoring_json_text(p_transition.note),
        ',"occurred_at":', monitoring_json_word(monitoring_json_time(p_transition.occurred_at)),
        ',"sequence":', p_transition.sequence,
        ',"to_severity":', monitoring_json_text(p_transition.to_severity),
        ',"to_status":', monitoring_json_text(p_transition.to_status),
        ',"transition":', monitoring_json_word(p_transition.transition),
        '}')
$function$;
COMMENT ON FUNCTION monitoring_transition_document(monitoring_alert_transitions) IS
    'A step in an alert''s life as the monitor API shows it, a JSON object.';
