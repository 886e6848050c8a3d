import Foundation
import Monitoring

@testable import Notifications

/// Values for tests of pure code: one alert, and what can be varied about it.
enum Fixtures {
    static let alertID = UUID(uuidString: "1f0c2d3e-0000-4000-8000-0000000000a1")!
    static let notificationID = UUID(uuidString: "aaaaaaaa-0000-4000-8000-0000000000b2")!
    /// 2026-02-21 02:14:00 UTC.
    static let opened = Date(timeIntervalSince1970: 1_771_640_040)
    /// Twelve minutes later.
    static let now = opened.addingTimeInterval(720)

    static let links = MessageLinks(
        acknowledge: "https://m.example/a/ACK", resolve: "https://m.example/a/RES", open: "https://m.example/a/OPEN")

    static func alert(_ change: (inout Alert) -> Void = { _ in }) throws -> Alert {
        let json = """
            {"id": "\(alertID.uuidString)", "fingerprint": "f00d", "alert_type": "fallback_spike", "severity": "critical",
             "peak_severity": "critical", "metric_name": "fallback_rate", "current_value": 0.312, "baseline_value": 0.04,
             "deviation_ratio": 7.8, "threshold_low": 1.5, "threshold_medium": 2, "threshold_high": 3, "metric_date": "2026-02-21",
             "metric_hour": 2, "comparison_window_days": 7, "affected_model": "gpt-4o", "affected_backend": null,
             "affected_agent": null, "affected_version": null, "status": "open", "opened_at": "2026-02-21T02:14:00Z",
             "notified": false, "notification_channels": [], "summary": "Fallback rate 31.2 % over the last hour, 7.8x the expected 4.0 % (376 of 1204 events; expected 48), mostly model gpt-4o.",
             "context_data": {"headline": "Fallback rate 31.2 % over the last hour, 7.8x the expected 4.0 %", "total_events": 1204, "bad_events": 376, "window_seconds": 3600}, "related_events": ["e1"],
             "created_at": "2026-02-21T02:14:00Z", "updated_at": "2026-02-21T02:14:00Z"}
            """
        var alert = try MonitoringJSON.decode(Alert.self, from: json.utf8)
        change(&alert)
        return alert
    }

    static func transition(
        _ kind: AlertTransition.Kind = .opened, sequence: Int = 1, from: Severity? = nil, to: Severity = .critical,
        actor: String = "monitor",
        note: String? = nil
    ) throws -> AlertTransition {
        let json = """
            {"sequence": \(sequence), "transition": "\(kind.rawValue)", "to_status": "open", "to_severity": "\(to.rawValue)",
             "actor": "x", "evidence": {}, "occurred_at": "2026-02-21T02:14:00Z"}
            """
        var transition = try MonitoringJSON.decode(AlertTransition.self, from: json.utf8)
        transition.fromSeverity = from
        transition.actor = actor
        transition.note = note
        return transition
    }

    static func message(
        _ transition: AlertTransition?, environment: String? = "production", _ change: (inout Alert) -> Void = { _ in }
    ) throws -> AlertMessage {
        AlertMessage(
            id: notificationID, alert: try alert(change), transition: transition, moment: now, environment: environment, links: links)
    }

    static func labels(_ values: [AlertLabels.Name: String] = [:]) -> AlertLabels {
        AlertLabels(
            [.alertType: "fallback_spike", .severity: "high", .metricName: "fallback_rate", .model: "gpt-4o", .status: "open"]
                .merging(values) { $1 })
    }

    static func receiver(_ name: String, _ kind: ReceiverKind = .webhook, url: String = "https://hooks.example.com/x") throws -> Receiver {
        try Receiver(name: name, kind: kind, url: kind.hasEndpoint ? Secret(url) : nil)
    }
}
