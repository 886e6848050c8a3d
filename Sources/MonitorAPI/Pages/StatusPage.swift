import Foundation
import Monitoring

/// What the status page shows: words and markup, ready for its template.
struct StatusPage: Sendable {
    /// A metric: its last hour, its usual value, its day.
    struct Tile: Sendable {
        let name: String
        let value: String
        let caption: String
        let comparison: String
        /// `worse` while an alert stands on it, else `usual`.
        let direction: String
        let chartHTML: String
    }

    /// A row of a small table, with a bar.
    struct Row: Sendable {
        let name: String
        let value: String
        let detail: String
        let barHTML: String
    }

    static let stepSeconds = 1800

    let markHTML = Brand.mark
    let time: String
    let headline: String
    let subline: String
    let healthValue: String
    let gaugeHTML: String
    let tone: PageFrame.Tone
    let alerts: [AlertCard]
    let isQuiet: Bool
    let tiles: [Tile]
    let models: [Row]
    let hasModels: Bool
    let reasons: [Row]
    let hasReasons: Bool
    let notes: [AlertCard.Figure]
    let isRefreshing: Bool

    init(
        now: Date, open: [Alert], held: [Alert], baseline: BaselineSnapshot?, day: TrendQueries.Step?, hour: TrendQueries.Step?,
        steps: [TrendQueries.Step], marks: [TrendQueries.Mark], gauges: StateQueries.Gauges, models: [SliceFigures],
        reasons: [FallbackReason],
        refresh: Int
    ) {
        time = Wording.time(now)
        let worst = open.map(\.severity).max()
        headline = Self.headline(open: open, held: held)
        tone = open.first { $0.severity == worst }?.tone ?? (held.isEmpty ? (day == nil ? .neutral : .calm) : .watch)
        let health = day?.value(of: "health_score")
        healthValue = health.map { Wording.number($0, places: 0) } ?? "–"
        gaugeHTML = Self.gauge(health)
        subline =
            day.map {
                "\(Wording.count($0.totalEvents)) events in the last 24 hours, \(Wording.count(hour?.totalEvents ?? 0)) in the last one."
            } ?? "No events in the last 24 hours."
        alerts = (open + held).sorted {
            ($0.status == .open ? 1 : 0, $0.severity, $0.openedAt) > ($1.status == .open ? 1 : 0, $1.severity, $1.openedAt)
        }
        .map { AlertCard($0, now: now) }
        isQuiet = alerts.isEmpty
        tiles = ["fallback_rate", "error_rate", "latency_p95", "duplicate_rate", "total_events"].map { metric in
            Self.tile(metric, last: hour, day: day, steps: steps, baseline: baseline, marks: marks, now: now)
        }
        self.models = models.map { slice in
            Row(
                name: slice.value ?? "no model named", value: slice.fallbackRate.map(Wording.percent) ?? "–",
                detail: "\(Wording.count(slice.totalEvents)) events, errors \(slice.errorRate.map(Wording.percent) ?? "–"), "
                    + "p95 \(Wording.value(slice.latencyP95, of: "latency_p95"))",
                barHTML: Self.bar((slice.fallbackRate ?? 0) / max(0.05, models.compactMap(\.fallbackRate).max() ?? 0)))
        }
        hasModels = !models.isEmpty
        self.reasons = reasons.map { reason in
            Row(
                name: reason.reason, value: Wording.count(reason.count), detail: "",
                barHTML: Self.bar(Double(reason.count) / Double(max(1, reasons.map(\.count).max() ?? 1))))
        }
        hasReasons = !reasons.isEmpty
        notes = Self.notes(gauges, baseline, now: now)
        isRefreshing = refresh >= 5
    }

    private static func headline(open: [Alert], held: [Alert]) -> String {
        switch (open.count, held.count) {
        case (0, 0): "All quiet"
        case (0, 1): "One alert, and \(held[0].acknowledgedBy ?? "somebody") has it"
        case (0, _): "\(held.count) alerts, all in hand"
        case (1, _): "\(AlertCard.title(of: open[0])), and nobody has it"
        default: "\(open.count) alerts that nobody has"
        }
    }

    private static func tile(
        _ metric: String, last: TrendQueries.Step?, day: TrendQueries.Step?, steps: [TrendQueries.Step], baseline: BaselineSnapshot?,
        marks: [TrendQueries.Mark], now: Date
    ) -> Tile {
        let usual = baseline?.value(of: metric)
        let recent = last?.value(of: metric)
        let value = recent ?? day?.value(of: metric)
        var comparison = usual.map { "expected \(Wording.value($0, of: metric))" } ?? "no baseline yet"
        if metric == "total_events" { comparison = "\(Wording.value(Double(day?.totalEvents ?? 0), of: metric)) in the last 24 hours" }
        // Whether a ratio means anything is the evaluation's to say: the colour follows the alerts.
        let isWorse = marks.contains { $0.metricName == metric && $0.span.end == nil }
        if let value, let usual, usual > 0 {
            let ratio = value / usual
            comparison = "\(FigureText.ratio(ratio) ?? "–") the expected \(Wording.value(usual, of: metric))"
        }
        let chart = Chart(
            metric: metric, steps: steps, from: now.addingTimeInterval(-86_400), until: now, seconds: stepSeconds, baseline: usual,
            marks: marks,
            hasAxes: true)
        return Tile(
            name: Wording.metric(metric), value: Wording.value(value, of: metric),
            caption: recent == nil && value != nil ? "last 24 hours" : "last hour", comparison: comparison,
            direction: isWorse ? "worse" : "usual",
            chartHTML: chart.html)
    }

    /// A ring that fills with health, 0 to 100.
    private static func gauge(_ health: Double?) -> String {
        let length = 2 * Double.pi * 42
        let filled = length * min(max((health ?? 0) / 100, 0), 1)
        let arc = "\(Wording.number(filled, places: 1)) \(Wording.number(length, places: 1))"
        return """
            <svg class="gauge" viewBox="0 0 100 100" aria-hidden="true"><circle class="rail" cx="50" cy="50" r="42"/>\
            <circle class="fill" cx="50" cy="50" r="42" stroke-dasharray="\(arc)" transform="rotate(-90 50 50)"/></svg>
            """
    }

    static func bar(_ share: Double) -> String {
        let width = Int((min(max(share, 0), 1) * 100).rounded())
        return
            #"<svg class="bar" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true"><rect class="rail" width="100" height="4"/>"#
            + #"<rect class="fill" width="\#(width)" height="4"/></svg>"#
    }

    private static func notes(_ gauges: StateQueries.Gauges, _ baseline: BaselineSnapshot?, now: Date) -> [AlertCard.Figure] {
        let waiting = (gauges.notifications["pending"] ?? 0) + (gauges.notifications["sending"] ?? 0)
        let dead = gauges.notifications["dead"] ?? 0
        return [
            .init(
                name: "Events rolled up", value: gauges.rolledUpAt.map { "\(Wording.span(now.timeIntervalSince($0))) ago" } ?? "never yet"),
            .init(name: "Messages waiting", value: Wording.count(waiting)),
            .init(name: "Messages given up", value: Wording.count(dead)),
            .init(
                name: "Baseline",
                value: baseline.map { "\($0.baselineStartDate) to \($0.baselineEndDate), \(Wording.count($0.totalEvents)) events" }
                    ?? "none yet"),
        ]
    }
}
