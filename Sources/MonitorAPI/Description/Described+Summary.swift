import Monitoring

extension Summary: Described {
    static let schemaName = "Summary"
    static let about = "The state of the agents over the last days, with trends and alerts."
    static let example: Summary = exampleValue(
        """
        {"window": {"start_date": "2026-02-14", "end_date": "2026-02-21", "days": 8},
         "metrics": {"total_events": 1600, "avg_fallback_rate": 0.05, "avg_error_rate": 0.02, "avg_health_score": 91.9,
                     "latest": \(AlertExamples.metrics)},
         "baseline": {"fallback_rate": 0.04, "error_rate": 0.01, "latency_p95": 2500, "valid_until": "2026-02-22T02:00:00Z"},
         "trends": {"fallback_rate": "up", "latency_p95": "stable"},
         "alerts": {"total_open": 1, "by_severity": {"high": 1}, "recent": [\(AlertExamples.alert)]},
         "generated_at": "2026-02-21T10:40:00Z"}
        """)
    static let notes: [String: FieldNote] = [
        "window": "The dates looked at.",
        "metrics": "Figures over them.",
        "baseline": "What the figures are compared with; null while there is none.",
        "trends": "Where the figures go.",
        "alerts": "What is open.",
        "generated_at": "When this was put together.",
        "hourly": "The hours of the window, oldest first; there where `include_hourly` asks for it.",
    ]
}

extension Summary.Window: Described {
    static let schemaName = "SummaryWindow"
    static let about = "The dates looked at, both included, UTC."
    static var example: Summary.Window { Summary.example.window }
    static let notes: [String: FieldNote] = [
        "start_date": "First date.", "end_date": "Last date.", "days": .count("How many of them have data."),
    ]
}

extension Summary.Metrics: Described {
    static let schemaName = "SummaryMetrics"
    static let about = "Figures over the window."
    static var example: Summary.Metrics { Summary.example.metrics }
    static let notes: [String: FieldNote] = [
        "total_events": .count("Events in it."),
        "avg_fallback_rate": .share("Fallback over all events of the window, 4 decimals; null without events."),
        "avg_error_rate": .share("Failed over all events of the window, 4 decimals."),
        "avg_health_score": FieldNote("Mean over the days that have one, 2 decimals.", ["minimum": 0, "maximum": 100]),
        "latest": "The last day with events.",
    ]
}

extension Summary.Baseline: Described {
    static let schemaName = "SummaryBaseline"
    static let about = "What the figures are compared with."
    static var example: Summary.Baseline {
        exampleValue(#"{"fallback_rate": 0.04, "error_rate": 0.01, "latency_p95": 2500, "valid_until": "2026-02-22T02:00:00Z"}"#)
    }
    static let notes: [String: FieldNote] = [
        "fallback_rate": .share("Share of events that fell back."),
        "error_rate": .share("Share of events that failed."),
        "latency_p95": .milliseconds("95th percentile."),
        "valid_until": "When it is due to be computed again.",
    ]
}

extension Summary.Trends: Described {
    static let schemaName = "SummaryTrends"
    static let about = "The last three days with events against the three before: within ±10 % is stable, under six days unknown."
    static var example: Summary.Trends { Summary.example.trends }
    static let notes: [String: FieldNote] = [
        "fallback_rate": "Of the pooled rate.", "latency_p95": "Of the mean of the days' 95th percentiles.",
    ]
}

extension Summary.Alerts: Described {
    static let schemaName = "SummaryAlerts"
    static let about = "What is open."
    static var example: Summary.Alerts { Summary.example.alerts }
    static let notes: [String: FieldNote] = [
        "total_open": .count("Alerts with status open."),
        "by_severity": "How many of them of each severity; no key for none.",
        "recent": FieldNote("Those that were opened last, whatever their status.", ["maxItems": 5]),
    ]
}

extension Computation.Report: Described {
    static let schemaName = "Computation"
    static let about = "What a computation did."
    static let example = Computation.Report(
        targetDate: Day("2026-02-21")!, targetHour: nil, rowsComputed: 25, metricsInserted: 2, baseline: .example,
        driftCheck: .example, computationTimeMilliseconds: 41.7)
    static let notes: [String: FieldNote] = [
        "metrics_computed": "true.",
        "target_date": "The day that was computed.",
        "target_hour": FieldNote("Its hour; null where all were computed.", ["minimum": 0, "maximum": 23]),
        "rows_computed": .count("Hours and days computed."),
        "metrics_inserted": .count("Those of them that were new or had changed."),
        "baseline_updated": "Whether there is a new baseline.",
        "baseline_data": "The new baseline; null where none was asked for, or where there are no events for one.",
        "view_refreshed": "true.",
        "drift_check": "What the evaluation after it led to.",
        "computation_time_ms": .milliseconds("How long all of it took."),
    ]
}

extension Computation.Report.DriftCheck: Described {
    static let schemaName = "DriftCheck"
    static let about = "What the evaluation after a computation led to; nothing for a past date."
    static let example = Computation.Report.DriftCheck(alertsCreated: 1, alertIDs: ["00000000-0000-4000-8000-000000000001"])
    static let notes: [String: FieldNote] = [
        "alerts_created": .count("Alerts that it opened or reopened."), "alert_ids": "Their ids, in order.",
    ]
}
