import Foundation
import Testing

@testable import Monitoring
@testable import Simulation

@Suite("Simulation: the score")
struct ScoreTests {
    /// Hours from the start of the history, which is evaluated from there for 20 days.
    private static func moment(_ hours: Double) -> Date { Scenario.monday.addingTimeInterval(hours * 3600) }

    private static let slice = Slice(.model, "gpt-5-mini")

    /// Fallbacks of a model 200 h to 210 h; a slow drift of errors 300 h to 396 h; a surge 440 h to 450 h.
    private static let truth = [
        KnownIncident(Incident(.fallback, factor: 5, start: moment(200), hours: 10, slice: slice), oracleFoundAt: moment(201)),
        KnownIncident(Incident(.error, factor: 3, start: moment(300), hours: 96, rampHours: 72), oracleFoundAt: moment(320)),
        KnownIncident(Incident(.surge, factor: 3, start: moment(440), hours: 10), oracleFoundAt: nil),
    ]

    /// `type opened-resolved,reopened-resolved model`; no end where it stays open, `-` for no model.
    private static func alert(_ text: String) -> BacktestAlert {
        let words = text.split(separator: " ").map(String.init)
        var steps: [BacktestAlert.Step] = []
        for (index, part) in words[1].split(separator: ",").enumerated() {
            let hours = part.split(separator: "-").compactMap { Double($0) }
            steps.append(.init(at: moment(hours[0]), transition: index == 0 ? .opened : .reopened, severity: .high))
            steps += hours.dropFirst().map { .init(at: moment($0), transition: .resolved, severity: .high) }
        }
        return BacktestAlert(
            alertType: words[0], severity: .high, metricName: "", openedAt: steps[0].at,
            resolvedAt: steps.last?.transition == .resolved ? steps.last?.at : nil, peakSeverity: .high,
            affected: .init(model: words[2] == "-" ? nil : words[2]), transitions: steps)
    }

    private static func score(_ alerts: [String]) -> DetectionScore {
        DetectionScore(
            BacktestReport(from: moment(0), to: moment(480), stepSeconds: 300, evaluations: 0, alerts: alerts.map(alert)), truth: truth,
            historyStart: moment(0))
    }

    @Test(
        "each alert is found, beside, repeated or false",
        arguments: [
            ([], "missed; missed; surge; 0 false, 0 true"),
            (["fallback_spike 202-211 gpt-5-mini"], "found 2.0 right +1.0; missed; surge; 0 false, 1 true"),
            (["fallback_spike 202-211 -"], "found 2.0 wrong +1.0; missed; surge; 0 false, 1 true"),
            (["fallback_spike 202-211 llama"], "found 2.0 wrong +1.0; missed; surge; 0 false, 1 true"),
            // Up to two hours after the end, not at its start.
            (["fallback_spike 212-213 gpt-5-mini"], "found 12.0 right +3.0; missed; surge; 0 false, 1 true"),
            (["fallback_spike 212.1-213 gpt-5-mini"], "missed; missed; surge; 1 false, 0 true"),
            (["fallback_spike 200-213 gpt-5-mini"], "covered; missed; surge; 1 false, 0 true"),
            // Another type, and the type that may stand beside it.
            (["error_spike 202-211 -"], "missed; missed; surge; 1 false, 0 true"),
            (["health_decline 202-211 -"], "missed x0 r1; missed; surge; 0 false, 1 true"),
            (
                ["fallback_spike 202-211 gpt-5-mini", "health_decline 203-211 -"],
                "found 2.0 right +1.0 x1 r1; missed; surge; 0 false, 2 true"
            ),
            // A second alert of the type, and an alert that comes back, in the incident and long after.
            (
                ["fallback_spike 203-211 -", "fallback_spike 202-203 gpt-5-mini"],
                "found 2.0 right -7.0 x2 r1; missed; surge; 0 false, 2 true"
            ),
            (["fallback_spike 202-204,205-211 gpt-5-mini"], "found 2.0 right +1.0 x1 r1; missed; surge; 0 false, 1 true"),
            (["fallback_spike 202-211,220-222 gpt-5-mini"], "found 2.0 right +12.0 x1 r1; missed; surge; 0 false, 1 true"),
            // A false one that comes back when something does happen.
            (["fallback_spike 190-191,203-211 gpt-5-mini"], "found 3.0 right +1.0; missed; surge; 1 false, 1 true"),
            (["fallback_spike 150-151,160-161 -"], "missed; missed; surge; 1 false, 0 true"),
            // One that is open all the while finds nothing.
            (["fallback_spike 150-250 gpt-5-mini"], "covered; missed; surge; 1 false, 0 true"),
            // A drift has a day; what is open at the end was never resolved.
            (["error_spike 419 -"], "missed; found 119.0 right open; surge; 0 false, 1 true"),
            (["error_spike 421 -"], "missed; missed; surge; 1 false, 0 true"),
            // A surge may raise nothing.
            (["traffic_drop 441-442 -", "model_drift 443-444 -"], "missed; missed; surge; 2 false, 0 true"),
        ])
    func judged(alerts: [String], result: String) {
        let score = Self.score(alerts)
        let outcomes = score.outcomes.map { outcome -> String in
            if outcome.known.incident.kind.isHarmless { return outcome.known.incident.kind.rawValue }
            let counts = outcome.repeats > 0 ? " x\(outcome.alerts) r\(outcome.repeats)" : ""
            guard let delay = outcome.delay else { return (outcome.isCovered ? "covered" : "missed") + counts }
            let resolved = outcome.resolvedAfter.map { "\($0 > 0 ? "+" : "")\($0 / 3600)" } ?? "open"
            return "found \(delay / 3600) \(outcome.isAttributed == true ? "right" : "wrong") \(resolved)" + counts
        }
        #expect("\(outcomes.joined(separator: "; ")); \(score.falseAlerts.count) false, \(score.trueAlerts) true" == result)
    }

