import Foundation

/// What several scores are together. Terms are defined at `DetectionScore`.
public struct DetectionSummary: Sendable, Hashable, Encodable {
    /// Over all histories.
    public var falseAlertsIn30Days: Double?
    /// Alerts that found an incident or came beside one, over all alerts; nil without alerts.
    public var precision: Double?
    /// Incidents that are expected.
    public var expected: Int
    /// Of the expected incidents those found.
    public var recall: Double?
    /// Median delay over the median of the oracle's, of the expected incidents found.
    public var delayRatio: Double?
    /// Seconds, median of the expected incidents found.
    public var delay: Double?
    /// Seconds, the oracle's for the same.
    public var oracleDelay: Double?
    /// Seconds, median of the incidents found and resolved.
    public var resolvedAfter: Double?
    /// Of the incidents found.
    public var attribution: Double?
    /// Mean of the incidents found.
    public var alertsPerIncident: Double?
    /// Repeats over alerts and repeats that belong to incidents.
    public var repeatShare: Double?
    /// False alerts.
    public var falseAlerts: Int
    /// Evaluated days.
    public var days: Double

    /// - Parameters:
    ///   - kind: Only the incidents for which it is true count; false alerts belong to none of them.
    public init(_ scores: [DetectionScore], where isCounted: (Incident) -> Bool = { _ in true }) {
        let outcomes = scores.flatMap(\.outcomes).filter { isCounted($0.known.incident) }
        let expected = outcomes.filter(\.isExpected)
        let found = outcomes.filter { $0.foundAt != nil }
        let expectedAndFound = expected.filter { $0.foundAt != nil }
        days = scores.reduce(0) { $0 + $1.days }
        falseAlerts = scores.reduce(0) { $0 + $1.falseAlerts.count }
        falseAlertsIn30Days = days > 0 ? Double(falseAlerts) / days * 30 : nil
        let good = scores.reduce(0) { $0 + $1.trueAlerts }
        precision = good + falseAlerts > 0 ? Double(good) / Double(good + falseAlerts) : nil
        self.expected = expected.count
        recall = expected.isEmpty ? nil : Double(expectedAndFound.count) / Double(expected.count)
        delay = Self.median(expectedAndFound.compactMap(\.delay))
        oracleDelay = Self.median(expectedAndFound.compactMap(\.oracleDelay))
        delayRatio = delay.flatMap { delay in oracleDelay.map { delay / $0 } }
        resolvedAfter = Self.median(found.compactMap(\.resolvedAfter))
        attribution = found.isEmpty ? nil : Double(found.filter { $0.isAttributed == true }.count) / Double(found.count)
        let alerts = found.reduce(0) { $0 + $1.alerts }
        alertsPerIncident = found.isEmpty ? nil : Double(alerts) / Double(found.count)
        let repeats = outcomes.reduce(0) { $0 + $1.repeats }
        repeatShare = found.isEmpty ? nil : Double(repeats) / Double(found.count + repeats)
    }

    /// The middle one, or the mean of the two in the middle; nil of none.
    static func median(_ values: [Double]) -> Double? {
        guard !values.isEmpty else { return nil }
        let sorted = values.sorted()
        return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    }
}
