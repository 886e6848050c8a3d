import Foundation
import Monitoring
import Testing

@Suite struct DayTests {
    @Test(arguments: ["2026-02-21", "2024-02-29", "1969-12-31", "1970-01-01", "9999-12-31", "0001-01-01"])
    func readsWhatItWrites(text: String) throws {
        #expect(try #require(Day(text)).description == text)
    }

    @Test(arguments: [
        "", "2026-2-21", "2026-02-30", "2025-02-29", "2026-13-01", "2026-00-10", "2026-01-00", "20260221", "2026-02-21T00:00:00Z",
        " 2026-02-21",
        "２０２６-02-21", "-026-02-21", "2026-02-2１",
    ])
    func refusesWhatIsNoDate(text: String) {
        #expect(Day(text) == nil)
    }

    @Test func aDayIsClosedAtItsStartAndOpenAtItsEnd() throws {
        let day = try #require(Day("2026-02-21"))
        #expect(Day(containing: day.start) == day)
        #expect(Day(containing: day.end) == day.advanced(by: 1))
        #expect(Day(containing: day.end.addingTimeInterval(-0.001)) == day)
        #expect(Day(containing: Date(timeIntervalSince1970: -0.5)).description == "1969-12-31")
    }
}