    @Test("a mix shift's alert may name the model or nothing; a gap's nothing")
    func attribution() {
        let cases: [(Incident.Kind, Slice?, String, Bool)] = [
            (.mix, Self.slice, "gpt-5-mini", true), (.mix, Self.slice, "-", true), (.mix, Self.slice, "llama", false),
            (.gap, nil, "-", true),
            (.gap, nil, "llama", false),
        ]
        for (kind, slice, named, isRight) in cases {
            let known = KnownIncident(
                Incident(kind, factor: 0.1, start: Self.moment(200), hours: 10, slice: slice), oracleFoundAt: Self.moment(201))
            let alert = Self.alert("\(kind.alertType ?? "") 202-203 \(named)")
            let score = DetectionScore(
                BacktestReport(from: Self.moment(0), to: Self.moment(480), stepSeconds: 300, evaluations: 0, alerts: [alert]),
                truth: [known],
                historyStart: Self.moment(0))
            #expect(score.outcomes[0].isAttributed == isRight, "\(kind) \(named)")
        }
    }

    @Test("a summary over two histories")
    func summary() throws {
        let good = Self.score(["fallback_spike 202-211 gpt-5-mini", "health_decline 203-211 -", "error_spike 340-399 -"])
        let bad = Self.score(["fallback_spike 203-213 -", "error_spike 150-151 -", "error_spike 250-251 -"])
        let summary = DetectionSummary([good, bad])
        #expect(summary.days == 30)
        #expect(summary.falseAlertsIn30Days == 2)
        #expect(summary.precision == 4.0 / 6)
        #expect(summary.expected == 4)
        #expect(summary.recall == 0.75)
        // Of 2, 40 and 3 hours the middle, and the oracle's 1, 20 and 1.
        #expect(summary.delay == 10_800)
        #expect(summary.oracleDelay == 3600)
        #expect(summary.delayRatio == 3)
        #expect(summary.resolvedAfter == 10_800)
        #expect(summary.attribution == 2.0 / 3)
        #expect(summary.alertsPerIncident == 1)
        #expect(summary.repeatShare == 0.25)
        let fallbacks = DetectionSummary([good, bad]) { $0.kind == .fallback }
        #expect(fallbacks.recall == 1)
        #expect(fallbacks.delay == 9000)
        let none = DetectionSummary([])
        #expect(none.recall == nil)
        #expect(none.falseAlertsIn30Days == nil)
        #expect(none.precision == nil)
    }
}
