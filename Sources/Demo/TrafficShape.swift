public import Foundation

/// How many events an hour there are at a moment: more by day than by night, fewer at the weekend (UTC).
public struct TrafficShape: Sendable, Hashable {
    /// Mean events an hour over a working day.
    public var eventsPerHour: Double
    /// How far the day's peak (14:00) lies above and its valley (02:00) below the mean, 0 to 1.
    public var dailySwing: Double
    /// Factor for Saturday and Sunday.
    public var weekend: Double

    /// The default is a small company's console.
    public init(eventsPerHour: Double = 240, dailySwing: Double = 0.5, weekend: Double = 0.75) {
        self.eventsPerHour = eventsPerHour
        self.dailySwing = dailySwing
        self.weekend = weekend
    }

    /// Expected events an hour at `moment`.
    public func rate(at moment: Date) -> Double {
        let seconds = moment.timeIntervalSince1970
        let hour = (seconds / 3600).truncatingRemainder(dividingBy: 24)
        // 1970-01-01 was a Thursday: day 2 and 3 of each seven are Saturday and Sunday.
        let weekday = Int((seconds / 86_400).rounded(.down)) % 7
        let day = 1 + dailySwing * cos((hour - 14) / 24 * 2 * .pi)
        return eventsPerHour * day * (weekday == 2 || weekday == 3 ? weekend : 1)
    }
}
