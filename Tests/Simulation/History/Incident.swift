public import Foundation

/// Something that happens in a history, and the truth about it.
public struct Incident: Sendable, Hashable {
    /// What happens.
    public enum Kind: String, Sendable, Hashable, Codable, CaseIterable {
        /// More fallbacks.
        case fallback
        /// More rewards of 0.3 and below.
        case error
        /// More events that were retried.
        case duplicates
        /// Durations are multiplied.
        case latency
        /// Rewards turn mediocre: between 0.3 and 0.5, neither good nor failed.
        case health
        /// The slice's model takes over: its weight is multiplied at the cost of the others.
        case mix
        /// Events stop or become few.
        case gap
        /// Many more events, as good as ever.
        case surge
        /// A new version takes over its backend bit by bit, as good as the old one, and stays.
        case rollout

        /// Whether nobody should hear of it.
        public var isHarmless: Bool { self == .surge || self == .rollout }
    }

    /// What happens.
    public var kind: Kind
    /// What it multiplies: the rate of its bad events, the durations, the model's weight, the traffic.
    public var factor: Double
    /// The first moment.
    public var start: Date
    /// The first moment when all is as before.
    public var end: Date
    /// Seconds from the start in which the factor grows evenly from 1; over 0 it is a drift.
    public var rampSeconds: Double
    /// Which events; nil for all.
    public var slice: Slice?
    /// Which share of its backend's events a version has that is new: the slice's version exists while the incident lasts.
    public var newVersionShare: Double?

    /// - Parameters:
    ///   - hours: From start to end.
    ///   - rampHours: Over 0 for a slow drift.
    public init(
        _ kind: Kind, factor: Double, start: Date, hours: Double, rampHours: Double = 0, slice: Slice? = nil, newVersionShare: Double? = nil
    ) {
        self.kind = kind
        self.factor = factor
        self.start = start
        end = start.addingTimeInterval(hours * 3600)
        rampSeconds = rampHours * 3600
        self.slice = slice
        self.newVersionShare = newVersionShare
    }

    /// Whether it comes slowly.
    public var isDrift: Bool { rampSeconds > 0 }

    /// The factor at a moment, 1 outside of the incident.
    ///
    /// - Parameter seconds: Since 1970.
    public func factor(at seconds: Double) -> Double {
        guard seconds >= start.timeIntervalSince1970, seconds < end.timeIntervalSince1970 else { return 1 }
        guard rampSeconds > 0 else { return factor }
        return 1 + (factor - 1) * min(1, (seconds - start.timeIntervalSince1970) / rampSeconds)
    }
}
