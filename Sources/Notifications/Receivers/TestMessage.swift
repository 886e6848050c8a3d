import Foundation
import Monitoring

/// An alert that never was, to try a receiver with.
enum TestMessage {
    /// - Parameters:
    ///   - moment: The present: the incident began twelve minutes before.
    ///   - id: Of the message and its alert.
    static func make(at moment: Date, id: UUID = UUID(), configuration: NotificationConfiguration) -> AlertMessage {
        AlertMessage(
            id: id, alert: alert(at: moment, id: id), transition: nil, moment: moment, environment: configuration.environment,
            links: MessageLinks(open: "\(configuration.publicURL)/"), cause: .test, history: history)
    }

    private static let history: [Double?] =
        [0.04, 0.038, 0.041, 0.036, 0.04, 0.043, 0.037, 0.042, 0.039, 0.041, 0.04, 0.038]
        + [0.044, 0.04, 0.039, 0.042, 0.041, 0.037, 0.04, 0.043, 0.039, 0.041, 0.12, 0.312]

    private static func alert(at moment: Date, id: UUID) -> Alert {
        let opened = MonitoringJSON.timestamp(moment.addingTimeInterval(-720))
        let json: JSONValue = .object([
            "id": .string(id.uuidString), "fingerprint": .string("test"), "alert_type": .string("fallback_spike"),
            "severity": .string("high"), "peak_severity": .string("high"), "metric_name": .string("fallback_rate"),
            "current_value": .number(0.312), "baseline_value": .number(0.04), "deviation_ratio": .number(7.8),
            "threshold_low": .number(1.5), "threshold_medium": .number(2), "threshold_high": .number(3),
            "metric_date": .string(Day(containing: moment).description), "comparison_window_days": .integer(7),
            "affected_model": .string("example-model"), "status": .string("open"), "opened_at": .string(opened),
            "notified": .bool(false), "notification_channels": .array([]),
            "summary": .string("This is how an alert looks: value, expectation, and who explains most of it."),
            "context_data": .object([
                "headline": .string("Fallback rate 31.2 % over the last hour, 7.8x the expected 4.0 %"), "total_events": .integer(1204),
                "bad_events": .integer(376), "window_seconds": .integer(3600),
            ]),
            "related_events": .array([]), "created_at": .string(opened), "updated_at": .string(opened),
        ])
        do {
            return try MonitoringJSON.decode(Alert.self, from: MonitoringJSON.encode(json))
        } catch {
            preconditionFailure("the example alert is one: \(error)")
        }
    }
}
