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

    /// What happened, how bad, and to what: `Fallback rate 31.2 % over the last hour, 7.8x the expected 4.0 %`. The engine's own
    /// sentence without its small print, where there is one.
    var condition: String {
        if let clause = Self.clause(of: alert) { return clause }
        let value = FigureText.value(alert.currentValue, of: alert.metricName)
        let expected = FigureText.value(alert.baselineValue, of: alert.metricName)
        switch alert.metricName {
        case "health_score": return "\(subject) down to \(value)"
        case "total_events": return "\(subject) dropped to \(value) (expected \(FigureText.number(alert.baselineValue ?? 0, places: 0)))"
        case "model_mix": return "\(subject) shifted"
        default: return "\(subject) \(value)" + (FigureText.ratio(alert.deviationRatio).map { ", \($0) the expected \(expected)" } ?? "")
        }
    }

    /// The condition without its figures: `Fallback rate`, `Error rate of model gpt-5-mini`.
    var subject: String { FigureText.subject(of: alert) }

    /// The headline that the evaluation wrote; nil where there is none (a test message), or an endless one.
    private static func clause(of alert: Alert) -> String? {
        guard case .string(let headline)? = alert.contextData["headline"], !headline.isEmpty, headline.count <= 600 else { return nil }
        return headline
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
        guard alert.metricName != "total_events", let total = alert.contextData["total_events"]?.double else { return nil }
        let bad = alert.contextData["bad_events"]?.double.map { "\(FigureText.number($0, places: 0)) of " } ?? ""
        let window = alert.contextData["window_seconds"]?.double.map { " in \(FigureText.span($0))" } ?? ""
        return "\(bad)\(FigureText.number(total, places: 0)) events\(window)"
    }

    /// How long it has been going on, or went on.
    var lasted: String {
        FigureText.span((alert.resolvedAt ?? message.moment).timeIntervalSince(alert.openedAt))
    }

    /// The slice that explains most of it, where the condition does not name it already.
    var place: String? {
        // Of an alert on one slice, and of the mix of models, the condition names it.
        alert.sliceDimension == nil && alert.metricName != "model_mix" ? affected.first?.value : nil
    }

    /// Everything of the first line as plain text: for notifications, screen readers and logs.
    var sentence: String {
        let place = (place.map { ["on \($0)"] } ?? []) + (message.environment.map { ["in \($0)"] } ?? [])
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
