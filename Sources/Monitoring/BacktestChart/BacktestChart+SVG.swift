import Foundation

extension BacktestChart {
    /// The document, in UTF-8. The same comparison gives the same text.
    public var svg: String {
        var grounds: [String] = []
        var lanes: [String] = []
        var y = Self.top
        for entry in comparison.entries {
            let bars = bars(of: entry)
            let height = Double(max(1, (bars.map(\.row).max() ?? 0) + 1)) * Self.row + 2 * Self.lanePadding
            if lanes.count % 2 == 0 {
                grounds.append(
                    #"<rect class="lane" x="0" y="\#(Self.text(y))" width="\#(Self.text(Self.width))" height="\#(Self.text(height))"/>"#)
            }
            lanes.append(lane(entry, bars, y))
            y += height
        }
        let height = y + 40
        return """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(Self.text(Self.width)) \(Self.text(height))" width="\(Self.text(Self.width))" \
            height="\(Self.text(height))" role="img" aria-label="\(Self.escaped(words))">
            <style>\(Self.style)</style>
            <rect class="ground" width="100%" height="100%"/>
            <text class="title" x="24" y="36">\(Self.escaped(title))</text>
            \(legend)
            \(grounds.joined())
            \(axis(y))
            \(lanes.joined(separator: "\n"))
            </svg>

            """
    }

    private var title: String { "Alerts from \(Self.time(from)) to \(Self.time(to)) UTC" }

    /// For those who do not see it.
    private var words: String {
        let sets = comparison.entries.map { entry in
            let alerts = entry.report.alerts
            return "\(Self.limited(entry.name, to: 60)): \(alerts.count) alert\(alerts.count == 1 ? "" : "s")"
        }
        return ([title] + sets).joined(separator: "; ")
    }

    private var legend: String {
        var x = 24.0
        return Severity.allCases.sorted().map { severity in
            defer { x += 100 }
            return """
                <rect class="\(severity.rawValue)" x="\(Self.text(x))" y="52" width="14" height="14" rx="3"/>\
                <text class="note" x="\(Self.text(x + 20))" y="64">\(severity.rawValue)</text>
                """
        }.joined()
    }

    private func lane(_ entry: BacktestComparison.Entry, _ bars: [Bar], _ y: Double) -> String {
        let alerts = entry.report.alerts
        let hours = alerts.reduce(0.0) { $0 + ($1.resolvedAt ?? to).timeIntervalSince($1.openedAt) } / 3600
        let count = alerts.isEmpty ? "no alert" : "\(alerts.count) alert\(alerts.count == 1 ? "" : "s"), \(Self.text(hours)) h open"
        return """
            <g><text class="name" x="24" y="\(Self.text(y + 17))">\(Self.escaped(Self.limited(entry.name, to: 30)))</text>\
            <text class="note" x="24" y="\(Self.text(y + 33))">\(count)</text>
            \(bars.map { bar in drawing(of: bar, y + Self.lanePadding, next: bars.filter { $0.row == bar.row }.map(\.alert.openedAt)) }
                .joined(separator: "\n"))</g>
            """
    }

    /// - Parameter next: When the alerts of its row open.
    private func drawing(of bar: Bar, _ laneTop: Double, next: [Date]) -> String {
        let alert = bar.alert
        let affected = [alert.affected.model, alert.affected.backend, alert.affected.agent, alert.affected.version].compactMap { $0 }
        let what = ([alert.alertType] + affected.map { Self.limited($0, to: 60) }).joined(separator: " · ")
        let end = alert.resolvedAt.map { "to \(Self.time($0))" } ?? "open at the end"
        let top = laneTop + Double(bar.row) * Self.row + 2
        let pieces = bar.stretches.map { stretch -> String in
            let start = x(stretch.from)
            return #"<rect class="\#(stretch.severity.rawValue)" x="\#(Self.text(start))" y="\#(Self.text(top))" "#
                + #"width="\#(Self.text(max(x(stretch.until) - start, 3)))" height="\#(Self.text(Self.row - 4))"/>"#
        }
        // A word where it fits: in the bar, or behind it where nothing else is drawn.
        let start = x(max(alert.openedAt, from)), stop = max(x(alert.resolvedAt ?? to), start + 3)
        let free = next.filter { $0 > alert.openedAt }.map(x).min() ?? Self.width - 8
        let inside = Int((stop - start - 10) / Self.letter), behind = Int((free - stop - 10) / Self.letter)
        let (count, place, style) =
            inside >= what.count || inside >= min(behind, what.count) ? (inside, start + 5, "on") : (behind, stop + 5, "beside")
        let label =
            count >= 6
            ? #"<text class="\#(style)" x="\#(Self.text(place))" y="\#(Self.text(top + 13))">\#(Self.escaped(Self.limited(what, to: count)))</text>"#
            : ""
        return "<g><title>\(Self.escaped("\(what): \(alert.peakSeverity.rawValue), from \(Self.time(alert.openedAt)) \(end)"))</title>"
            + pieces.joined() + label + "</g>"
    }

    private func axis(_ y: Double) -> String {
        let lines = ticks.map { tick -> String in
            let place = Self.text(x(tick.at))
            return
                #"<line class="tick\#(tick.isDay ? " day" : "")" x1="\#(place)" x2="\#(place)" y1="\#(Self.text(Self.top))" y2="\#(Self.text(y + 5))"/>"#
                + #"<text class="note time" x="\#(place)" y="\#(Self.text(y + 20))">\#(tick.label)</text>"#
        }
        let edge =
            #"<line class="edge" x1="\#(Self.text(Self.left))" x2="\#(Self.text(Self.width - Self.right))" y1="\#(Self.text(y))" y2="\#(Self.text(y))"/>"#
        return lines.joined() + edge
    }

    private func x(_ moment: Date) -> Double {
        let share = moment.timeIntervalSince(from) / to.timeIntervalSince(from)
        return Self.left + min(max(share, 0), 1) * (Self.width - Self.left - Self.right)
    }

    // MARK: - Text

    /// The width of one, at most.
    private static let letter = 7.0

    private static func time(_ moment: Date) -> String {
        String(MonitoringJSON.timestamp(moment).prefix(16)).replacing("T", with: " ")
    }

    /// With one decimal where it has one, whatever the locale.
    private static func text(_ number: Double) -> String {
        let tenths = Int((number * 10).rounded())
        return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(abs(tenths % 10))"
    }

    private static func limited(_ text: String, to count: Int) -> String {
        text.count > count ? text.prefix(max(1, count - 1)) + "…" : text
    }

    /// Names come from events, and may hold anything; XML has no place for most control characters, however they are written.
    private static func escaped(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.filter { $0.value >= 32 && $0.value != 127 && !($0.value >= 0xFFFE && $0.value <= 0xFFFF) })
        )
        .replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;").replacing("\"", with: "&quot;")
    }

    /// The colours of the pages.
    private static let style = """

        text { font-family: "Inter", "Segoe UI", "Helvetica Neue", system-ui, "DejaVu Sans", sans-serif; font-size: 12px; fill: #15211f; }
        .ground { fill: #fff; } .lane { fill: #f3f5f3; } .title { font-size: 18px; font-weight: 650; } .name { font-size: 13px; font-weight: 650; }
        .note { fill: #586661; } .time { text-anchor: middle; } .tick { stroke: #7d8c86; stroke-opacity: .22; } .day { stroke-opacity: .5; }
        .edge { stroke: #7d8c86; } .beside { font-size: 11px; fill: #586661; } .on { font-size: 11px; font-weight: 600; fill: #fff; }
        .low { fill: #2f5f8a; } .medium { fill: #8a5a00; } .high { fill: #c2410c; } .critical { fill: #b3142b; }
        @media (prefers-color-scheme: dark) {
          text { fill: #e6ece9; } .ground { fill: #0c1312; } .lane { fill: #141d1b; } .note, .beside { fill: #9db0a9; } .on { fill: #0c1312; }
          .low { fill: #8fc1ef; } .medium { fill: #f2c14e; } .high { fill: #ff9f6b; } .critical { fill: #ff8c9a; }
        }

        """
}
