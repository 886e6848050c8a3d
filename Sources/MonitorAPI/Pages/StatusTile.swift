import Foundation
import Monitoring

/// A metric on the status page: its last hour, what is expected, where it is going, and its course.
struct StatusTile: Sendable {
    static let metrics = ["fallback_rate", "error_rate", "latency_p95", "health_score", "duplicate_rate", "total_events"]

    let name: String
    let value: String
    let caption: String
    let comparison: String
    /// `Three days: up 14 %`; empty where nothing can be said.
    let trend: String
    let hasTrend: Bool
    /// `worse` while an alert stands on it, else `usual`.
    let direction: String
    let chartHTML: String

    init(_ metric: String, figures: StatusFigures, baseline: BaselineSnapshot?, window: PageWindow, now: Date) {
        let usual = baseline?.value(of: metric)
        let recent = figures.hour?.value(of: metric)
        let value = recent ?? figures.whole?.value(of: metric)
        name = Wording.metric(metric)
        let time = recent == nil && value != nil ? window.words : "last hour"
        // A count has its unit beside it, in small print: the figure is what is looked for.
        self.value = metric == "total_events" ? value.map { Wording.count(Int($0)) } ?? "–" : Wording.value(value, of: metric)
        caption = metric == "total_events" && value != nil ? "events, \(time)" : time
        comparison = Self.comparison(metric, value: value, usual: usual, figures: figures, window: window)
        trend = Self.trend(metric, figures) ?? ""
        hasTrend = !trend.isEmpty
        // Whether a ratio means anything is the evaluation's to say: the colour follows the alerts.
        direction = figures.marks.contains { $0.metricName == metric && $0.span.end == nil } ? "worse" : "usual"
        chartHTML =
            Chart(
                metric: metric, steps: figures.steps, from: now.addingTimeInterval(-window.length), until: now, seconds: window.stepSeconds,
                baseline: usual, marks: figures.marks, hasAxes: true
            ).html
    }

    private static func comparison(
        _ metric: String, value: Double?, usual: Double?, figures: StatusFigures, window: PageWindow
    ) -> String {
        switch metric {
        case "total_events":
            return "\(Wording.count(figures.whole?.totalEvents ?? 0)) in \(window.words)"
        case "health_score":
            return usual.map { "expected \(Wording.value($0, of: metric))" } ?? "no baseline yet"
        default:
            let others = metric == "latency_p95" ? percentiles(figures.latency) : ""
            guard let usual else { return "no baseline yet" + others }
            guard let value, usual > 0, let ratio = FigureText.ratio(value / usual) else {
                return "expected \(Wording.value(usual, of: metric))" + others
            }
            return "\(ratio) the expected \(Wording.value(usual, of: metric))" + others
        }
    }

    private static func percentiles(_ latency: LatencyFigures) -> String {
        guard let p50 = latency.p50, let p99 = latency.p99 else { return "" }
        return ", p50 \(Wording.milliseconds(p50)), p99 \(Wording.milliseconds(p99))"
    }

    /// The last three days against the three before, ±10 % being nothing.
    private static func trend(_ metric: String, _ figures: StatusFigures) -> String? {
        guard let before = figures.before?.value(of: metric), let after = figures.after?.value(of: metric), before > 0 else { return nil }
        let change = after / before - 1
        if abs(change) <= 0.1 { return "→ steady over three days" }
        return "\(change > 0 ? "↗ up" : "↘ down") \(Wording.number(abs(change) * 100, places: 0))\u{A0}% over three days"
    }
}
