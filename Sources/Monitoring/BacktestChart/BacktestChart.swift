import Foundation

/// A comparison of threshold sets as a drawing: time goes to the right, each set has a lane, each alert a bar in the colours of its
/// severities. One SVG document without script, font or picture from elsewhere, for light and for dark.
public struct BacktestChart: Sendable, Hashable {
    /// What is drawn.
    public let comparison: BacktestComparison

    /// - Parameter comparison: Of one set or more, with the same times.
    public init(_ comparison: BacktestComparison) {
        self.comparison = comparison
    }

    /// Rows of a lane at most: alerts that find no place of their own share the last.
    static let mostRows = 8

    // In the drawing's units, which are pixels where it is shown as it is.
    static let width = 1120.0
    static let left = 232.0
    static let right = 24.0
    static let top = 84.0
    static let row = 22.0
    static let lanePadding = 9.0

    /// An alert in its row of a lane.
    struct Bar: Sendable, Hashable {
        var alert: BacktestAlert
        /// From 0.
        var row: Int
        /// The times in which it was open, with the severity that it had then; in order, without gaps but where it was resolved meanwhile.
        var stretches: [Stretch]
    }

    /// A time with one severity.
    struct Stretch: Sendable, Hashable {
        var from: Date
        var until: Date
        var severity: Severity
    }

    /// A mark of the axis.
    struct Tick: Sendable, Hashable {
        var at: Date
        /// `14:00`, or `21 Feb`.
        var label: String
        /// Whether a day begins with it.
        var isDay: Bool
    }

    /// The first moment; the start of 1970 where there is nothing.
    var from: Date { comparison.entries.first?.report.from ?? Date(timeIntervalSince1970: 0) }
    /// After `from`.
    var to: Date { max(comparison.entries.first?.report.to ?? from, from.addingTimeInterval(1)) }

    /// The alerts of a set, each in the first row that is free when it opens.
    func bars(of entry: BacktestComparison.Entry) -> [Bar] {
        // A bar of a short alert takes some room all the same.
        let least = to.timeIntervalSince(from) / (Self.width - Self.left - Self.right) * 4
        var ends: [Date] = []
        return entry.report.alerts.sorted { $0.openedAt < $1.openedAt }.map { alert in
            let end = max(alert.resolvedAt ?? to, alert.openedAt.addingTimeInterval(least))
            let free = ends.firstIndex { $0 <= alert.openedAt }
            let row = free ?? min(ends.count, Self.mostRows - 1)
            if row < ends.count { ends[row] = max(ends[row], end) } else { ends.append(end) }
            return Bar(alert: alert, row: row, stretches: stretches(alert))
        }
    }

    private func stretches(_ alert: BacktestAlert) -> [Stretch] {
        let steps = alert.transitions
        return steps.indices.compactMap { index in
            guard steps[index].transition != .resolved else { return nil }
            let until = index + 1 < steps.count ? steps[index + 1].at : alert.resolvedAt ?? to
            return Stretch(from: max(steps[index].at, from), until: min(max(until, steps[index].at), to), severity: steps[index].severity)
        }
    }

    /// Ten at most, at round times of UTC.
    var ticks: [Tick] {
        let steps: [Double] = [900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800, 1_209_600, 2_419_200]
        let length = to.timeIntervalSince(from)
        let step = steps.first { length / $0 <= 10 } ?? (length / 10)
        // Weeks from a Monday on.
        let origin = step >= 604_800 ? 4 * 86_400.0 : 0
        var at = ((from.timeIntervalSince1970 - origin) / step).rounded(.up) * step + origin
        var ticks: [Tick] = []
        while at <= to.timeIntervalSince1970, ticks.count < 12 {
            let isDay = at.truncatingRemainder(dividingBy: 86_400) == 0
            ticks.append(Tick(at: Date(timeIntervalSince1970: at), label: Self.label(at, isDay: isDay), isDay: isDay))
            at += step
        }
        return ticks
    }

    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    private static func label(_ seconds: Double, isDay: Bool) -> String {
        let text = MonitoringJSON.timestamp(Date(timeIntervalSince1970: seconds))
        guard isDay else { return String(text.dropFirst(11).prefix(5)) }
        let day = text.prefix(10).split(separator: "-")
        return "\(Int(day[2]) ?? 0) \(months[((Int(day[1]) ?? 1) - 1) % 12])"
    }
}
