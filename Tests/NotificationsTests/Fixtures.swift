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
             "context_data": {"headline": "Fallback rate 31.2 % over the last hour, 7.8x the expected 4.0 %", "total_events": 1204, "bad_events": 376, "expected_events": 48.2, "window_seconds": 3600}, "related_events": ["e1"],
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

    static func receiver(
        _ name: String, _ kind: ReceiverKind = .webhook, url: String = "https://hooks.example.com/x", isInteractive: Bool = false,
        templates: MessageTemplates? = nil
    ) throws -> Receiver {
        try Receiver(
            name: name, kind: kind, url: kind.hasEndpoint ? Secret(url) : nil,
            routingKey: kind == .pagerduty ? Secret("0123456789abcdef0123456789ABCDEF") : nil, isInteractive: isInteractive,
            templates: templates)
    }

    /// The body for a receiver of a kind, as text.
    static func body(
        _ message: AlertMessage, _ kind: ReceiverKind, isPlain: Bool = false, isInteractive: Bool = false,
        templates: MessageTemplates? = nil
    ) throws -> String {
        try MessageRenderer.render(
            message, receiver: receiver("r", kind, isInteractive: isInteractive, templates: templates), isPlain: isPlain
        ).body
    }

    /// The same as JSON.
    static func json(
        _ message: AlertMessage, _ kind: ReceiverKind, isPlain: Bool = false, isInteractive: Bool = false,
        templates: MessageTemplates? = nil
    ) throws -> JSONValue {
        try JSONValue(parsing: body(message, kind, isPlain: isPlain, isInteractive: isInteractive, templates: templates))
    }

    /// A calm day with a steep end and a gap.
    static let history: [Double?] =
        Array(repeating: 0.04, count: 10) + [0.05, nil, nil, 0.03] + Array(repeating: 0.041, count: 7) + [0.08, 0.19, 0.312]

    /// Forty alerts in one message: the one of the fixtures, and 39 on slices.
    static func group(_ count: Int = 40) throws -> AlertMessage {
        var message = try message(transition())
        message.history = history
        message.links = MessageLinks(
            acknowledge: "https://m.example/a/GACK", resolve: "https://m.example/a/GRES", open: "https://m.example/a/GOPEN",
            snooze: "https://m.example/a/GSNZ", count: count)
        message.others = try (1..<count).map { number in
            let severity = [Severity.critical, .high, .medium, .low][min(3, number / 4)]
            return AlertMessage.Member(
                alert: try alert { alert in
                    alert.id = UUID(uuidString: "1f0c2d3e-0000-4000-8000-\(String(0x100000000000 + number, radix: 16))")!
                    alert.metricName = "error_rate"
                    alert.alertType = "error_spike"
                    alert.severity = severity
                    alert.peakSeverity = severity
                    alert.sliceDimension = "model"
                    alert.sliceValue = "model-\(number)"
                    alert.affectedModel = "model-\(number)"
                    alert.summary = "Error rate of model model-\(number) 9.1 %, 4.5x the expected 2.0 % (12 of 132 events)."
                    alert.contextData = .object([
                        "headline": .string("Error rate of model model-\(number) 9.1 %, 4.5x the expected 2.0 %")
                    ])
                }, transition: try transition(to: severity), openLink: "https://m.example/a/OPEN\(number)")
        }
        return message
    }
}

extension JSONValue {
    /// Every text in it but the keys, with the key that it stands under.
    var texts: [(key: String, text: String)] { texts(under: "") }

    private func texts(under key: String) -> [(key: String, text: String)] {
        switch self {
        case .string(let text): [(key, text)]
        case .array(let elements): elements.flatMap { $0.texts(under: key) }
        case .object(let members): members.sorted { $0.key < $1.key }.flatMap { $1.texts(under: $0) }
        default: []
        }
    }
}
