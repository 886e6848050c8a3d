import Foundation

/// A line over time, made on the server: SVG without script or style of its own.
///
/// The drawing stretches to whatever room it has, so strokes do not scale, and all words stand beside it as HTML.
struct Chart: Sendable, Hashable {
    /// What was measured in one stretch of time; nil where nothing was.
    struct Point: Sendable, Hashable {
        var at: Date
        var value: Double?
    }

    /// When an alert stood.
    struct Span: Sendable, Hashable {
        var start: Date
        /// nil: it still does.
        var end: Date?
        var severity: String
    }

    /// What the values are of: `fallback_rate`, …
    var metric: String
    var start: Date
    var end: Date
    /// Oldest first.
    var points: [Point]
    var baseline: Double?
    var spans: [Span] = []
    /// With scale and times beside it.
    var hasAxes: Bool

    /// The highest value that there is room for: a round number above all values and the baseline.
    var ceiling: Double {
        if metric == "health_score" { return 100 }
        let highest = max(points.compactMap(\.value).max() ?? 0, (baseline ?? 0) * 1.3)
        let least = metric == "latency_p95" ? 100 : metric == "total_events" ? 10 : 0.01
        return Self.rounded(above: max(highest * 1.05, least))
    }

    /// Markup of a figure.
    var html: String {
        let drawing = """
            <svg viewBox="0 0 \(Self.width) \(Self.height)" preserveAspectRatio="none" role="img" aria-label="\(HTMLText.escape(words))">\
            \(grid)\(shades)\(area)\(baselineLine)\(line)\(dot)</svg>
            """
        guard hasAxes else { return "<div class=\"chart small\">\(drawing)</div>" }
        let scale = [ceiling, ceiling / 2, 0].map { "<span>\(Wording.tick($0, of: metric))</span>" }.joined()
        let times = ticks.map { tick in
            let anchor = tick.share < 0.04 ? " class=\"first\"" : tick.share > 0.96 ? " class=\"last\"" : ""
            return "<text\(anchor) x=\"\(Self.text(tick.share * 100))%\" y=\"12\">\(tick.label)</text>"
        }.joined()
        return """
            <div class="chart wide"><div class="scale" aria-hidden="true">\(scale)</div><div class="plot">\(drawing)</div>\
            <svg class="times" aria-hidden="true">\(times)</svg></div>
            """
    }

    /// The same in words, for those who do not see it.
    private var words: String {
        let values = points.compactMap(\.value)
        let span = Wording.span(end.timeIntervalSince(start))
        guard let lowest = values.min(), let highest = values.max(), let last = values.last else {
            return "\(Wording.metric(metric)) over \(span): no events."
        }
        let shown = [lowest, highest, last].map { Wording.value($0, of: metric) }
        let usual = baseline.map { "; expected \(Wording.value($0, of: metric))" } ?? ""
        let stood = spans.isEmpty ? "" : "; an alert stood \(spans.count == 1 ? "once" : "\(spans.count) times")"
        return "\(Wording.metric(metric)) over \(span): from \(shown[0]) to \(shown[1]), last \(shown[2])\(usual)\(stood)."
    }

    private static let width = 600.0
    private static let height = 160.0

    private var grid: String {
        guard hasAxes else { return "" }
        let levels = [0.0, 0.5, 1].map { share in
            #"<line class="grid" x1="0" x2="\#(Self.text(Self.width))" y1="\#(Self.text(Self.height * share))" y2="\#(Self.text(Self.height * share))"/>"#
        }
        let moments = ticks.map { tick in
            #"<line class="grid" x1="\#(Self.text(Self.width * tick.share))" x2="\#(Self.text(Self.width * tick.share))" y1="0" y2="\#(Self.text(Self.height))"/>"#
        }
        return (levels + moments).joined()
    }

    /// Round moments, at most six: where each stands between start (0) and end (1), and how it reads. Midnight reads as its day.
    var ticks: [(share: Double, label: String)] {
        let length = end.timeIntervalSince(start)
        guard length > 0 else { return [] }
        let step = Self.tickSteps.first { length / $0 <= 5 } ?? length
        let first = (start.timeIntervalSince1970 / step).rounded(.up) * step
        return stride(from: first, through: end.timeIntervalSince1970, by: step).map { seconds in
            (
                (seconds - start.timeIntervalSince1970) / length,
                Wording.tick(Date(timeIntervalSince1970: seconds), isDay: seconds.truncatingRemainder(dividingBy: 86_400) == 0)
            )
        }
    }

    /// Seconds between two ticks.
    private static let tickSteps: [Double] = [
        300, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 432_000, 864_000, 2_592_000,
    ]

    private var shades: String {
        spans.map { span in
            let left = x(span.start)
            let right = max(x(span.end ?? end), left + 2)
            return
                #"<rect class="span \#(HTMLText.escape(span.severity))" x="\#(Self.text(left))" y="0" width="\#(Self.text(right - left))" height="\#(Self.text(Self.height))"/>"#
        }.joined()
    }

    private var baselineLine: String {
        guard let baseline else { return "" }
        let level = Self.text(y(baseline))
        return #"<line class="baseline" x1="0" x2="\#(Self.text(Self.width))" y1="\#(level)" y2="\#(level)"/>"#
    }

    private var line: String {
        let path = runs.map { run in
            run.enumerated().map { index, point in "\(index == 0 ? "M" : "L")\(point)" }.joined()
                + (run.count == 1 ? "h0.01" : "")
        }.joined()
        return path.isEmpty ? "" : #"<path class="line" d="\#(path)"/>"#
    }

    private var area: String {
        let path = runs.filter { $0.count > 1 }.map { run in
            let first = run[0].split(separator: " ")[0]
            let last = run[run.count - 1].split(separator: " ")[0]
            return "M\(first) \(Self.text(Self.height))" + run.map { "L\($0)" }.joined() + "L\(last) \(Self.text(Self.height))Z"
        }.joined()
        return path.isEmpty ? "" : #"<path class="area" d="\#(path)"/>"#
    }

    /// A line of no length with a round end stays round, however the drawing is stretched.
    private var dot: String {
        guard let last = points.last(where: { $0.value != nil }), let value = last.value else { return "" }
        return #"<path class="dot" d="M\#(Self.text(x(last.at))) \#(Self.text(y(value)))h0.01"/>"#
    }

    /// The points as `x y`, in runs without a gap.
    private var runs: [[String]] {
        points.split { $0.value == nil }.map { run in run.map { "\(Self.text(x($0.at))) \(Self.text(y($0.value ?? 0)))" } }
    }

    private func x(_ moment: Date) -> Double {
        let share = moment.timeIntervalSince(start) / max(1, end.timeIntervalSince(start))
        return min(max(share, 0), 1) * Self.width
    }

    private func y(_ value: Double) -> Double {
        Self.height * (1 - min(max(value / ceiling, 0), 1))
    }

    /// 1, 1.5, 2, 3, 4, 5, 6 or 8 times a power of ten.
    private static func rounded(above value: Double) -> Double {
        let power = pow(10, (log10(value)).rounded(.down))
        return ([1, 1.5, 2, 3, 4, 5, 6, 8, 10].first { $0 * power >= value } ?? 10) * power
    }

    /// With one decimal, whatever the locale.
    private static func text(_ number: Double) -> String {
        let tenths = Int((number * 10).rounded())
        return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
    }
}
