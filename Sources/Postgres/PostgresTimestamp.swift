import Foundation

/// timestamptz and Date. PostgreSQL counts microseconds since 2000-01-01 UTC; Date counts seconds since 2001-01-01 as a Double, which
/// holds microseconds exactly for some 140 years around it.
enum PostgresTimestamp {
    /// 2000 had 366 days.
    private static let offset: Int64 = 366 * 86_400 * 1_000_000

    static func date(_ microseconds: Int64) -> Date {
        switch microseconds {
        case .max: .distantFuture
        case .min: .distantPast
        default: Date(timeIntervalSinceReferenceDate: Double(microseconds - offset) / 1_000_000)
        }
    }

    /// Since 2000, rounded to the microsecond; `distantFuture` and later is infinity, `distantPast` and earlier -infinity.
    static func microseconds(_ date: Date) -> Int64 {
        guard date < .distantFuture else { return .max }
        guard date > .distantPast else { return .min }
        return Int64((date.timeIntervalSinceReferenceDate * 1_000_000).rounded()) + offset
    }

    /// `2026-02-28 13:45:00.123456+00`, rounded to the microsecond. `distantFuture` and later is infinity, `distantPast` and earlier -infinity.
    static func text(_ date: Date) -> String {
        guard date < .distantFuture else { return "infinity" }
        guard date > .distantPast else { return "-infinity" }
        let sinceReference = (date.timeIntervalSinceReferenceDate * 1_000_000).rounded()
        // Since 1970: 11,323 days before 2001.
        let microseconds = Int64(sinceReference) + 11_323 * 86_400 * 1_000_000
        let (day, rest) = (floorDivide(microseconds, 86_400_000_000), floorModulo(microseconds, 86_400_000_000))
        let civil = CivilDate(daysSince1970: Int(day))
        let seconds = Int(rest / 1_000_000)
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60)
        let fraction = CivilDate.padded(Int(rest % 1_000_000), 6)
        return "\(civil.text) \(CivilDate.padded(hour, 2)):\(CivilDate.padded(minute, 2)):\(CivilDate.padded(second, 2)).\(fraction)+00"
    }

    private static func floorDivide(_ value: Int64, _ by: Int64) -> Int64 {
        value >= 0 ? value / by : -((-value + by - 1) / by)
    }

    private static func floorModulo(_ value: Int64, _ by: Int64) -> Int64 {
        value - floorDivide(value, by) * by
    }
}
