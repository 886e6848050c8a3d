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
        return message.isReminder ? alert.severity : message.transition?.toSeverity ?? alert.severity
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
        if message.isOver { return nil }
        switch message.cause {
        case .repetition:
            let hand = alert.status == .acknowledged ? "in hand of \(alert.acknowledgedBy ?? "somebody")" : "not acknowledged"
            return "Still open after \(lasted), \(hand)"
        case .escalationStep: return "Nobody has acknowledged it for \(lasted)"
        case .snoozeEnded: return "Still open after its snooze"
        case .silenceEnded: return "Still open after a silence"
        case .muteEnded: return "Still open after quiet hours"
        case .inhibitionEnded: return "Still open after an alert that kept it quiet"
        case .fallback: return "Could not be delivered to another receiver"
        case .transition, .test: break
        }
        return switch message.transition?.transition {
        case .escalated: "Escalated from \(message.transition?.fromSeverity?.rawValue ?? "lower")"
        case .reopened: "Back again"
        default: nil
        }
    }

    /// `34 of 109 events in 1 h, 5 expected`; nil where the evidence does not say.
    var sample: String? {
        guard alert.metricName != "total_events", let total = alert.contextData["total_events"]?.double else { return nil }
        let bad = alert.contextData["bad_events"]?.double
        let slow = bad != nil && alert.metricName.hasPrefix("latency_") ? " above the usual \(alert.metricName.dropFirst(8))" : ""
        let window = alert.contextData["window_seconds"]?.double.map { " in \(FigureText.span($0))" } ?? ""
        let expected = bad == nil ? nil : alert.contextData["expected_events"]?.double
        let events = "\(FigureText.number(total, places: 0)) events\(slow)\(window)"
        return (bad.map { "\(FigureText.number($0, places: 0)) of " } ?? "") + events
            + (expected.map { ", \(FigureText.number($0, places: $0 < 10 ? 1 : 0)) expected" } ?? "")
    }

    /// How long it has been going on, or went on.
    var lasted: String {
        FigureText.span((alert.resolvedAt ?? message.moment).timeIntervalSince(alert.openedAt))
    }

    /// Since when, in UTC, and for how long: `02:14 UTC (12 min)`.
    var since: String {
        let isFresh = message.moment.timeIntervalSince(alert.openedAt) < 60
        return "\(FigureText.moment(alert.openedAt, now: message.moment)) UTC" + (isFresh ? "" : " (\(lasted))")
    }

    /// What was expected, and how far from it the value is: `4.0 % (7.8×)`.
    var expected: String {
        FigureText.value(alert.baselineValue, of: alert.metricName) + (FigureText.deviation(of: alert).map { " (\($0))" } ?? "")
    }

    /// The slice that explains most of it, where the condition does not name it already.
    var place: String? {
        // Of an alert on one slice, and of the mix of models, the condition names it.
        alert.sliceDimension == nil && alert.metricName != "model_mix" ? affected.first?.value : nil
    }

    /// `, and 39 more alerts` where the message tells of others too, else empty.
    var rest: String {
        switch message.others.count {
        case 0: ""
        case 1: ", and 1 more alert"
        case let count: ", and \(FigureText.count(count)) more alerts"
        }
    }

    /// Everything of the first line as plain text: for notifications, screen readers and logs.
    var sentence: String {
        let place = (place.map { ["on \($0)"] } ?? []) + (message.environment.map { ["in \($0)"] } ?? [])
        let what: String
        if message.isTest {
            what = "Test message: nothing is wrong. \(severity.rawValue.uppercased()): \(condition)"
        } else if message.isOver {
            what = "Resolved: \(subject)"
        } else if message.cause == .transition, message.transition?.transition == .acknowledged {
            what = "Acknowledged by \(alert.acknowledgedBy ?? message.transition?.actor ?? "somebody"): \(condition)"
        } else {
            what = "\(severity.rawValue.uppercased()): \(step.map { "\($0): " } ?? "")\(condition)"
        }
        let end = message.isOver ? ", after \(lasted)" : ""
        return ([what] + place).joined(separator: " ") + end + rest
    }
}
