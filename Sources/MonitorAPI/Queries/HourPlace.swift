import Foundation
import Monitoring

/// Where a page of hours ends: `2026-02-21T09`.
struct HourPlace: Sendable, Hashable {
    var day: Day
    /// 0 to 23.
    var hour: Int

    init(day: Day, hour: Int) {
        self.day = day
        self.hour = hour
    }

    /// nil for anything that is none.
    init?(_ text: String) {
        let parts = text.split(separator: "T", omittingEmptySubsequences: false)
        guard parts.count == 2, let day = Day(String(parts[0])), Day.allowed.contains(day), parts[1].utf8.count == 2,
            parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }), let hour = Int(parts[1]), hour < 24
        else { return nil }
        self.init(day: day, hour: hour)
    }

    var text: String { "\(day)T\(hour < 10 ? "0" : "")\(hour)" }

    /// When the hour before it began.
    var hourBefore: Date { day.start.addingTimeInterval(Double(hour - 1) * 3600) }
}

extension QueryParameter where Value == HourPlace {
    static let hourPlace = QueryParameter(
        "cursor", "The `next_cursor` of the page before; absent for the first page.",
        schema: Schema.text.with(["pattern": .string("^\(Day.pattern)T([01][0-9]|2[0-3])$")]), example: "2026-02-20T09",
        allowed: "the next_cursor of an answer", parse: { HourPlace($0) })
}
