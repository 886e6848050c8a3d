-- What people and the console read. The views run with the rights of who asks: a role sees through them what it may see itself.

CREATE OR REPLACE VIEW v_monitoring_current_status WITH (security_invoker = true) AS
SELECT
    today.metric_date,
    today.total_events,
    today.fallback_rate,
    today.error_rate,
    today.duplicate_rate,
    today.latency_p50,
    today.latency_p95,
    today.latency_p99,
    today.health_score,
    baseline.baseline_fallback_rate,
    baseline.baseline_error_rate,
    baseline.baseline_latency_p95,
    round(today.fallback_rate / nullif(baseline.baseline_fallback_rate, 0), 2) AS fallback_vs_baseline,
    round(today.error_rate / nullif(baseline.baseline_error_rate, 0), 2) AS error_vs_baseline,
    round(today.latency_p95 / nullif(baseline.baseline_latency_p95, 0), 2) AS latency_vs_baseline,
    (SELECT count(*) FROM monitoring_alerts AS alert WHERE alert.status = 'open') AS open_alerts
FROM (
    SELECT *
    FROM monitoring_metrics
    WHERE metric_hour IS NULL AND total_events > 0 AND window_start <= now()
    ORDER BY metric_date DESC
    LIMIT 1
) AS today
LEFT JOIN monitoring_baseline AS baseline ON baseline.baseline_name = (SELECT monitoring_baseline_name());
COMMENT ON VIEW v_monitoring_current_status IS
    'The newest day with events beside the baseline that the settings name: one row, none while there are no metrics. '
    'A ratio to a baseline of zero is null.';

CREATE OR REPLACE VIEW v_monitoring_alert_summary WITH (security_invoker = true) AS
SELECT
    metric_date,
    alert_type,
    severity,
    count(*) AS alert_count,
    max(current_value) AS max_current_value,
    max(baseline_value) AS max_baseline_value,
    max(deviation_ratio) AS max_deviation,
    max(created_at) AS latest_alert_at,
    count(*) FILTER (WHERE status = 'open') AS open_count
FROM monitoring_alerts
WHERE metric_date >= (now() AT TIME ZONE 'UTC')::date - 30
GROUP BY metric_date, alert_type, severity
ORDER BY metric_date DESC, alert_type, severity;
COMMENT ON VIEW v_monitoring_alert_summary IS 'The alerts of the last 30 days by UTC date of opening, type and severity.';
