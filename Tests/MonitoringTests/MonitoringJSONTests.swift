import Foundation
import Monitoring
import Testing

@Suite struct MonitoringJSONTests {
    @Test(arguments: [
        (1_771_668_002.431, "2026-02-21T10:00:02.431Z"), (1_771_668_002.0, "2026-02-21T10:00:02Z"),
        (1_771_668_002.9996, "2026-02-21T10:00:03Z"), (0.0, "1970-01-01T00:00:00Z"), (-0.25, "1969-12-31T23:59:59.750Z"),
    ])
    func writesTimesInUTC(seconds: Double, text: String) {
        #expect(MonitoringJSON.timestamp(Date(timeIntervalSince1970: seconds)) == text)
    }

    @Test(arguments: [
        ("2026-02-21T10:00:02Z", 1_771_668_002.0), ("2026-02-21T15:30:02+05:30", 1_771_668_002.0),
        ("2026-02-21T10:00:02.500Z", 1_771_668_002.5), ("2026-02-21T02:00:02-08:00", 1_771_668_002.0),
    ])
    func readsTimesInAnyOffset(text: String, seconds: Double) {
        #expect(MonitoringJSON.date(fromTimestamp: text)?.timeIntervalSince1970 == seconds)
    }

    @Test(arguments: [
        "", "now", "2026-02-21", "2026-02-30T10:00:00Z", "2026-02-21T25:00:00Z", "2026-02-21T10:00:00",
        String(repeating: "2026-02-21T10:00:00Z", count: 10),
    ])
    func refusesWhatIsNoTime(text: String) {
        #expect(MonitoringJSON.date(fromTimestamp: text) == nil)
    }

    @Test(arguments: [
        #"{"a":1,"b":[true,null,-2.5,"x"],"c":{}}"#, "9007199254740993", #""\u00e9""#, "[]",
    ])
    func keepsAnyValue(text: String) throws {
        let value = try JSONValue(parsing: text)
        #expect(try JSONValue(parsing: String(decoding: MonitoringJSON.encode(value), as: UTF8.self)) == value)
    }

    @Test func keepsIntegersThatADoubleCannotHold() throws {
        #expect(try JSONValue(parsing: "9007199254740993") == .integer(9_007_199_254_740_993))
        #expect(try MonitoringJSON.encode(JSONValue.integer(9_007_199_254_740_993)) == Array("9007199254740993".utf8))
    }
}
