import Foundation
import Monitoring
import Notifications

private let cursorNote: FieldNote = "Of the next page, for the parameter `cursor`; null where this is the last."

extension AlertListAnswer: Described {
    static let schemaName = "AlertList"
    static let about = "A page of alerts, newest opening first."
    static let example = AlertListAnswer(
        alerts: [.example], totalCount: 1, filteredBy: .example, nextCursor: Cursor(time: Alert.example.openedAt, id: Alert.example.id))
    static let notes: [String: FieldNote] = [
        "alerts": "Newest opening first.",
        "total_count": .count("How many match, on this page or not."),
        "filtered_by": "What the list was filtered by, defaults included.",
        "next_cursor": cursorNote,
    ]
}

extension AlertListAnswer.Filter: Described {
    static let schemaName = "AlertFilter"
    static let about = "What a list of alerts was filtered by."
    static let example = AlertListAnswer.Filter(threshold: "medium", status: "open")
    static let notes: [String: FieldNote] = [
        "threshold": .words("The lowest severity.", Severity.words), "status": .words("The status, or `all`.", AlertStatus.words + ["all"]),
    ]
}

extension AlertStoryAnswer: Described {
    static let schemaName = "AlertStory"
    static let about = "An alert, its timeline, and who was told."
    static let example = AlertStoryAnswer(alert: .example, timeline: [.example], notifications: [.example])
    static let notes: [String: FieldNote] = [
        "alert": "As it is now.",
        "timeline": "Every step of it, first to last.",
        "notifications": FieldNote("What was, is or will be told of it, oldest first.", ["maxItems": 1000]),
    ]
}

extension BaselineAnswer: Described {
    static let schemaName = "Baseline"
    static let about = "What figures are compared with."
    static let example = BaselineAnswer(.example)
    static let notes: [String: FieldNote] = [
        "baseline_name": "Its name.",
        "window_days": FieldNote("How many days it looks back.", ["minimum": 1, "maximum": 90]),
        "fallback_rate": .share("Fallback events over all events of the window."),
        "error_rate": .share("Failed events over all."),
        "duplicate_rate": .share("Retried events over all."),
        "latency_p50": .milliseconds("Median of all the window's events together."),
        "latency_p95": .milliseconds("95th percentile."),
        "latency_p99": .milliseconds("99th percentile."),
        "health_score": FieldNote("Health of the window.", ["minimum": 0, "maximum": 100]),
        "total_events": .count("Events in the window."),
        "baseline_start_date": "First day in it.",
        "baseline_end_date": "Last day in it.",
        "accepted_from": "Nothing before it counts: since then it has been the normal, as a person said; null where nobody did.",
        "accepted_by": "Who said so.",
        "accepted_reason": "Why.",
        "valid_until": "When it is due to be computed again.",
        "last_computed": "When it was computed.",
    ]
}

extension MetricListAnswer: Described {
    static let schemaName = "MetricList"
    static let about = "A page of hours or days, newest first."
    static let example = MetricListAnswer(
        metrics: [.example], startDate: Day("2026-01-23")!, endDate: Day("2026-02-21")!, nextCursor: "2026-02-21")
    static let notes: [String: FieldNote] = [
        "metrics": "Newest first; what has no row is left out.",
        "count": .count("How many there are on this page."),
        "start_date": "First date looked at.",
        "end_date": "Last date looked at.",
        "next_cursor": cursorNote,
    ]
}

extension WindowAnswer: Described {
    static let schemaName = "Window"
    static let about = "What figures are of: the roll-up's buckets from `from` up to `to`."
    static let example = WindowAnswer(
        Window("7d")!, RollupSpan(Window("7d")!, hourly: true, until: Alert.example.openedAt))
    static let notes: [String: FieldNote] = [
        "window": "As it was asked for.", "from": "Its first moment.", "to": "The moment of the answer.",
    ]
}

extension BreakdownAnswer: Described {
    static let schemaName = "Breakdown"
    static let about = "Figures of each value of a dimension: the worst fallback rate first, then the busiest."
    static let example = BreakdownAnswer(by: "model", window: .example, breakdown: [.example], count: 1)
    static let notes: [String: FieldNote] = [
        "by": .words("The dimension.", SliceDimension.allCases.map(\.rawValue)), "window": "What the figures are of.",
        "breakdown": "The worst fallback rate first, then the busiest.", "count": .count("How many values there are here."),
    ]
}

