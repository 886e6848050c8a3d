import Monitoring

/// Examples of alerts, as the document shows them.
enum AlertExamples {
    static let alert = #"""
        {"id": "00000000-0000-4000-8000-000000000001", "fingerprint": "5f1d7a84db", "alert_type": "fallback_spike", "severity": "high",
         "peak_severity": "high", "metric_name": "fallback_rate", "current_value": 0.13, "baseline_value": 0.04, "deviation_ratio": 3.25,
         "threshold_low": 1.5, "threshold_medium": 2, "threshold_high": 3, "metric_date": "2026-02-21", "metric_hour": 10,
         "comparison_window_days": 7, "affected_model": "gpt-4o", "affected_backend": null, "affected_agent": null,
         "affected_version": null, "slice_dimension": null, "slice_value": null, "status": "open", "opened_at": "2026-02-21T10:35:00Z",
         "snoozed_until": null, "acknowledged_at": null, "acknowledged_by": null, "resolved_at": null, "resolved_by": null,
         "resolution_note": null, "notified": true, "notified_at": "2026-02-21T10:35:02.431Z", "notification_channels": ["oncall"],
         "summary": "Fallback rate 13.0 % in the last hour, 4.0 % expected (3.3×).", "context_data": {"window_seconds": 3600},
         "related_events": ["evt-4711"], "origin": null, "labels": null, "annotations": null, "generator_url": null,
         "created_at": "2026-02-21T10:35:00Z", "updated_at": "2026-02-21T10:35:02.431Z"}
        """#

    static let transition = #"""
        {"sequence": 1, "transition": "opened", "from_status": null, "to_status": "open", "from_severity": null, "to_severity": "high",
         "actor": "monitor", "credential": null, "note": null, "evidence": {"ratio": 3.25}, "occurred_at": "2026-02-21T10:35:00Z"}
        """#

    static let notification = #"""
        {"id": "10000000-0000-4000-8000-000000000001", "alert_id": "00000000-0000-4000-8000-000000000001", "receiver": "oncall",
         "cause": "transition", "sequence": 1, "transition": "opened", "severity": "high", "status": "delivered",
         "due_at": "2026-02-21T10:35:00Z", "attempts": 1, "last_error": null, "message_id": "10000000-0000-4000-8000-000000000001",
         "superseded_by": null, "delivered_at": "2026-02-21T10:35:02.431Z", "created_at": "2026-02-21T10:35:00Z"}
        """#

    static let attempt = #"""
        {"attempt": 1, "process": "monitor-1/4711", "started_at": "2026-02-21T10:35:02.347Z", "outcome": "delivered", "http_status": 200,
         "reason": null, "name_lookup_ms": 1.2, "connect_ms": 9.8, "tls_ms": 31.4, "first_byte_ms": 83.9, "total_ms": 84.1,
         "remote_address": "198.51.100.7", "answer": "ok"}
        """#

    static let metrics = #"""
        {"metric_date": "2026-02-21", "metric_hour": null, "window_start": "2026-02-21T00:00:00Z", "window_end": "2026-02-22T00:00:00Z",
         "total_events": 200, "successful_events": 180, "failed_events": 4, "fallback_events": 10, "duplicate_events": 2,
         "scored_events": 198, "malformed_events": 1, "malformed_fields": {"duration_ms": 1}, "fallback_rate": 0.05, "error_rate": 0.02,
         "duplicate_rate": 0.01, "latency_p50": 900, "latency_p75": 1200, "latency_p90": 1800, "latency_p95": 2500.5, "latency_p99": 3100,
         "latency_avg": 1010.25, "latency_max": 4000, "latency_min": 120, "model_distribution": {"gpt-4o": 200},
         "service_versions": {"railway:1.0.8": 200}, "fallback_reasons": [{"reason": "timeout", "count": 10}],
         "backend_distribution": {"railway": 200}, "agent_distribution": {"prince_flowers": 200},
         "event_type_distribution": {"chat_interaction": 200}, "health_score": 91.9, "computed_at": "2026-02-22T00:05:00Z",
         "data_source": "learning_events"}
        """#

    static let baseline = #"""
        {"baseline_name": "7day_rolling", "baseline_window_days": 7, "baseline_fallback_rate": 0.04, "baseline_error_rate": 0.01,
         "baseline_duplicate_rate": 0.005, "baseline_latency_p50": 880, "baseline_latency_p95": 2500, "baseline_latency_p99": 3000,
         "baseline_health_score": 92.5, "total_events": 1400, "model_baselines": {}, "backend_baselines": {},
         "baseline_start_date": "2026-02-13", "baseline_end_date": "2026-02-19", "accepted_from": null, "accepted_by": null,
         "accepted_reason": null, "computed_at": "2026-02-21T02:00:00Z", "valid_until": "2026-02-22T02:00:00Z"}
        """#
}
