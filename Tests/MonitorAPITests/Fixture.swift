/// Rows that the whole answers of the tests follow from.
enum Fixture {
    static let alert = "00000000-0000-4000-8000-000000000001"
    static let resolved = "00000000-0000-4000-8000-000000000002"
    static let hostile = "00000000-0000-4000-8000-000000000003"
    static let absent = "00000000-0000-4000-8000-00000000ffff"

    static let sql = """
        INSERT INTO monitoring_metrics (metric_date, metric_hour, window_start, window_end, total_events, successful_events, failed_events,
            fallback_events, duplicate_events, scored_events, malformed_events, fallback_rate, error_rate, duplicate_rate, latency_p50,
            latency_p75, latency_p90, latency_p95, latency_p99, latency_avg, latency_max, latency_min, model_distribution, service_versions,
            fallback_reasons, backend_distribution, agent_distribution, event_type_distribution, health_score, computed_at)
        VALUES
        ('2026-03-09', NULL, '2026-03-09T00:00Z', '2026-03-10T00:00Z', 200, 180, 4, 10, 2, 198, 1, 0.05, 0.02, 0.01, 900, 1200, 1800, 2500.5, 3100,
            1010.25, 4000, 120, '{"gpt-4o": 200}', '{"railway:1.0.8": 200}', '[{"reason": "timeout", "count": 10}]', '{"railway": 200}',
            '{"prince_flowers": 200}', '{"chat_interaction": 200}', 91.9, '2026-03-10T00:05Z'),
        ('2026-03-09', 23, '2026-03-09T23:00Z', '2026-03-10T00:00Z', 20, 18, 1, 1, 0, 20, 0, 0.05, 0.05, 0, 900, NULL, NULL, 2400, NULL,
            NULL, NULL, NULL, '{}', '{}', '[]', '{}', '{}', '{}', 88, '2026-03-10T00:05Z');

        INSERT INTO monitoring_baseline (baseline_name, baseline_window_days, baseline_fallback_rate, baseline_error_rate,
            baseline_duplicate_rate, baseline_latency_p50, baseline_latency_p95, baseline_latency_p99, baseline_health_score, total_events,
            baseline_start_date, baseline_end_date, computed_at, valid_until)
        VALUES ('7day_rolling', 7, 0.04, 0.01, 0.005, 880, 2500, 3000, 92.5, 1400, '2026-03-03', '2026-03-09', '2026-03-10T02:00Z',
            '2026-03-11T02:00Z');

        INSERT INTO monitoring_rollup (bucket_start, total_events, successful_events, failed_events, fallback_events, duplicate_events,
            scored_events, malformed_events, latency_events, latency_sum, latency_values, latency_counts, rolled_up_at)
        VALUES
        ('2026-03-10T10:00Z', 6, 4, 1, 2, 0, 6, 0, 4, 70, '{10,40}', '{3,1}', '2026-03-10T10:05Z'),
        ('2026-03-10T11:55Z', 4, 4, 0, 0, 0, 4, 0, 2, 110, '{40,70}', '{1,1}', '2026-03-10T12:00Z');

        INSERT INTO monitoring_rollup_slices (hour_start, model, backend, agent, version, total_events, successful_events, failed_events,
            fallback_events, duplicate_events, scored_events, latency_events, latency_sum, latency_values, latency_counts, fallback_reasons)
        VALUES
        ('2026-03-10T10:00Z', 'gpt-4o', 'railway', 'prince_flowers', 'railway:1.0.8', 6, 4, 1, 2, 0, 6, 4, 70, '{10,40}', '{3,1}',
            '{"timeout": 1, "rate_limit": 1}'),
        ('2026-03-10T11:00Z', 'gpt-4o', 'vercel', 'prince_flowers', 'vercel:2', 1, 1, 0, 1, 0, 1, 1, 70, '{70}', '{1}', '{"timeout": 1}'),
        ('2026-03-10T11:00Z', '', 'railway', 'prince_flowers', 'railway:1.0.8', 3, 3, 0, 0, 0, 3, 0, 0, '{}', '{}', '{}');

        INSERT INTO monitoring_alerts (id, fingerprint, alert_type, severity, peak_severity, metric_name, current_value, baseline_value,
            deviation_ratio, threshold_low, threshold_medium, threshold_high, metric_date, metric_hour, comparison_window_days,
            affected_model, status, opened_at, live_since, last_evidence_at, resolved_at, resolution_note, notified, notified_at,
            notification_channels, summary, context_data, related_events, sequence, created_at, updated_at)
        VALUES
        ('\(alert)', 'f1', 'fallback_spike', 'high', 'high', 'fallback_rate', 0.13, 0.04, 3.25, 1.5, 2, 3, '2026-03-10', 11, 7, 'gpt-4o',
            'open', '2026-03-10T11:30Z', '2026-03-10T11:30Z', '2026-03-10T11:55Z', NULL, NULL, true, '2026-03-10T11:30:02Z', '{oncall}', 'Fallback rate 13 %.',
            '{"window_seconds": 3600}', '{e1,e2}', 1, '2026-03-10T11:30Z', '2026-03-10T11:30Z'),
        ('\(resolved)', 'f2', 'error_spike', 'medium', 'medium', 'error_rate', 0.03, 0.01, 2.5, 1.5, 2, 3, '2026-03-09', NULL, 7, NULL,
            'resolved', '2026-03-09T10:00Z', '2026-03-09T10:00Z', '2026-03-09T11:00Z', '2026-03-09T12:00Z', NULL, false, NULL, '{}', '', '{}', '{}', 2,
            '2026-03-09T10:00Z', '2026-03-09T12:00Z'),
        ('\(hostile)', 'f3', 'latency_spike', 'low', 'low', 'latency_p95', 4000, 2500, 1.6, 1.5, 2, 3, '2026-03-10', 11, 7,
            '"><script>alert(1)</script>', 'open', '2026-03-10T11:40Z', '2026-03-10T11:40Z', '2026-03-10T11:55Z', NULL, NULL, false, NULL, '{}',
            '<script>alert(2)</script> & <!channel>', '{"x": "</pre><script>alert(3)</script>"}', '{"<b>e</b>"}', 1,
            '2026-03-10T11:40Z', '2026-03-10T11:40Z');

        INSERT INTO monitoring_alert_transitions (alert_id, sequence, transition, from_status, to_status, from_severity, to_severity, actor,
            credential, note, evidence, occurred_at)
        VALUES
        ('\(alert)', 1, 'opened', NULL, 'open', NULL, 'high', 'monitor', NULL, NULL, '{"ratio": 3.25}', '2026-03-10T11:30Z'),
        ('\(hostile)', 1, 'opened', NULL, 'open', NULL, 'low', '<i>monitor</i>', NULL, '<script>alert(4)</script>', '{}', '2026-03-10T11:40Z');

        INSERT INTO monitoring_notifications (id, alert_id, receiver, cause, sequence, transition, severity, status, due_at, attempts,
            delivered_at, created_at)
        VALUES ('10000000-0000-4000-8000-000000000001', '\(alert)', 'oncall', 'transition', 1, 'opened', 'high', 'delivered',
            '2026-03-10T11:30Z', 1, '2026-03-10T11:30:02Z', '2026-03-10T11:30Z');
        INSERT INTO monitoring_delivery_attempts (notification_id, attempt, process, started_at, outcome, http_status, total_ms, answer)
        VALUES ('10000000-0000-4000-8000-000000000001', 1, 'p1', '2026-03-10T11:30:01Z', 'delivered', 200, 84.5, 'ok');
        """
}
