import Foundation
import Postgres
import TestSupport
import Testing

@testable import Monitoring

@Suite("Import into PostgreSQL", .enabled(if: TestDatabase.isAvailable, TestDatabase.hint))
struct ImportTests {
    /// A source that is cut every so many bytes.
    private struct Pieces: AsyncSequence, Sendable {
        var bytes: [UInt8]
        var size: Int

        struct Iterator: AsyncIteratorProtocol {
            var pieces: Pieces
            var position = 0

            mutating func next() async -> [UInt8]? {
                guard position < pieces.bytes.count else { return nil }
                defer { position += pieces.size }
                return Array(pieces.bytes[position..<Swift.min(position + pieces.size, pieces.bytes.count)])
            }
        }

        func makeAsyncIterator() -> Iterator { Iterator(pieces: self) }
    }

    private func source(_ text: String, cutEvery size: Int = 17) -> Pieces { Pieces(bytes: Array(text.utf8), size: size) }

    /// The table in order, without what differs from run to run.
    private func table(_ client: PostgresClient) async throws -> [String] {
        try await client.query(
            """
            SELECT concat_ws(' ', event_id, to_char(occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.MS'), event_type,
                             coalesce(source_agent, '-'), duplicate_count, coalesce(status, '-'), event_data,
                             'seen ' || to_char(last_seen_at AT TIME ZONE 'UTC', 'HH24:MI:SS'),
                             CASE WHEN updated_at < now() - interval '1 hour' THEN 'updated long ago' END) AS line
            FROM learning_events
            ORDER BY event_id
            """
        ).map { try $0.decode("line") }
    }

    private static let csv = """
        duplicate_count,event_id,occurred_at,event_type,source_agent,event_data,updated_at\r
        1,e1,2026-02-21T10:00:00Z,chat_interaction,prince_flowers,"{""reward"": 0.1, ""id"": 9007199254740993}",2020-01-01T00:00:00Z\r
        ,e2,2026-02-21 15:30:00.5+05:30,success,"a ""b""
        c",,\r
        3,e3,2026-02-21T10:00:02,failure,,"[1, ""x\\ty""]",\r

        """

    private static let csvTable = [
        "e1 2026-02-21 10:00:00.000 chat_interaction prince_flowers 1 pending {\"id\": 9007199254740993, \"reward\": 0.1}",
        "e2 2026-02-21 10:00:00.500 success a \"b\"\nc 1 pending {}",
        "e3 2026-02-21 10:00:02.000 failure - 3 pending [1, \"x\\ty\"]",
    ]

    @Test("CSV comes in whole, and again changes nothing")
    func csvFile() async throws {
        try await withTestDatabase(schema: true) { database in
            let importer = EventImporter(client: database.client)
            var expected = ImportReport()
            expected.read = 3
            expected.imported = 3
            expectEqual(try await importer.run(source(Self.csv)), expected)
            expectEqual(try await table(database.client), Self.csvTable)
            expected.imported = 0
            expected.skippedExisting = 3
            expectEqual(try await importer.run(source(Self.csv, cutEvery: 1)), expected)
            expectEqual(try await importer.run(source(Self.csv), strict: true), expected)
            expectEqual(try await table(database.client), Self.csvTable)
        }
    }

