public import Foundation

/// Times that come back: `22:00` to `24:00` from Monday to Friday, the last three days of a month, all of December.
///
/// An element of Alertmanager's `time_intervals`: every part that is given must hold, and of each part one range must.
public struct CalendarInterval: Sendable, Hashable {
    /// Minutes of the day, the end excluded.
    private let times: [Range<Int>]
    /// 0 is Sunday.
    private let weekdays: [ClosedRange<Int>]
    private let daysOfMonth: [Days]
    private let months: [ClosedRange<Int>]
    private let years: [ClosedRange<Int>]
    private let calendar: Calendar

    /// Each 1 to 31, or -31 to -1 from the end of the month: where the first is, the last is too.
    private struct Days: Sendable, Hashable {
        let first: Int
        let last: Int
    }

    /// Reads the parts as Alertmanager writes them.
    ///
    /// - Parameters:
    ///   - times: `22:00-24:00`; the end comes after the start, on the same day.
    ///   - weekdays: `monday:friday`, `saturday`.
    ///   - daysOfMonth: `1:5`, `15`, `-3:-1`, `1:-1`.
    ///   - months: `january:march`, `5`, `may`.
    ///   - years: `2026`, `2026:2028`.
    ///   - location: A zone of the tz database, `Europe/Berlin`, or `Local`, the process's; nil: UTC.
    /// - Throws: `.invalidRoute`, which quotes what cannot be read and says what is allowed.
    public init(
        times: [String] = [], weekdays: [String] = [], daysOfMonth: [String] = [], months: [String] = [], years: [String] = [],
        location: String? = nil
    ) throws(NotificationConfigurationError) {
        self.times = try Self.ranges(times, "times", "22:00-24:00, the end after the start", Self.time)
        self.weekdays = try Self.ranges(weekdays, "weekdays", "monday:friday or saturday") {
            Self.span($0, { Self.weekdayNames.firstIndex(of: $0) })
        }
        self.daysOfMonth = try Self.ranges(daysOfMonth, "days_of_month", "1:5, 15 or -3:-1") { Self.days($0) }
        self.months = try Self.ranges(months, "months", "january:march, may or 5") { text in
            Self.span(text) { word in
                Self.monthNames.firstIndex(of: word).map { $0 + 1 } ?? Int(word).flatMap { (1...12).contains($0) ? $0 : nil }
            }
        }
        self.years = try Self.ranges(years, "years", "2026 or 2026:2028") {
            Self.span($0) { Int($0).flatMap { (1970...9999).contains($0) ? $0 : nil } }
        }
        var calendar = Calendar(identifier: .gregorian)
        guard let zone = location.map({ $0 == "Local" ? .current : TimeZone(identifier: $0) }) ?? .gmt else {
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
        return daysOfMonth.contains { Self.day($0.first, of: length) <= day && day <= Self.day($0.last, of: length) }
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

    /// `a:b` or `a`, where a month of 31 days has such days.
    private static func days(_ text: String) -> Days? {
        let ends = text.split(separator: ":", omittingEmptySubsequences: false).map { end in
            Int(end).flatMap { $0 != 0 && (-31...31).contains($0) ? $0 : nil }
        }
        guard ends.count <= 2, let first = ends.first ?? nil, let last = ends.last ?? nil, first > 0 || last < 0,
            day(first, of: 31) <= day(last, of: 31)
        else { return nil }
        return Days(first: first, last: last)
    }

    /// The day of a month of so many days.
    private static func day(_ value: Int, of length: Int) -> Int { value > 0 ? value : length + 1 + value }

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
