import Foundation

/// How the hours of a week differ in traffic (UTC).
public struct WeeklyShape: Sendable, Hashable {
    /// Traffic at 02:00 over that at 14:00, 0 to 1; a cosine between them.
    public var night: Double
    /// Traffic of Saturdays and Sundays over that of working days.
    public var weekend: Double

    /// The default is an office's week.
    public init(night: Double = 0.25, weekend: Double = 0.5) {
        self.night = night
        self.weekend = weekend
    }

    /// Every hour alike.
    public static let flat = WeeklyShape(night: 1, weekend: 1)

    /// Traffic at a moment over the mean of a week.
    ///
    /// | default shape | 02:00 | 08:00 | 14:00 |
    /// | --- | --- | --- | --- |
    /// | a working day | 0.467 | 1.167 | 1.867 |
    /// | Saturday, Sunday | 0.233 | 0.583 | 0.933 |
    ///
    /// - Parameter seconds: Since 1970.
    public func factor(at seconds: Double) -> Double {
        let hour = (seconds / 3600).truncatingRemainder(dividingBy: 24)
        let day = (1 + night) / 2 + (1 - night) / 2 * cos((hour - 14) / 24 * 2 * .pi)
        // 1970-01-01 was a Thursday.
        let weekday = Int((seconds / 86_400).rounded(.down)) % 7
        let isWeekend = weekday == 2 || weekday == 3
        return day * (isWeekend ? weekend : 1) / ((1 + night) / 2 * (5 + 2 * weekend) / 7)
    }
}
