import Testing

@testable import Monitoring

@Suite("Import: what a file says")
struct ImportParsingTests {
    private func split(_ text: String, _ format: EventFormat, chunk: Int, limit: Int = 1000) -> [String] {
        var splitter = RecordSplitter(format: format, limit: limit)
        var records: [String] = []
        func note(_ record: RecordSplitter.Record) {
            records.append("\(record.line):" + (record.isTooLong ? "too long" : String(decoding: record.bytes, as: UTF8.self)))
        }
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: chunk) {
            splitter.append(Array(bytes[start..<min(start + chunk, bytes.count)]))
            while let record = splitter.next() { note(record) }
        }
        while let record = splitter.finish() { note(record) }
        return records
    }

    @Test("records are the same wherever the stream is cut", arguments: [1, 2, 3, 5, 7, 1000])
    func cuts(chunk: Int) {
        #expect(
            split("\u{FEFF}a,b\r\n\"x\ny\",\"\"\"q\"\"\"\r\nc\"d,e\n\n\"\",\"f\r\n", .csv, chunk: chunk) == [
                "1:a,b", "2:\"x\ny\",\"\"\"q\"\"\"", "4:c\"d,e", "5:", "6:\"\",\"f\r\n",
            ])
        #expect(split("\u{FEFF}{\"a\":\"\"}\r\n\n{\"b\":1}", .ndjson, chunk: chunk) == ["1:{\"a\":\"\"}", "2:", "3:{\"b\":1}"])
        #expect(split("a", .csv, chunk: chunk) == ["1:a"])
        #expect(split("", .csv, chunk: chunk) == [])
    }

    @Test("a record over the limit is dropped, and the next one is read", arguments: [1, 4, 64])
    func tooLong(chunk: Int) {
        #expect(split("ab\n\"0123\n4567\"\nc,d\n", .csv, chunk: chunk, limit: 8) == ["1:ab", "2:too long", "4:c,d"])
        #expect(split("ab\n0123456789", .ndjson, chunk: chunk, limit: 8) == ["1:ab", "2:too long"])
    }

    @Test(
        "a record of CSV",
        arguments: [
            ("a,b", ["a", "b"]), ("", [""]), (",", ["", ""]), ("\"\"", ["''"]), ("\"a\"\"b\",c", ["'a\"b'", "c"]),
            ("\"a\nb,c\",", ["'a\nb,c'", ""]), ("\"\"\"\"\"\"", ["'\"\"'"]), (" a , b ", [" a ", " b "]),
            ("a\"b", ["column 1 has a quote but does not begin with one"]), ("x,\"a\"b", ["column 2 goes on after its closing quote"]),
            ("x,\"a", ["the quoted field in column 2 never ends"]), ("\"", ["the quoted field in column 1 never ends"]),
        ])
    func csv(text: String, fields: [String]) {
        let result: [String]
        do {
            result = try CSVFields.parse(Array(text.utf8)[...]).map { field in
                let value = String(decoding: field.bytes, as: UTF8.self)
                return field.isQuoted ? "'\(value)'" : value
            }
        } catch { result = [error.reason] }
        #expect(result == fields)
    }

    private static let good = [
        "{}", "[]", "0", "-0", "-0.5e+10", "1E5", "true", "false", "null", "\"\"", " { \"a\" : [ 1 , {\"b\":null} , [] ] } ",
        "9007199254740993",
        "1e131071", "0.001e131074", "1e-16383", "0e131072", #""\u00e9\ud83d\ude00\"\\\/\b\f\n\r\t""#, #"{"a":1,"a":2}"#, "\"é😀\"",
        String(repeating: "[", count: 1000) + String(repeating: "]", count: 1000), "1." + String(repeating: "0", count: 16_383),
    ]
    private static let bad = [
        "", " ", "{", "[", "{\"a\"}", "{\"a\":}", "{a:1}", "[1,]", "[,1]", "{\"a\":1,}", "[1}", "01", "-", "1.", ".5", "+1", "1e", "NaN",
        "Infinity",
        "tru", "nul", "\"", "\"\t\"", #""\x""#, #""\u12""#, #""\u12g4""#, #""\u0000""#, #""\ud800""#, #""\udc00""#, #""\ud800\u0041""#,
        #""\ud800\ud800""#, "1e131072", "10e131071", "1e-16384", "1e999999", "1e99999999999999999999", "1 2", "{} x",
        String(repeating: "[", count: 1001) + String(repeating: "]", count: 1001), "1." + String(repeating: "0", count: 16_384),
    ]

    /// Asked of PostgreSQL as well, in ImportTests.
    static let jsonTexts = good.map { ($0, true) } + bad.map { ($0, false) }

    @Test("JSON is what PostgreSQL takes for jsonb", arguments: jsonTexts)
    func json(text: String, isGood: Bool) {
        let isTaken = (try? JSONScanner.validate(Array(text.utf8)[...])) != nil
        #expect(isTaken == isGood)
    }

    static let timeTexts: [(String, String?)] = [
        ("2026-02-21T10:00:02.431Z", "2026-02-21T10:00:02.431+00:00"), ("2026-02-21 10:00:02+05:30", "2026-02-21T10:00:02+05:30"),
        ("2026-02-21T10:00:02-0530", "2026-02-21T10:00:02-05:30"), ("2026-02-21t10:00:02+05", "2026-02-21T10:00:02+05:00"),
        ("2026-02-21T10:00:02.431", "2026-02-21T10:00:02.431+00:00"), ("2026-02-21T10:00", "2026-02-21T10:00+00:00"),
        ("2024-02-29T00:00:00.1234567891234z", "2024-02-29T00:00:00.123456789+00:00"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59+00:00"),
        ("2026-02-21", nil), ("1771660000", nil), ("2026-02-30T00:00:00Z", nil), ("2026-13-01T00:00:00Z", nil),
        ("0000-01-01T00:00:00Z", nil),
        ("2026-02-21T24:00:00Z", nil), ("2026-02-21T10:60:00Z", nil), ("2026-02-21T10:00:60Z", nil), ("2026-02-21T10:00:02.Z", nil),
        ("2026-02-21T10:00:02+16:00", nil), ("2026-02-21T10:00:02+05:60", nil), ("2026-02-21T10:00:02 UTC", nil), ("now", nil), ("", nil),
        ("2026-02-21T10:00:02Zx", nil), ("12026-02-21T10:00:02Z", nil), ("1900-02-29T00:00:00Z", nil), ("2026-02-21_10:00:02Z", nil),
    ]

    @Test("a time", arguments: timeTexts)
    func time(text: String, normalized: String?) {
        #expect(TimestampText.normalized(Array(text.utf8)[...]).map { String(decoding: $0, as: UTF8.self) } == normalized)
    }

    @Test(
        "a value fits its column, or is told why not",
        arguments: [
            ("integer", "2147483647", "2147483647"), ("integer", "-1", "-1"), ("integer", "2.0", "2"),
            ("integer", "2147483648", "is not a whole number from -2147483648 to 2147483647: \"2147483648\""),
            ("smallint", "1.5", "is not a whole number from -32768 to 32767: \"1.5\""),
            ("smallint", "1.", "is not a whole number from -32768 to 32767: \"1.\""),
            ("smallint", "x", "is not a whole number from -32768 to 32767: \"x\""),
            ("numeric(3,2)", "9.994", "9.994"), ("numeric(3,2)", "9.995", "has over 1 digits before the point: \"9.995\""),
            ("numeric(3,2)", "-1e1", "has over 1 digits before the point: \"-1e1\""), ("numeric(3,2)", "NaN", "is not a number: \"NaN\""),
            ("numeric", "123456789012345678901234567890.5", "123456789012345678901234567890.5"),
            ("uuid", "0195b0c0-3f00-7000-8000-00000000000a", "0195b0c0-3f00-7000-8000-00000000000a"),
            ("uuid", "0195b0c0", "is not a UUID: \"0195b0c0\""), ("text", "anything", "anything"), ("point", "(1,2)", "(1,2)"),
            ("character varying(10)", "x", "x"), ("jsonb", "{", "JSON ends too early, at byte 2"),
            ("timestamp with time zone", "yesterday", "is not a time like 2026-02-21T10:00:02.431Z: \"yesterday\""),
        ])
    func value(type: String, text: String, result: String) {
        let checked: String
        do {
            checked = String(decoding: try EventColumn.Kind(type: type).checked(Array(text.utf8)[...]), as: UTF8.self)
        } catch { checked = error.reason }
        #expect(checked == result)
    }

    @Test(
        "the format follows from the name, else from the first byte",
        arguments: [
            ("a.csv", "", EventFormat.csv), ("a.b.NDJSON", "", .ndjson), ("a.jsonl", "", .ndjson), ("a.txt", "\u{FEFF} {", .ndjson),
            ("a", "event_id", .csv), ("-", "", nil),
        ])
    func format(name: String, beginning: String, format: EventFormat?) {
        #expect((EventFormat(fileName: name) ?? EventFormat(firstBytes: beginning.utf8)) == format)
    }
}
