import Foundation

/// The header that says when to come back, kept within a second and an hour.
enum RetryAfter {
    /// - Parameters:
    ///   - text: Seconds, whole or with a fraction, or an HTTP date in any of its three forms.
    ///   - moment: What a date is measured from.
    /// - Returns: 1 s to 1 h; nil for what is neither.
    static func duration(_ text: String, at moment: Date) -> Duration? {
        let text = text.trimmingCharacters(in: .whitespaces)
        guard text.utf8.count <= 64 else { return nil }
        if let first = text.utf8.first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first), let seconds = Double(text) {
            return clamped(seconds)
        }
        return date(text).map { clamped($0.timeIntervalSince(moment)) }
    }

    private static func clamped(_ seconds: Double) -> Duration {
        .milliseconds(Int64((min(3600, max(1, seconds)) * 1000).rounded(.up)))
    }

    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// RFC 9110, 5.6.7: `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT`, `Sun Nov  6 08:49:37 1994`.
    private static func date(_ text: String) -> Date? {
        var words = text.split(whereSeparator: { $0 == " " || $0 == "," || $0 == "-" }).map(String.init)
        guard words.count >= 5 else { return nil }
        words.removeFirst()
        let isOldC = months.contains(words[0])
        let (day, month, year, time) = isOldC ? (words[1], words[0], words[3], words[2]) : (words[0], words[1], words[2], words[3])
        let clock = time.split(separator: ":").compactMap { Int($0) }
        guard let day = Int(day), let month = months.firstIndex(of: month), var year = Int(year), clock.count == 3 else { return nil }
        if year < 100 { year += year < 70 ? 2000 : 1900 }
        var components = DateComponents()
        (components.year, components.month, components.day) = (year, month + 1, day)
        (components.hour, components.minute, components.second) = (clock[0], clock[1], clock[2])
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        return calendar.date(from: components)
    }
}
