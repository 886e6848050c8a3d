public import Foundation

/// What the same time would have brought under several threshold sets, side by side.
public struct BacktestComparison: Sendable, Hashable {
    /// A set of thresholds and what it would have brought.
    public struct Entry: Sendable, Hashable, Encodable {
        /// As it was given, `settings` for the settings' own.
        public var name: String
        /// What stood over the settings' own; nil: nothing did.
        public var thresholds: ThresholdOverrides?
        /// Under it.
        public var report: BacktestReport

        /// Names a report.
        public init(name: String, thresholds: ThresholdOverrides?, report: BacktestReport) {
            self.name = name
            self.thresholds = thresholds
            self.report = report
        }
    }

    /// What the sets say of the same trouble: alerts of one type on the same slice whose times overlap.
    public struct Incident: Sendable, Hashable {
        /// `error_spike`, …
        public var alertType: String
        /// Who caused it, as the first set that saw it says.
        public var affected: BacktestAlert.Affected
        /// When the first set would have opened an alert.
        public var openedAt: Date
        /// When the last alert would have ended; nil where one was open at the end.
        public var resolvedAt: Date?
        /// Of each set, in their order, what it would have raised; empty where it would have kept silent.
        public var alerts: [[BacktestAlert]]
    }

    /// In the order given, with the same times.
    public let entries: [Entry]

    /// Puts reports of the same time side by side.
    public init(_ entries: [Entry]) {
        self.entries = entries
    }

    /// In the order of their opening.
    public var incidents: [Incident] {
        struct Key: Hashable {
            var alertType: String
            var affected: BacktestAlert.Affected
        }
        let all = entries.enumerated().flatMap { set, entry in entry.report.alerts.map { (set: set, alert: $0) } }
            .sorted { $0.alert.openedAt < $1.alert.openedAt }
        var incidents: [Incident] = []
        // The latest of each; an alert that begins while it lasts belongs to it.
        var latest: [Key: Int] = [:]
        for (set, alert) in all {
            let key = Key(alertType: alert.alertType, affected: alert.affected)
            if let index = latest[key], incidents[index].resolvedAt.map({ alert.openedAt <= $0 }) ?? true {
                incidents[index].alerts[set].append(alert)
                incidents[index].resolvedAt = incidents[index].resolvedAt.flatMap { end in alert.resolvedAt.map { max(end, $0) } }
            } else {
                var alerts = [[BacktestAlert]](repeating: [], count: entries.count)
                alerts[set] = [alert]
                latest[key] = incidents.count
                incidents.append(
                    Incident(
                        alertType: alert.alertType, affected: alert.affected, openedAt: alert.openedAt, resolvedAt: alert.resolvedAt,
                        alerts: alerts))
            }
        }
        return incidents
    }

    /// A line for each set: the worst severity that stood open, over the time in so many equal parts; nil where none did.
    ///
    /// - Parameter columns: 1 or more.
    public func courses(columns: Int) -> [[Severity?]] {
        entries.map { entry in
            let start = entry.report.from.timeIntervalSince1970
            let width = max(1, entry.report.to.timeIntervalSince1970 - start) / Double(max(1, columns))
            var course = [Severity?](repeating: nil, count: max(1, columns))
            for alert in entry.report.alerts {
                for (from, until, severity) in Self.stretches(alert, end: entry.report.to) {
                    let first = Int((from.timeIntervalSince1970 - start) / width)
                    let last = Int((until.timeIntervalSince1970 - start) / width)
                    for column in max(0, first)...max(0, max(first, last)) where column < course.count {
                        course[column] = course[column].map { max($0, severity) } ?? severity
                    }
                }
            }
            return course
        }
    }

    /// The times in which it was open, with the severity that it had.
    private static func stretches(_ alert: BacktestAlert, end: Date) -> [(from: Date, until: Date, severity: Severity)] {
        let steps = alert.transitions
        return steps.indices.compactMap { index in
            guard steps[index].transition != .resolved else { return nil }
            let until = index + 1 < steps.count ? steps[index + 1].at : alert.resolvedAt ?? end
            return (steps[index].at, until, steps[index].severity)
        }
    }
}

extension BacktestComparison: Encodable {
    /// `{"sets": [{"name", "thresholds", "report"}]}`
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(entries, forKey: .sets)
    }

    private enum CodingKeys: String, CodingKey {
        case sets
    }
}
