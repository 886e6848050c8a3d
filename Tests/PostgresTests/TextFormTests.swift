import Foundation
import Testing

@testable import Postgres

struct TextFormTests {
    @Test(
        arguments: [
            ([1, 1, 0, 2, 1, 2345], nil), ([3, 1, 0, 2, 1, 2345, 6000], "12345.60"), ([1, UInt16(bitPattern: -2), 0, 8, 12], "0.00000012"),
            ([1, 2, 0, 0, 1], "100000000"), ([0, 0, 0, 0], "0"), ([0, 0, 0, 3], "0.000"), ([1, 0, 0x4000, 0, 7], "-7"),
            ([0, 0, 0xC000, 0], "NaN"), ([0, 0, 0xD000, 0], "Infinity"), ([0, 0, 0xF000, 0], "-Infinity"), ([0, 0, 0x1234, 0], nil),
            ([0], nil),
        ] as [([UInt16], String?)])
    func numericTexts(words: [UInt16], expected: String?) {
        let bytes = words.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
        #expect(bytes.withUnsafeBytes { NumericText.decode($0) } == expected)
    }

    @Test(
        arguments: [("12", 12), ("12.00", 12), ("12.01", nil), ("-3.0", -3), ("NaN", nil), ("99999999999999999999", nil)]
            as [(String, Int64?)])
    func wholeNumbers(text: String, expected: Int64?) {
        #expect(NumericText.wholeNumber(text) == expected)
    }

    @Test(
        arguments: [
            (0, "2000-01-01"), (59, "2000-02-29"), (-1, "1999-12-31"), (9555, "2026-02-28"), (-730_119, "0001-01-01"),
            (-730_120, "0001-12-31 BC"),
            (2_921_940, "10000-01-01"), (.max, "infinity"), (.min, "-infinity"),
        ] as [(Int32, String)])
    func dates(days: Int32, expected: String) {
        #expect(CivilDate.text(daysSince2000: days) == expected)
    }

    @Test(
        arguments: [
            (0, "1970-01-01 00:00:00.000000+00"), (1_772_286_300.123456, "2026-02-28 13:45:00.123456+00"),
            (-0.000001, "1969-12-31 23:59:59.999999+00"), (-62_135_596_799, "0001-01-01 00:00:01.000000+00"),
        ] as [(Double, String)])
    func timestamps(seconds: Double, expected: String) {
        #expect(PostgresTimestamp.text(Date(timeIntervalSince1970: seconds)) == expected)
    }

    @Test func infiniteTimestamps() {
        #expect(PostgresTimestamp.text(.distantFuture) == "infinity")
        #expect(PostgresTimestamp.text(.distantPast) == "-infinity")
        #expect(PostgresTimestamp.date(.max) == .distantFuture)
        #expect(PostgresTimestamp.date(.min) == .distantPast)
    }

    @Test func arraysQuoteTheirElements() {
        #expect(ValueText.array([]) == "{}")
        #expect(ValueText.array(["a", "say \"b\"", "c\\d", "NULL", "", "{e,f}"]) == #"{"a","say \"b\"","c\\d","NULL","","{e,f}"}"#)
    }

    @Test func valuesDoNotShow() {
        let value = PostgresValue.text("secret")
        #expect("\(value)" == "a value")
        #expect(String(reflecting: [value]) == "[a value]")
        var dumped = ""
        dump(value, to: &dumped)
        #expect(!dumped.contains("secret"))
    }
}
