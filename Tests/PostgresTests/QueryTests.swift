import Foundation
import Postgres
import TestSupport
import Testing

/// Statements, values and rows against a server.
@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint), .timeLimit(.minutes(2)))
struct QueryTests {
    @Test func rowsComeInOrderWithTheirColumns() async throws {
        try await withTestDatabase { database async throws in
            let rows = try await database.client.query("SELECT n, n::text || $1 AS label FROM generate_series(1, $2::int) AS n", ["!", 3])
            #expect(rows.affectedRows == 3)
            #expect(
                try rows.map { "\(try $0.decode("n", as: Int.self)) \(try $0.decode("label", as: String.self))" } == [
                    "1 1!", "2 2!", "3 3!",
                ])
        }
    }

    @Test func affectedRowsCountWhatChanged() async throws {
        try await withTestDatabase { database async throws in
            #expect(try await database.client.query("CREATE TABLE item AS SELECT n FROM generate_series(1, 5) AS n").affectedRows == 5)
            #expect(try await database.client.query("UPDATE item SET n = n + 1 WHERE n > 2").affectedRows == 3)
            #expect(try await database.client.query("DELETE FROM item").affectedRows == 5)
            #expect(try await database.client.query("DROP TABLE item").affectedRows == 0)
        }
    }

    @Test func everyTypeIsDecoded() async throws {
        try await withTestDatabase { database async throws in
            // Settings that change the text form of values, and must change nothing here.
            try await database.client.query("ALTER DATABASE \(database.name) SET datestyle = 'SQL, DMY'")
            try await database.client.query("ALTER DATABASE \(database.name) SET timezone = 'Asia/Kathmandu'")
            try await database.client.query("ALTER DATABASE \(database.name) SET bytea_output = 'escape'")
            let client = PostgresClient(try PostgresConfiguration(database.url), poolSize: 1)
            func value<T: PostgresDecodable>(_ expression: String, _ type: T.Type = T.self) async throws -> T {
                try #require(try await client.query("SELECT \(expression) AS value").first).decode("value")
            }
            try await client.query("CREATE TYPE mood AS ENUM ('fine', 'sad')")
            #expect(try await value("1::int2", Int.self) == 1)
            #expect(try await value("-2::int4", Int64.self) == -2)
            #expect(try await value("9223372036854775807::int8", Int.self) == .max)
            #expect(try await value("(SELECT sum(n) FROM (VALUES (3::bigint), (4)) AS v (n))", Int.self) == 7)
            #expect(try await value("1.5::float4", Double.self) == 1.5)
            #expect(try await value("0.1::float8", Double.self) == 0.1)
            #expect(try await value("'NaN'::float8", Double.self).description == "nan")
            #expect(try await value("-12345.678900::numeric", Double.self) == -12345.6789)
            #expect(try await value("-12345.678900::numeric", String.self) == "-12345.678900")
            #expect(try await value("1e-20::numeric", String.self) == "0.00000000000000000001")
            #expect(try await value("10000000000000000000000.5::numeric", String.self) == "10000000000000000000000.5")
            #expect(try await value("'Infinity'::numeric", Double.self) == .infinity)
            #expect(try await value("true", Bool.self) == true)
            #expect(try await value("'é😀'::text", String.self) == "é😀")
            #expect(try await value("'x'::varchar(3)", String.self) == "x")
            #expect(try await value("'x'::name", String.self) == "x")
            #expect(try await value("'x'", String.self) == "x")
            #expect(try await value("'sad'::mood", String.self) == "sad")
            #expect(try await value("'[1, 2]'::json", String.self) == "[1, 2]")
            #expect(try await value("'{\"a\":1}'::jsonb", String.self) == "{\"a\": 1}")
            #expect(try await value("'0001-02-03'::date", String.self) == "0001-02-03")
            #expect(
                try await value("'00112233-4455-6677-8899-aabbccddeeff'::uuid", UUID.self)
                    == UUID(uuidString: "00112233-4455-6677-8899-aabbccddeeff"))
            #expect(try await value("'\\x00ff5c'::bytea", [UInt8].self) == [0, 255, 92])
            #expect(
                try await value("'2026-02-28 13:45:00.123456+00'::timestamptz", Date.self)
                    == Date(timeIntervalSince1970: 1_772_286_300.123456))
            #expect(try await value("'2026-02-28 13:45:00'::timestamp", Date.self) == Date(timeIntervalSince1970: 1_772_286_300))
            #expect(try await value("'infinity'::timestamptz", Date.self) == .distantFuture)
            #expect(try await value("'-infinity'::timestamptz", Date.self) == .distantPast)
            #expect(try await value("ARRAY['a', 'NULL', '']", [String].self) == ["a", "NULL", ""])
            #expect(try await value("'{}'::text[]", [String].self) == [])
            #expect(try await value("ARRAY['a', NULL]", [String?].self) == ["a", nil])
            #expect(try await value("'{1,2}'::int4[]", [Int].self) == [1, 2])
            #expect(try await value("'{1,2}'::int8[]", [Int].self) == [1, 2])
            #expect(
                try await value("'{00112233-4455-6677-8899-aabbccddeeff}'::uuid[]", [UUID].self) == [
                    UUID(uuidString: "00112233-4455-6677-8899-aabbccddeeff")
                ])
            #expect(try await value("'{fine,sad}'::mood[]", [Mood].self) == [.fine, .sad])
            #expect(try await value("NULL::int", Int?.self) == nil)
            #expect(try await value("3", Int?.self) == 3)
            await client.close()
        }
    }

    private enum Mood: String, PostgresDecodable, PostgresArrayElement { case fine, sad }

    @Test func valuesComeBackAsTheyWere() async throws {
        try await withTestDatabase { database async throws in
            let uuid = UUID()
            let instant = Date(timeIntervalSince1970: 1_772_286_300.654321)
            let text = "it's \"q\" \\ {a,b} é\n"
            let row = try #require(
                try await database.client.query(
                    """
                    SELECT $1::text AS text, $2::bigint AS int, $3::float8 AS double, $4::bool AS bool, $5::timestamptz AS timestamp,
                        $6::uuid AS uuid, $7::bytea AS bytes, $8::jsonb AS json, $9::text[] AS texts, $10::int[] AS ints, $11::uuid[] AS uuids,
                        $12::timestamptz[] AS timestamps, $13::text AS null
                    """,
                    [
                        .text(text), .int(.min), .double(.leastNonzeroMagnitude), .bool(true), .timestamp(instant), .uuid(uuid),
                        .bytes([0, 92, 255]),
                        .json("[1]"), .textArray([text, "", "NULL"]), .intArray([1, -2]), .uuidArray([uuid]),
                        .timestampArray([instant, .distantFuture]), nil,
                    ]
                ).first)
            #expect(try row.decode("text", as: String.self) == text)
            #expect(try row.decode("int", as: Int.self) == .min)
            #expect(try row.decode("double", as: Double.self) == .leastNonzeroMagnitude)
            #expect(try row.decode("bool", as: Bool.self) == true)
            #expect(try row.decode("timestamp", as: Date.self) == instant)
            #expect(try row.decode("uuid", as: UUID.self) == uuid)
            #expect(try row.decode("bytes", as: [UInt8].self) == [0, 92, 255])
            #expect(try row.decode("json", as: String.self) == "[1]")
            #expect(try row.decode("texts", as: [String].self) == [text, "", "NULL"])
            #expect(try row.decode("ints", as: [Int].self) == [1, -2])
            #expect(try row.decode("uuids", as: [UUID].self) == [uuid])
            #expect(try row.decode("timestamps", as: [Date].self) == [instant, .distantFuture])
            #expect(try row.decode("null", as: String?.self) == nil)
        }
    }

    @Test func arraysComeBackWithTheirNullsAndWithoutElements() async throws {
        try await withTestDatabase { database async throws in
            let row = try #require(
                try await database.client.query(
                    """
                    SELECT $1::text[] AS texts, $2::boolean[] AS bools, $3::text[] AS none, $4::uuid[] AS no_ids, $5::timestamptz[] AS past,
                        $6::text[] IS NULL AND $7::uuid[] IS NULL AS are_null, cardinality($3::text[]) AS count
                    """,
                    [
                        .textArray([nil, "a", nil]), .boolArray([true, false]), .textArray([]), .uuidArray([]),
                        .timestampArray([.distantPast, Date(timeIntervalSince1970: -1.5)]), .textArray(nil), .uuidArray(nil),
                    ]
                ).first)
            #expect(try row.decode("texts", as: [String?].self) == [nil, "a", nil])
            #expect(try row.decode("bools", as: [Bool].self) == [true, false])
            #expect(try row.decode("none", as: [String].self) == [] && row.decode("count", as: Int.self) == 0)
            #expect(try row.decode("no_ids", as: [UUID].self) == [])
            #expect(try row.decode("past", as: [Date].self) == [.distantPast, Date(timeIntervalSince1970: -1.5)])
            #expect(try row.decode("are_null", as: Bool.self))
            await #expect(throws: PostgresError(.misuse, message: "parameter $1 holds a zero byte")) {
                try await database.client.query("SELECT $1::text[]", [.textArray(["a", "b\0"])])
            }
        }
    }

    @Test func decodingErrorsNameColumnAndTypesOnly() async throws {
        try await withTestDatabase { database async throws in
            let row = try #require(
                try await database.client.query(
                    "SELECT 'secret'::text AS label, NULL::int AS n, 1.5 AS price, ARRAY['secret', NULL] AS labels"
                ).first)
            func expect<T: PostgresDecodable>(_ column: String, as type: T.Type, _ message: String) {
                #expect(throws: PostgresError(.decoding, message: message)) { try row.decode(column, as: type) }
            }
            expect("label", as: Int.self, "column label: expected Int, found a value of type text")
            expect("n", as: Int.self, "column n is NULL, expected Int")
            expect("price", as: Int.self, "column price: expected Int, found a value of type numeric")
            expect("labels", as: [String].self, "column labels: expected Array<String>, found a value of type text[]")
            expect("lable", as: String.self, "the result has no column lable")
        }
    }

    @Test func serverErrorsHoldNeitherSQLNorValues() async throws {
        try await withTestDatabase { database async throws in
            let expected = PostgresError(.server, sqlState: "22P02", message: "invalid input syntax for type integer: …")
            await #expect(throws: expected) { try await database.client.query("SELECT $1::int", ["secret"]) }
            await #expect(throws: PostgresError(.server, sqlState: "42601", message: "syntax error at or near …")) {
                try await database.client.query("secret")
            }
            await #expect(throws: PostgresError(.misuse, message: "parameter $2 holds a zero byte")) {
                try await database.client.query("SELECT $1, $2", ["a", "b\0"])
            }
            // The connection is as good as before.
            #expect(try await database.client.query("SELECT 1").count == 1)
        }
    }

    @Test func scriptsRunAllTheirStatements() async throws {
        try await withTestDatabase { database async throws in
            try await database.client.withConnection { connection in
                try await connection.executeScript("CREATE TABLE item (id int); INSERT INTO item VALUES (1), (2); SELECT 1;")
                await #expect(throws: PostgresError(.server, sqlState: "22012", message: "division by zero")) {
                    try await connection.executeScript("INSERT INTO item VALUES (3); SELECT 1 / 0; INSERT INTO item VALUES (4);")
                }
                #expect(try await connection.query("SELECT id FROM item ORDER BY id").map { try $0.decode("id", as: Int.self) } == [1, 2])
            }
        }
    }
}
