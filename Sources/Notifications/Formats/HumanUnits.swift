import Foundation

/// Figures as a person reads them.
///
/// | | |
/// | --- | --- |
/// | share 0.312 | 31.2 % |
/// | share 0.0042 | 0.42 % |
/// | 840 ms | 840 ms |
/// | 2437 ms | 2.4 s |
/// | health 46.23 | 46 of 100 |
/// | ratio 7.84 | 7.8x |
/// | 2,543 s | 42 min |
enum HumanUnits {
    /// A metric's value in its own unit; `–` where there is none.
    static func value(_ value: Double?, metric: String) -> String {
        guard let value, value.isFinite else { return "–" }
        switch metric {
        case _ where metric.hasSuffix("_rate"): return percent(value)
        case _ where metric.hasPrefix("latency_"): return milliseconds(value)
        case "health_score": return "\(fixed(value, value.rounded() == value || value >= 10 ? 0 : 1)) of 100"
        case "total_events": return "\(count(value)) events"
        default: return fixed(value, abs(value) >= 100 ? 0 : 2)
        }
    }

    /// A share as percent, with the figures that matter.
    static func percent(_ share: Double) -> String {
        let percent = share * 100
        return "\(fixed(percent, percent == 0 || percent >= 99.95 ? 0 : percent < 1 ? 2 : 1)) %"
    }

    /// Milliseconds, or seconds from one second on.
    static func milliseconds(_ value: Double) -> String {
        if value < 999.5 { return "\(fixed(value, value < 10 ? 1 : 0)) ms" }
        return value < 59_950 ? "\(fixed(value / 1000, 1)) s" : duration(value / 1000)
    }

    /// `7.8x`; `120x` from a hundred on; nil where there is none.
    static func ratio(_ ratio: Double?) -> String? {
        guard let ratio, ratio.isFinite else { return nil }
        return ratio >= 99.95 ? "\(count(ratio))x" : "\(fixed(ratio, 1))x"
    }

    /// A whole number with commas.
    static func count(_ value: Double) -> String {
        guard abs(value) < 1e15 else { return fixed(value, 0) }
        var digits = String(Int64(abs(value).rounded()))
        var groups: [String] = []
        while digits.count > 3 {
            groups.insert(String(digits.suffix(3)), at: 0)
            digits.removeLast(3)
        }
        return (value <= -0.5 ? "-" : "") + ([digits] + groups).joined(separator: ",")
    }

    /// A span of time in its largest unit, and the next one where the first is small: `42 min`, `3 h 5 min`, `2 d 4 h`.
    static func duration(_ seconds: Double) -> String {
        let total = Int(max(0, min(seconds, 1e12)).rounded())
        if total < 60 { return "\(total) s" }
        let (minutes, hours, days) = (total / 60, total / 3600, total / 86_400)
        if hours == 0 { return "\(minutes) min" }
        if days == 0 { return minutes % 60 == 0 ? "\(hours) h" : "\(hours) h \(minutes % 60) min" }
        return hours % 24 == 0 ? "\(days) d" : "\(days) d \(hours % 24) h"
    }

    /// `02:14 UTC`, with the day where it is not that of `moment`: `20 Feb, 02:14 UTC`.
    static func time(_ date: Date, seenAt moment: Date) -> String {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        let parts = calendar.dateComponents([.month, .day, .hour, .minute], from: date)
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let clock = "\(two(parts.hour ?? 0)):\(two(parts.minute ?? 0)) UTC"
        if calendar.isDate(date, inSameDayAs: moment) { return clock }
        return "\(parts.day ?? 1) \(months[(parts.month ?? 1) - 1]), \(clock)"
    }

    private static func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }

    private static func fixed(_ value: Double, _ places: Int) -> String {
        String(format: "%.\(places)f", value)
    }
}
