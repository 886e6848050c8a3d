import Foundation
import Testing

@testable import Notifications

@Suite struct CalendarIntervalTests {
    private func moment(_ text: String) throws -> Date {
        try Date(text, strategy: Date.ISO8601FormatStyle())
    }

    @Test(arguments: [
        (CalendarIntervalTests.nights, "2026-02-20T22:00:00Z", true),  // a Friday
        (nights, "2026-02-20T21:59:59Z", false), (nights, "2026-02-20T23:59:59Z", true), (nights, "2026-02-21T23:00:00Z", false),
        (nights, "2026-02-21T00:00:00Z", false),
    ])
    func timesOfDaysOfTheWeek(interval: CalendarInterval, text: String, holds: Bool) throws {
        #expect(interval.contains(try moment(text)) == holds)
    }

    private static let nights = try! CalendarInterval(times: ["22:00-24:00"], weekdays: ["monday:friday"])

    @Test(arguments: [
        (["1:5"], "2026-03-05T12:00:00Z", true), (["1:5"], "2026-03-06T12:00:00Z", false), (["-3:-1"], "2026-02-26T00:00:00Z", true),
        (["-3:-1"], "2026-02-25T23:00:00Z", false), (["-1"], "2028-02-29T00:00:00Z", true), (["31"], "2026-02-28T00:00:00Z", false),
        (["1", "15"], "2026-02-15T00:00:00Z", true),
        (["1:-1"], "2026-02-28T00:00:00Z", true), (["1:-1"], "2026-02-01T00:00:00Z", true), (["10:-10"], "2026-02-19T00:00:00Z", true),
        (["10:-10"], "2026-02-20T00:00:00Z", false), (["10:-10"], "2026-02-09T00:00:00Z", false),
    ])
    func daysOfTheMonth(days: [String], text: String, holds: Bool) throws {
        #expect(try CalendarInterval(daysOfMonth: days).contains(moment(text)) == holds)
    }

    @Test func monthsYearsAndZones() throws {
        let interval = try CalendarInterval(months: ["december", "1:2"], years: ["2026:2027"], location: "Europe/Berlin")
        #expect(interval.contains(try moment("2026-12-24T18:00:00Z")))
        #expect(try !interval.contains(moment("2026-03-01T12:00:00Z")) && !interval.contains(moment("2028-01-01T12:00:00Z")))
        // Already the first of January 2026 in Berlin.
        #expect(interval.contains(try moment("2025-12-31T23:30:00Z")))
        let summer = try CalendarInterval(times: ["08:00-09:00"], location: "Europe/Berlin")
        #expect(try summer.contains(moment("2026-07-01T06:30:00Z")) && !summer.contains(moment("2026-01-01T06:30:00Z")))
        #expect(try CalendarInterval().contains(moment("2026-07-01T06:30:00Z")))
    }

    @Test func localIsTheZoneOfTheProcess() throws {
        let noon = try #require(Calendar.current.date(from: DateComponents(year: 2026, month: 7, day: 1, hour: 12)))
        #expect(try CalendarInterval(times: ["12:00-12:01"], location: "Local").contains(noon))
    }

    @Test(arguments: [
        ["times": "24:00-25:00"], ["times": "09:00-08:00"], ["times": "9:00-10:00"], ["weekdays": "friday:monday"], ["weekdays": "someday"],
        ["daysOfMonth": "0"], ["daysOfMonth": "-1:5"], ["daysOfMonth": "5:-30"], ["daysOfMonth": "32"], ["months": "13"],
        ["years": "two thousand"],
        ["location": "Mars/Olympus"],
    ])
    func whatCannotBeReadIsNamed(part: [String: String]) {
        func list(_ key: String) -> [String] { part[key].map { [$0] } ?? [] }
        let error = #expect(throws: NotificationConfigurationError.self) {
            try CalendarInterval(
                times: list("times"), weekdays: list("weekdays"), daysOfMonth: list("daysOfMonth"), months: list("months"),
                years: list("years"), location: part["location"])
        }
        #expect(error?.message.contains(part.values.first!) == true)
    }

    @Test func aRouteIsQuietInItsMutesAndOutsideItsActives() throws {
        let weekend = try CalendarInterval(weekdays: ["saturday", "sunday"])
        let office = try CalendarInterval(times: ["08:00-18:00"])
        let schedule = Schedule(mutes: [weekend], actives: [office])
        #expect(try !schedule.isQuiet(at: moment("2026-02-20T12:00:00Z")))
        #expect(try schedule.isQuiet(at: moment("2026-02-21T12:00:00Z")))
        #expect(try schedule.isQuiet(at: moment("2026-02-20T19:00:00Z")))
        #expect(try Schedule(actives: []).isQuiet(at: moment("2026-02-20T19:00:00Z")))
        #expect(try !Schedule().isQuiet(at: moment("2026-02-20T19:00:00Z")))
    }
}
