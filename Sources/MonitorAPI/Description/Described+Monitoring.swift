import Monitoring

extension Alert: Described {
    static let schemaName = "Alert"
    static let about = "One condition on one metric (and, where it names one, one value of a dimension), from open to resolved."
    static let example: Alert = exampleValue(AlertExamples.alert)
    static let notes: [String: FieldNote] = [
        "id": .uuid("Names the alert for good."),
        "fingerprint": "The same for every alert on the same condition; only one of them is not resolved.",
        "alert_type": FieldNote("`fallback_spike`, `error_spike`, `latency_spike`, …", ["pattern": "^[a-z][a-z0-9_]{0,63}$"]),
        "severity": "How bad it is now.",
        "peak_severity": "How bad it was at its worst.",
        "metric_name": "`fallback_rate`, `error_rate`, `duplicate_rate`, `latency_p95`, `health_score`, …",
        "current_value": "The value of the window that showed it: a share (0 to 1), milliseconds, or points of health.",
        "baseline_value": "What that window was expected to show, in the same unit.",
        "deviation_ratio": "Current over baseline, after the floor; for health baseline over current.",
        "threshold_low": "Ratio from which it is low.",
        "threshold_medium": "Ratio from which it is medium.",
        "threshold_high": "Ratio from which it is high.",
        "metric_date": "Day of the moment of opening, UTC.",
        "metric_hour": FieldNote(
            "Hour of that moment, UTC; null where a window of 24 h or more showed it.", ["minimum": 0, "maximum": 23]),
        "comparison_window_days": "Days of the baseline.",
        "affected_model": "The model that explains most of it; null where it is spread.",
        "affected_backend": "The backend that explains most of it; null where it is spread.",
        "affected_agent": "The agent that explains most of it; null where it is spread.",
        "affected_version": "The version (`service:version`) that explains most of it; null where it is spread.",
        "slice_dimension": .words(
            "Of an alert on one slice, what it is a value of; null for an alert on all events.", SliceDimension.allCases.map(\.rawValue),
            orNull: true),
        "slice_value": "The value of that slice.",
        "status": "Where it stands.",
        "opened_at": "When it was opened first.",
        "snoozed_until": "Nobody is told before this moment; null where it is not snoozed.",
        "acknowledged_at": "When somebody took it in hand.",
        "acknowledged_by": "Who: the first, whoever acknowledged it again.",
        "resolved_at": "When it ended.",
        "resolved_by": "Who resolved it; null where it resolved by itself.",
        "resolution_note": "What was said about that.",
        "notified": "Whether at least one receiver was reached.",
        "notified_at": "When the first was.",
        "notification_channels": "Names of the receivers that were reached.",
        "summary": "One sentence with the evidence.",
        "context_data": .object("The evidence."),
        "related_events": FieldNote("event_ids of examples.", ["maxItems": 10]),
        "origin": "Of an alert from elsewhere, who brought it: `alertmanager`, or the name of a relay; null for what was found here.",
        "labels": "Of an alert from elsewhere, what it is; null for what was found here.",
        "annotations": "Of an alert from elsewhere, what its source says about it; null for what was found here.",
        "generator_url": "Of an alert from elsewhere, where its source shows it; null where it does not say.",
        "created_at": "When the row was written.",
        "updated_at": "When it was changed last.",
    ]
}

extension AlertTransition: Described {
    static let schemaName = "Transition"
    static let about = "One step in an alert's life."
    static let example: AlertTransition = exampleValue(AlertExamples.transition)
    static let notes: [String: FieldNote] = [
        "sequence": FieldNote("1, 2, 3, … within the alert.", ["minimum": 1]),
        "transition": "What happened.",
        "from_status": "Status before; null for `opened`.",
        "to_status": "Status after.",
        "from_severity": "Severity before; null for `opened`.",
        "to_severity": "Severity after.",
        "actor": "`monitor`, or the name that the person gave.",
        "credential": "What that claim rests on: a token's name, `link`, `slack`, `cli`; null for the monitor itself.",
        "note": "What the person said about it.",
        "evidence": .object("What the evaluation saw; an empty object for what people do."),
        "occurred_at": "When it counts as having happened.",
    ]
}

