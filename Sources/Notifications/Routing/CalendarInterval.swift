public import Foundation

/// Times that come back: `22:00` to `24:00` from Monday to Friday, the last three days of a month, all of December.
///
/// An element of Alertmanager's `time_intervals`: every part that is given must hold, and of each part one range must.
public struct CalendarInterval: Sendable, Hashable {
    /// Minutes of the day, the end excluded.
    private let times: [Range<Int>]
    /// 0 is Sunday.
    private let weekdays: [ClosedRange<Int>]
    /// 1 to 31, or -31 to -1 from the end of the month.
    private let daysOfMonth: [ClosedRange<Int>]
    private let months: [ClosedRange<Int>]
    private let years: [ClosedRange<Int>]
    private let calendar: Calendar

    /// Reads the parts as Alertmanager writes them.
    ///
    /// - Parameters:
    ///   - times: `22:00-24:00`; the end comes after the start, on the same day.
    ///   - weekdays: `monday:friday`, `saturday`.
    ///   - daysOfMonth: `1:5`, `15`, `-3:-1`.
    ///   - months: `january:march`, `5`, `may`.
    ///   - years: `2026`, `2026:2028`.
    ///   - location: A zone of the tz database, `Europe/Berlin`; nil: UTC.
    /// - Throws: `.invalidRoute`, which quotes what cannot be read and says what is allowed.
    public init(
        times: [String] = [], weekdays: [String] = [], daysOfMonth: [String] = [], months: [String] = [], years: [String] = [],
        location: String? = nil
    ) throws(NotificationConfigurationError) {
        self.times = try Self.ranges(times, "times", "22:00-24:00, the end after the start", Self.time)
        self.weekdays = try Self.ranges(weekdays, "weekdays", "monday:friday or saturday") {
            Self.span($0, { Self.weekdayNames.firstIndex(of: $0) })
        }
        self.daysOfMonth = try Self.ranges(daysOfMonth, "days_of_month", "1:5, 15 or -3:-1") { Self.dayRange($0) }
        self.months = try Self.ranges(months, "months", "january:march, may or 5") { text in
            Self.span(text) { word in
                Self.monthNames.firstIndex(of: word).map { $0 + 1 } ?? Int(word).flatMap { (1...12).contains($0) ? $0 : nil }
            }
        }
        self.years = try Self.ranges(years, "years", "2026 or 2026:2028") {
            Self.span($0) { Int($0).flatMap { (1970...9999).contains($0) ? $0 : nil } }
        }
        var calendar = Calendar(identifier: .gregorian)
        guard let zone = location.map({ TimeZone(identifier: $0) }) ?? .gmt else {
            throw NotificationConfigurationError(
                .invalidRoute, "location '\(location?.prefix(64) ?? "")' is no zone of the tz database, such as Europe/Berlin")
        }
        calendar.timeZone = zone
        self.calendar = calendar
    }

    /// Whether a moment is in it.
    public func contains(_ moment: Date) -> Bool {
        let parts = calendar.dateComponents([.year, .month, .day, .weekday, .hour, .minute], from: moment)
        guard let year = parts.year, let month = parts.month, let day = parts.day, let weekday = parts.weekday, let hour = parts.hour,
            let minute = parts.minute
        else { return false }
        func holds(_ ranges: [ClosedRange<Int>], _ value: Int) -> Bool { ranges.isEmpty || ranges.contains { $0.contains(value) } }
        guard holds(years, year), holds(months, month), holds(weekdays, weekday - 1) else { return false }
        guard times.isEmpty || times.contains(where: { $0.contains(hour * 60 + minute) }) else { return false }
        if daysOfMonth.isEmpty { return true }
        let length = calendar.range(of: .day, in: .month, for: moment)?.count ?? 31
        return daysOfMonth.contains { range in
            func dayNumber(_ value: Int) -> Int { value > 0 ? value : length + 1 + value }
            return dayNumber(range.lowerBound) <= day && day <= dayNumber(range.upperBound)
        }
    }

    private static let weekdayNames = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"]
    private static let monthNames = [
        "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december",
    ]

    private static func ranges<Bounds>(
        _ texts: [String], _ part: String, _ allowed: String, _ read: (String) -> Bounds?
    ) throws(NotificationConfigurationError) -> [Bounds] {
        var ranges: [Bounds] = []
        for text in texts {
            guard let range = read(text.lowercased().filter { $0 != " " }) else {
                throw NotificationConfigurationError(
                    .invalidRoute, "\(part) '\(text.prefix(64))' cannot be read; it is written like \(allowed)")
            }
            ranges.append(range)
        }
        return ranges
    }

    /// `a:b` or `a`.
    private static func span(_ text: String, _ value: (String) -> Int?) -> ClosedRange<Int>? {
        let ends = text.split(separator: ":", omittingEmptySubsequences: false).map { value(String($0)) }
        guard ends.count <= 2, let first = ends.first ?? nil, let last = ends.last ?? nil, first <= last else { return nil }
        return first...last
    }

    /// Both ends from the beginning of the month, or both from its end.
    private static func dayRange(_ text: String) -> ClosedRange<Int>? {
        span(text) { Int($0).flatMap { $0 != 0 && (-31...31).contains($0) ? $0 : nil } }.flatMap { range in
            (range.lowerBound < 0) == (range.upperBound < 0) ? range : nil
        }
    }

    private static func time(_ text: String) -> Range<Int>? {
        let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { minutes(String($0)) }
        guard ends.count == 2, let start = ends[0], let end = ends[1], start < end else { return nil }
        return start..<end
    }

    private static func minutes(_ text: String) -> Int? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].count == 2, parts[1].count == 2, let hour = Int(parts[0]), let minute = Int(parts[1]),
            (0...59).contains(minute), (0...23).contains(hour) || (hour == 24 && minute == 0)
        else { return nil }
        return hour * 60 + minute
    }
}
