import Postgres
import TestSupport
import Testing

@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint), .timeLimit(.minutes(2)))
struct CopyTests {
    private struct GivenUp: Error {}

    @Test func rowsAreWrittenHoweverTheyAreCut() async throws {
        try await withTestDatabase { database async throws in
            try await database.client.query("CREATE TABLE item (id int, label text)")
            let data = (0..<20_000).flatMap { Array("\($0)\tlabel \($0)\n".utf8) }
            let count = try await database.client.withConnection { connection in
                try await connection.copyIn("COPY item FROM STDIN") { writer in
                    try await writer.write(Array(data[..<7]))
                    for start in stride(from: 7, to: 20_007, by: 13) {
                        try await writer.write(Array(data[start..<min(start + 13, 20_007)]))
                    }
                    try await writer.write(Array(data[20_007...].prefix { _ in true }))
                }
            }
            #expect(count == 20_000)
            let row = try #require(try await database.client.query("SELECT count(*) AS count, sum(id) AS sum FROM item").first)
            #expect(try row.decode("count", as: Int.self) == 20_000)
            #expect(try row.decode("sum", as: Int.self) == 199_990_000)
        }
    }

    @Test func aWriterThatThrowsLeavesNothing() async throws {
        try await withTestDatabase(poolSize: 1) { database async throws in
            try await database.client.query("CREATE TABLE item (id int)")
            let first = try await pid(database.client)
            await #expect(throws: GivenUp.self) {
                try await database.client.withConnection { connection in
                    try await connection.copyIn("COPY item FROM STDIN") { writer in
                        try await writer.write(Array("1\n2\n".utf8))
                        throw GivenUp()
                    }
                }
            }
            #expect(try await database.client.query("SELECT 1 FROM item").count == 0)
            #expect(try await pid(database.client) == first)
        }
    }

    @Test func mistakesInTheDataAreTheServersError() async throws {
        try await withTestDatabase { database async throws in
            try await database.client.query("CREATE TABLE item (id int)")
            let expected = PostgresError(.server, sqlState: "22P02", message: "invalid input syntax for type integer: …")
            await #expect(throws: expected) {
                try await database.client.withConnection { connection in
                    try await connection.copyIn("COPY item FROM STDIN") { try await $0.write(Array("secret\n".utf8)) }
                }
            }
        }
    }

    @Test func aWriterWaitsForTheServerUntilTheDeadline() async throws {
        try await withTestDatabase(poolSize: 2) { database async throws in
            try await database.client.query("CREATE TABLE item (label text)")
            try await database.client.transaction { holder in
                // The COPY gets no further than the lock: its writer must be held up, not fill the memory.
                try await holder.query("LOCK TABLE item IN ACCESS EXCLUSIVE MODE")
                await #expect(throws: PostgresError(.timedOut, message: "the statement took longer than its time")) {
                    try await database.client.withConnection { connection in
                        try await connection.copyIn("COPY item FROM STDIN", timeout: .milliseconds(300)) { writer in
                            let line = [UInt8](repeating: 97, count: 65_535) + [10]
                            for _ in 0..<1_000_000 { try await writer.write(line) }
                        }
                    }
                }
            }
            #expect(try await database.client.query("SELECT 1 FROM item").count == 0)
        }
    }

    @Test func aWriterIsOfNoUseAfterItsClosure() async throws {
        try await withTestDatabase { database async throws in
            try await database.client.query("CREATE TABLE item (id int)")
            try await database.client.withConnection { connection in
                let kept = Kept<PostgresCopyWriter>()
                #expect(try await connection.copyIn("COPY item FROM STDIN") { kept.value = $0 } == 0)
                let writer = try #require(kept.value)
                await #expect(throws: PostgresError.self) { try await writer.write([49, 10]) }
            }
        }
    }

    @Test func copyIsForCopyInAlone() async throws {
        try await withTestDatabase { database async throws in
            try await database.client.query("CREATE TABLE item (id int)")
            let misuse = PostgresError(.misuse, message: "COPY is for copyIn only")
            await #expect(throws: misuse) { try await database.client.query("COPY item FROM STDIN") }
            await #expect(throws: misuse) { try await database.client.query("COPY item TO STDOUT") }
            await #expect(throws: PostgresError(.misuse, message: "copyIn takes COPY … FROM STDIN only")) {
                try await database.client.withConnection { try await $0.copyIn("SELECT 1") { _ in } }
            }
            #expect(try await database.client.query("SELECT 1").count == 1)
        }
    }
}