extension FallbackReason: Described {
    static let schemaName = "FallbackReason"
    static let about = "How often events fell back for one reason."
    static let example = FallbackReason(reason: "timeout", count: 10)
    static let notes: [String: FieldNote] = [
        "reason": "The console's word for it: `timeout`, `rate_limit`, …", "count": .count("Events with it."),
    ]
}

extension MetricSnapshot: Described {
    static let schemaName = "Metrics"
    static let about = "What an hour or a day of learning events came to. Hours and days are UTC, closed at the start and open at the end."
    static let example: MetricSnapshot = exampleValue(AlertExamples.metrics)
    static let notes: [String: FieldNote] = [
        "metric_date": "The day, UTC.",
        "metric_hour": FieldNote("The hour; null for the whole day.", ["minimum": 0, "maximum": 23]),
        "window_start": "Its first moment.",
        "window_end": "The first moment after it.",
        "total_events": .count("Events that occurred in it."),
        "successful_events": .count("Those with a reward over 0.5."),
        "failed_events": .count("Those with a reward of 0.3 or less."),
        "fallback_events": .count("Those that were answered by a fallback."),
        "duplicate_events": .count("Those that were retried."),
        "scored_events": .count("Those with a reward that can be read."),
        "malformed_events": .count("Those with a field that cannot be read."),
        "malformed_fields": "How many of each field.",
        "fallback_rate": .share("Fallback over total events, 4 decimals; null without events."),
        "error_rate": .share("Failed over total events."),
        "duplicate_rate": .share("Retried over total events."),
        "latency_p50": .milliseconds("Median, 2 decimals; null where no event has a duration."),
        "latency_p75": .milliseconds("75th percentile."),
        "latency_p90": .milliseconds("90th percentile."),
        "latency_p95": .milliseconds("95th percentile."),
        "latency_p99": .milliseconds("99th percentile."),
        "latency_avg": .milliseconds("Mean."),
        "latency_max": .milliseconds("Longest."),
        "latency_min": .milliseconds("Shortest."),
        "model_distribution": "Events of each model.",
        "service_versions": "Events of each `service:version`.",
        "fallback_reasons": "Most frequent first.",
        "backend_distribution": "Events of each backend.",
        "agent_distribution": "Events of each agent.",
        "event_type_distribution": "Events of each type.",
        "health_score": FieldNote("0 to 100, 2 decimals; null without events.", ["minimum": 0, "maximum": 100]),
        "computed_at": "When it was computed.",
        "data_source": "Where the events came from.",
    ]
}

extension BaselineSnapshot: Described {
    static let schemaName = "BaselineRow"
    static let about = "The baseline as its table holds it."
    static let example: BaselineSnapshot = exampleValue(AlertExamples.baseline)
    static let notes: [String: FieldNote] = [
        "baseline_name": "Its name.",
        "baseline_window_days": FieldNote("How many days it looks back.", ["minimum": 1, "maximum": 90]),
        "baseline_fallback_rate": .share("Fallback events over all events of the window."),
        "baseline_error_rate": .share("Failed events over all."),
        "baseline_duplicate_rate": .share("Retried events over all."),
        "baseline_latency_p50": .milliseconds("Median of all the window's events together."),
        "baseline_latency_p95": .milliseconds("95th percentile."),
        "baseline_latency_p99": .milliseconds("99th percentile."),
        "baseline_health_score": FieldNote("Health of the window.", ["minimum": 0, "maximum": 100]),
        "total_events": .count("Events in the window."),
        "model_baselines": .object("The same figures for each model."),
        "backend_baselines": .object("The same figures for each backend."),
        "baseline_start_date": "First day in it.",
        "baseline_end_date": "Last day in it.",
        "accepted_from": "Nothing before it counts: since then it has been the normal, as a person said; null where nobody did.",
        "accepted_by": "Who said so.",
        "accepted_reason": "Why.",
        "computed_at": "When it was computed.",
        "valid_until": "When it is due to be computed again.",
    ]
}