    @Test("NDJSON keeps every number as it is written, and takes any JSON for event_data")
    func ndjson() async throws {
        try await withTestDatabase(schema: true) { database in
            let lines = #"""
                {"event_id":"n1","occurred_at":"2026-02-21T10:00:00Z","event_type":"success","event_data":{"a":9007199254740993,"b":0.1,"c":1e2,"d":123456789012345678901234567890.123}}
                {"event_data":"text \u00e9\n","event_type":"a\tb\\c","occurred_at":"2026-02-21T10:00:01Z","event_id":"n\u0032","duplicate_count":"2","status":"approved"}

                {"event_id":"n3","occurred_at":"2026-02-21T10:00:02Z","event_type":"success","event_data":null,"before_state":null,"duplicate_count":null}
                { "event_id" : "n4" , "occurred_at" : "2026-02-21T10:00:03Z" , "event_type" : "success", "duplicate_count" : 4 , "confidence" : 0.5 }
                """#
            let report = try await EventImporter(client: database.client).run(source(lines), strict: true)
            #expect(report.imported == 4)
            expectEqual(
                try await table(database.client),
                [
                    #"n1 2026-02-21 10:00:00.000 success - 1 pending {"a": 9007199254740993, "b": 0.1, "c": 100, "d": 123456789012345678901234567890.123}"#,
                    "n2 2026-02-21 10:00:01.000 a\tb\\c - 2 approved \"text é\\n\"", "n3 2026-02-21 10:00:02.000 success - 1 pending null",
                    "n4 2026-02-21 10:00:03.000 success - 4 pending {}",
                ])
        }
    }

    @Test("malformed lines are told with their numbers, and the others come in")
    func malformed() async throws {
        try await withTestDatabase(schema: true) { database in
            let lines: [(String, String?)] = [
                (#"{"event_id":"a","occurred_at":"2026-02-21T10:00:00Z","event_type":"t"}"#, nil),
                (#"{"event_id":"b""#, "JSON ends too early, at byte 16"), ("[]", "not a JSON object"),
                (#"{"event_id":"c","event_type":"t"}"#, "occurred_at is missing"),
                (#"{"occurred_at":"2026-02-21T10:00:00Z","event_type":"t"}"#, "event_id is missing"),
                (#"{"event_id":"","occurred_at":"2026-02-21T10:00:00Z","event_type":"t"}"#, "event_id is missing"),
                (#"{"event_id":"d","occurred_at":"2026-02-21T10:00:00Z"}"#, "event_type is missing"),
                (
                    #"{"event_id":"e","occurred_at":"soon","event_type":"t"}"#,
                    "occurred_at is not a time like 2026-02-21T10:00:02.431Z: \"soon\""
                ),
                (
                    #"{"event_id":"f","occurred_at":"2026-02-21T10:00:00Z","event_type":"t","duplicate_count":2147483648}"#,
                    "duplicate_count is not a whole number from -2147483648 to 2147483647: \"2147483648\""
                ),
                (
                    #"{"event_id":"g","occurred_at":"2026-02-21T10:00:00Z","event_type":"t","event_data":{"x":"\u0000"}}"#,
                    "\\u0000, which PostgreSQL cannot store, at byte 96"
                ),
                (
                    #"{"event_id":"h","occurred_at":"2026-02-21T10:00:00Z","event_type":"t","event_data":1e999999}"#,
                    "a number beyond PostgreSQL's numeric, at byte 92"
                ),
                (#"{"event_id":7,"occurred_at":"2026-02-21T10:00:00Z","event_type":"t"}"#, "event_id is not a string"),
                (#"{"event_id":"i","event_id":"i"}"#, "event_id is there twice"),
                (#"{"event_id":"j","occurred_at":"2026-02-21T10:00:00Z","event_type":"t"}"#, nil),
            ]
            var expected = ImportReport()
            expected.read = lines.count
            expected.imported = 2
            expected.malformed = lines.enumerated().compactMap { index, line in line.1.map { .init(line: index + 1, reason: $0) } }
            expected.malformedCount = expected.malformed.count
            let text = lines.map(\.0).joined(separator: "\n")
            expectEqual(try await EventImporter(client: database.client).run(source(text)), expected)
            expectEqual(
                try await table(database.client),
                [
                    "a 2026-02-21 10:00:00.000 t - 1 pending {}", "j 2026-02-21 10:00:00.000 t - 1 pending {}",
                ])
        }
    }

    @Test("bytes that are no text and rows of another width are malformed")
    func malformedCSV() async throws {
        try await withTestDatabase(schema: true) { database in
            let text =
                "event_id,occurred_at,event_type\na,2026-02-21T10:00:00Z,t\nb,2026-02-21T10:00:00Z\nc,2026-02-21T10:00:00Z,\u{0}\nd\"\n"
            var bytes = Array(text.utf8) + Array("e,2026-02-21T10:00:00Z,".utf8) + [0xFF, 0x0A]
            bytes += Array("f,2026-02-21T10:00:00Z,\"t".utf8)
            let report = try await EventImporter(client: database.client).run(Pieces(bytes: bytes, size: 9), format: .csv)
            #expect(
                report.malformed == [
                    .init(line: 3, reason: "2 columns where the header has 3"),
                    .init(line: 4, reason: "a zero byte, which PostgreSQL cannot store"),
                    .init(line: 5, reason: "column 1 has a quote but does not begin with one"), .init(line: 6, reason: "not valid UTF-8"),
                    .init(line: 7, reason: "the quoted field in column 3 never ends"),
                ])
            #expect(report.imported == 1)
        }
    }

    @Test(
        "a header that cannot be right ends it",
        arguments: [
            ("event_id,occurred_at,event_typ\n", "line 1: learning_events has no column \"event_typ\"; it has id, event_id, event_type, "),
            ("event_id,event_id\n", "line 1: column event_id is named twice"), ("event_id\n", "line 1: the column occurred_at is missing"),
            ("\n\n", "the file has no header"),
        ])
    func header(text: String, message: String) async throws {
        try await withTestDatabase(schema: true) { database in
            let error = await #expect(throws: ImportError.self) {
                try await EventImporter(client: database.client).run(source(text), format: .csv)
            }
            #expect(error?.description.hasPrefix(message) == true, "\(error?.description ?? "")")
        }
    }

    @Test("what only the database can refuse is found by halving, strict or not")
    func refused() async throws {
        try await withTestDatabase(schema: true) { database in
            try await database.client.query("ALTER TABLE learning_events ADD CHECK (source_agent <> 'nobody')")
            let lines = (1...50).map { number in
                #"{"event_id":"e\#(number)","occurred_at":"2026-02-21T10:00:00Z","event_type":"t","source_agent":"\#(number == 13 || number == 37 ? "nobody" : "x")"}"#
            }
            let text = lines.joined(separator: "\n")
            let importer = EventImporter(client: database.client, batchRows: 20)
            let strict = await #expect(throws: ImportError.self) { try await importer.run(source(text), strict: true) }
            #expect(strict?.line == 13)
            expectEqual(try await table(database.client), [])
            let report = try await importer.run(source(text))
            #expect(report.malformed.map(\.line) == [13, 37])
            #expect(report.malformed.allSatisfy { $0.reason.hasPrefix("the database refuses it: ") })
            #expect(report.imported == 48)
            expectEqual(try await table(database.client).count, 48)
        }
    }

    @Test("strict imports nothing where one line is malformed, however far the batches are")
    func strict() async throws {
        try await withTestDatabase(schema: true) { database in
            let rows = (1...9).map { "e\($0),2026-02-21T10:00:00Z,t" } + ["x,never,t"]
            let text = (["event_id,occurred_at,event_type"] + rows).joined(separator: "\n")
            let error = await #expect(throws: ImportError.self) {
                try await EventImporter(client: database.client, batchRows: 2).run(source(text), strict: true)
            }
            #expect(error?.description == "line 11: occurred_at is not a time like 2026-02-21T10:00:02.431Z: \"never\"")
            expectEqual(try await table(database.client), [])
        }
    }

    @Test("with count each further record of an event is a retry, in the table or in the file", arguments: [1, 2, 100])
    func count(batchRows: Int) async throws {
        try await withTestDatabase(schema: true) { database in
            let importer = EventImporter(client: database.client, batchRows: batchRows)
            let text = """
                event_id,occurred_at,event_type,duplicate_count
                a,2026-02-21T10:00:00Z,first,1
                b,2026-02-21T10:00:00Z,first,5
                a,2026-02-21T10:00:03Z,second,1
                a,2026-02-21T10:00:02Z,third,1
                """
            var expected = ImportReport()
            expected.read = 4
            expected.imported = 2
            expected.counted = 2
            expectEqual(try await importer.run(source(text), onExisting: .count), expected)
            expectEqual(
                try await table(database.client),
                [
                    "a 2026-02-21 10:00:00.000 first - 3 pending {} seen 10:00:03", "b 2026-02-21 10:00:00.000 first - 5 pending {}",
                ])
            expected.imported = 0
            expected.counted = 4
            expectEqual(try await importer.run(source(text), onExisting: .count, strict: true), expected)
            expectEqual(
                try await table(database.client),
                [
                    "a 2026-02-21 10:00:00.000 first - 6 pending {} seen 10:00:03",
                    "b 2026-02-21 10:00:00.000 first - 6 pending {} seen 10:00:00",
                ])
            expected.counted = 0
            expected.skippedExisting = 4
            expectEqual(try await importer.run(source(text)), expected)
        }
    }

    @Test("a file of 20,000 lines is the same from pieces of any size and as one transaction", arguments: [4_099, 1_000_003])
    func large(size: Int) async throws {
        try await withTestDatabase(schema: true) { database in
            let start = Date(timeIntervalSince1970: 1_771_660_000)
            var text = "event_id,occurred_at,event_type,event_data\n"
            for number in 0..<20_000 {
                let time = MonitoringJSON.timestamp(start.addingTimeInterval(Double(number)))
                text += "e\(number),\(time),t,\"{\"\"model\"\": \"\"m\(number % 7)\"\", \"\"q\"\": \"\"a,\\nb\"\"}\"\n"
            }
            let bytes = Pieces(bytes: Array(text.utf8), size: size)
            let report = try await EventImporter(client: database.client, batchBytes: 300_000).run(bytes, strict: size > 10_000)
            #expect(report.imported == 20_000)
            let row = try await database.client.query(
                """
                SELECT count(*) AS events, count(DISTINCT event_id) AS ids, sum(extract(epoch FROM occurred_at))::bigint AS times,
                       sum(substring(event_data ->> 'model' FROM 2)::integer) AS models, count(*) FILTER (WHERE event_data ->> 'q' = E'a,\\nb') AS texts
                FROM learning_events
                """)[0]
            #expect(try row.decode("events", as: Int.self) == 20_000)
            #expect(try row.decode("ids", as: Int.self) == 20_000)
            #expect(try row.decode("times", as: Int.self) == 20_000 * 1_771_660_000 + 19_999 * 10_000)
            #expect(try row.decode("models", as: Int.self) == (0..<20_000).reduce(0) { $0 + $1 % 7 })
            #expect(try row.decode("texts", as: Int.self) == 20_000)
        }
    }

    @Test("PostgreSQL takes as jsonb exactly what the scanner takes")
    func jsonb() async throws {
        try await withTestDatabase { database in
            for (text, isGood) in ImportParsingTests.jsonTexts where text.utf8.count < 1000 {
                let isTaken = (try? await database.client.query("SELECT $1::jsonb", [.text(text)])) != nil
                #expect(isTaken == isGood, "\(text)")
            }
            for case (let text, let normalized?) in ImportParsingTests.timeTexts {
                let row = try await database.client.query("SELECT $1::timestamptz IS NOT NULL AS taken", [.text(normalized)])[0]
                #expect(try row.decode("taken", as: Bool.self), "\(text)")
            }
        }
    }

    @Test("a file is read, its progress told, and one that is not there named")
    func file() async throws {
        try await withTestDatabase(schema: true) { database in
            let url = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).csv")
            defer { try? FileManager.default.removeItem(at: url) }
            try Data(Self.csv.utf8).write(to: url)
            let told = Told()
            let report = try await EventImporter(client: database.client).run(file: url.path) { await told.add($0) }
            let bytes = Self.csv.utf8.count
            expectEqual(await told.all, [ImportProgress(bytesRead: bytes, bytesInAll: bytes, report: report)])
            expectEqual(try await table(database.client), Self.csvTable)
            let error = await #expect(throws: ImportError.self) {
                try await EventImporter(client: database.client).run(file: "/nowhere/at.csv")
            }
            #expect(error?.description == "cannot open /nowhere/at.csv: No such file or directory")
        }
    }

    private actor Told {
        private(set) var all: [ImportProgress] = []

        func add(_ progress: ImportProgress) { all.append(progress) }
    }
}

/// `#expect` of what is awaited for.
private func expectEqual<Value: Equatable>(_ value: Value, _ expected: Value, sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(value == expected, sourceLocation: sourceLocation)
}