extension SliceFigures: Described {
    static let schemaName = "SliceFigures"
    static let about = "What the events of one model (or backend, agent, version) came to."
    static let example = SliceFigures(
        value: "gpt-4o", totalEvents: 200, successfulEvents: 180, failedEvents: 4, fallbackEvents: 10, duplicateEvents: 2,
        fallbackRate: 0.05,
        errorRate: 0.02, duplicateRate: 0.01, latencyP50: 900, latencyP95: 2500.5, latencyP99: 3100)
    static let notes: [String: FieldNote] = MetricSnapshot.notes.filter {
        [
            "total_events", "successful_events", "failed_events", "fallback_events", "duplicate_events", "fallback_rate", "error_rate",
            "duplicate_rate", "latency_p50", "latency_p95", "latency_p99",
        ].contains($0.key)
    }.merging(["value": "The model (or backend, agent, version); null for the events that name none."]) { _, new in new }
}

extension ReasonsAnswer: Described {
    static let schemaName = "FallbackReasons"
    static let about = "Why events fell back."
    static let example = ReasonsAnswer(window: .example, reasons: [.example], count: 1)
    static let notes: [String: FieldNote] = [
        "window": "What the figures are of.", "reasons": "Most frequent first.", "count": .count("How many reasons there are here."),
    ]
}

extension LatencyAnswer: Described {
    static let schemaName = "Latency"
    static let about = "Percentiles of the durations of all events of a window together."
    static let example = LatencyAnswer(
        window: .example,
        figures: LatencyFigures(events: 6, p50: 25, p75: 40, p90: 55, p95: 62.5, p99: 68.5, avg: 30, min: 10, max: 70))
    static let notes: [String: FieldNote] = [
        "window": "What the figures are of.",
        "events": .count("Events with a duration."),
        "p50": .milliseconds("Median, 2 decimals; null where no event has a duration."),
        "p75": .milliseconds("75th percentile."),
        "p90": .milliseconds("90th percentile."),
        "p95": .milliseconds("95th percentile."),
        "p99": .milliseconds("99th percentile."),
        "avg": .milliseconds("Mean."),
        "min": .milliseconds("Shortest."),
        "max": .milliseconds("Longest."),
    ]
}

extension SilenceListAnswer: Described {
    static let schemaName = "SilenceList"
    static let about = "A page of silences, latest end first."
    static let example = SilenceListAnswer(
        silences: [.example], count: 1, nextCursor: Cursor(time: Alert.example.openedAt, id: Alert.example.id))
    static let notes: [String: FieldNote] = [
        "silences": "Latest end first.", "count": .count("How many there are on this page."), "next_cursor": cursorNote,
    ]
}

extension NotificationListAnswer: Described {
    static let schemaName = "NotificationList"
    static let about = "A page of the outbox, newest first."
    static let example = NotificationListAnswer(
        notifications: [.example], nextCursor: Cursor(time: NotificationRecord.example.createdAt, id: NotificationRecord.example.id))
    static let notes: [String: FieldNote] = ["notifications": "Newest first.", "next_cursor": cursorNote]
}

extension NotificationStoryAnswer: Described {
    static let schemaName = "NotificationStory"
    static let about = "A notification, all that its message tells of, and every attempt to deliver that."
    static let example = NotificationStoryAnswer(notification: .example, members: [.example], attempts: [.example])
    static let notes: [String: FieldNote] = [
        "notification": "As it is now.",
        "members": FieldNote("What its message tells of, itself among it, oldest first.", ["maxItems": 500]),
        "attempts": "Requests made for that message, first to last.",
    ]
}

extension NotificationChangeAnswer: Described {
    static let schemaName = "NotificationChange"
    static let about = "What came of a retry or a drop."
    static let example = NotificationChangeAnswer(notification: .example, changed: true, count: 1)
    static let notes: [String: FieldNote] = [
        "notification": "As it is now.", "changed": "Whether this request changed anything.",
        "count": .count("Notifications that were changed: all that the message tells of."),
    ]
}

extension ReceiverListAnswer: Described {
    static let schemaName = "ReceiverList"
    static let about = "All receivers, by name: those of the configuration, and others that something waits or is dead for."
    static let example = ReceiverListAnswer(receivers: [.example], count: 1)
    static let notes: [String: FieldNote] = [
        "receivers": FieldNote("By name.", ["maxItems": 1000]), "count": .count("How many there are."),
    ]
}

/// GET /health and /ready.
struct StatusAnswer: Encodable, Sendable, Described {
    var status: String

    static let schemaName = "Status"
    static let about = "What a supervisor wants to hear."
    static let example = StatusAnswer(status: "ok")
    static let notes: [String: FieldNote] = ["status": .words("What there is to say.", ["ok", "ready"])]
}
