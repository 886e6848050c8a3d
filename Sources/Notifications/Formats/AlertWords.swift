import Foundation
import Monitoring

/// What an alert is called, in words for a person who has just woken up. Plain text: a format escapes it.
struct AlertWords: Sendable {
    private let message: AlertMessage
    private var alert: Alert { message.alert }

    init(_ message: AlertMessage) {
        self.message = message
    }

    /// How bad the told step made it; how bad it was at its worst where it is over.
    var severity: Severity {
        if message.isOver { return alert.peakSeverity }
        return message.endsQuiet ? alert.severity : message.transition?.toSeverity ?? alert.severity
    }

    /// What happened: `Fallback rate 7.8x its baseline`.
    var condition: String {
        let ratio = HumanUnits.ratio(alert.deviationRatio)
        switch alert.alertType {
        case "health_decline":
            return "Health down to \(HumanUnits.value(alert.currentValue, metric: "health_score"))"
        case "traffic_drop":
            return ratio.map { "Traffic \($0) below normal" } ?? "Traffic dropped"
        case "model_drift":
            return "The mix of models has shifted"
        default:
            return ratio.map { "\(metric) \($0) its baseline" }
                ?? "\(metric) \(HumanUnits.value(alert.currentValue, metric: alert.metricName))"
        }
    }

    /// The condition without its figures: `Fallback rate`.
    var subject: String {
        switch alert.alertType {
        case "health_decline": "Health score"
        case "traffic_drop": "Traffic"
        case "model_drift": "Mix of models"
        default: metric
        }
    }

    /// The metric's name: `Fallback rate`, `Latency p95`.
    var metric: String {
        let words = alert.metricName.replacing("_", with: " ")
        return words.prefix(1).uppercased() + words.dropFirst()
    }

    /// Who explains most of it, by dimension; empty where it is spread.
    var affected: [(dimension: String, value: String)] {
        [
            ("Model", alert.affectedModel), ("Backend", alert.affectedBackend), ("Agent", alert.affectedAgent),
            ("Version", alert.affectedVersion),
        ].compactMap { dimension, value in value.map { (dimension, $0) } }
    }

    /// The step, where the bare condition does not say it: `Back again`, `Escalated`, `Still open after its snooze`.
    var step: String? {
        if message.endsQuiet, !message.isOver {
            return message.cause == .snoozeEnded ? "Still open after its snooze" : "Still open after a silence"
        }
        return switch message.transition?.transition {
        case .escalated: "Escalated from \(message.transition?.fromSeverity?.rawValue ?? "lower")"
        case .reopened: "Back again"
        default: nil
        }
    }

    /// `34 of 109 events in 1 h`; nil where the evidence does not say.
    var sample: String? {
        guard let total = alert.contextData["total_events"]?.double else { return nil }
        let bad = alert.contextData["bad_events"]?.double.map { "\(HumanUnits.count($0)) of " } ?? ""
        let window = alert.contextData["window_seconds"]?.double.map { " in \(HumanUnits.duration($0))" } ?? ""
        return "\(bad)\(HumanUnits.count(total)) events\(window)"
    }

    /// How long it has been going on, or went on.
    var lasted: String {
        HumanUnits.duration((alert.resolvedAt ?? message.moment).timeIntervalSince(alert.openedAt))
    }

    /// Everything of the first line as plain text: for notifications, screen readers and logs.
    var sentence: String {
        let place = (affected.first.map { ["on \($0.value)"] } ?? []) + (message.environment.map { ["in \($0)"] } ?? [])
        let what: String
        switch message.transition?.transition {
        case .resolved: what = "Resolved: \(subject)"
        case .acknowledged: what = "Acknowledged by \(alert.acknowledgedBy ?? message.transition?.actor ?? "somebody"): \(condition)"
        case nil: what = "Test message: nothing is wrong. \(severity.rawValue.uppercased()): \(condition)"
        default: what = "\(severity.rawValue.uppercased()): \(step.map { "\($0): " } ?? "")\(condition)"
        }
        let end = message.isOver ? ", after \(lasted)" : ""
        return ([what] + place).joined(separator: " ") + end
    }
}
