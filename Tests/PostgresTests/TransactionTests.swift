import Postgres
import TestSupport
import Testing

@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint), .timeLimit(.minutes(2)))
struct TransactionTests {
    private struct GivenUp: Error {}

    @Test func aTransactionCommits() async throws {
        try await withItems { database async throws in
            let result = try await database.client.transaction { connection in
                try await connection.query("INSERT INTO item VALUES (1)")
                return 5
            }
            #expect(result == 5)
            #expect(try await int(database.client, "SELECT count(*) AS value FROM item") == 1)
        }
    }

    @Test(arguments: [false, true]) func itIsReadCommittedWhateverTheDefaultIs(readOnly: Bool) async throws {
        try await withTestDatabase { database in
            try await database.client.query("ALTER DATABASE \(database.name) SET default_transaction_isolation = 'repeatable read'")
            let client = PostgresClient(try PostgresConfiguration(database.url), poolSize: 1)
            let level: String = try await client.transaction(readOnly: readOnly) { connection in
                try await connection.query("SELECT current_setting('transaction_isolation') AS level")[0].decode("level")
            }
            await client.close()
            #expect(level == "read committed")
        }
    }

    @Test func whatTheBodyThrowsRollsBack() async throws {
        try await withItems { database async throws in
            let first = try await pid(database.client)
            await #expect(throws: GivenUp.self) {
                try await database.client.transaction { connection in
                    try await connection.query("INSERT INTO item VALUES (1)")
                    throw GivenUp()
                }
            }
            #expect(try await int(database.client, "SELECT count(*) AS value FROM item") == 0)
            #expect(try await pid(database.client) == first)
        }
    }

    @Test func aCancellationRollsBackAndKeepsTheConnection() async throws {
        try await withItems { database async throws in
            let first = try await pid(database.client)
            let inserted = Kept<Bool>()
            let task = Task {
                try await database.client.transaction { connection in
                    try await connection.query("INSERT INTO item VALUES (1)")
                    inserted.value = true
                    while !Task.isCancelled { await Task.yield() }
                }
            }
            try await eventually("the row is inserted") { inserted.value == true }
            task.cancel()
            await #expect(throws: PostgresError.self) { try await task.value }
            #expect(try await int(database.client, "SELECT count(*) AS value FROM item") == 0)
            #expect(try await pid(database.client) == first)
        }
    }

    @Test("COMMIT of a failed transaction rolls back, and says so")
    func hiddenError() async throws {
        try await withItems { database async throws in
            await #expect(throws: PostgresError(.server, sqlState: "25P02", message: "the transaction had failed and was rolled back")) {
                try await database.client.transaction { connection in
                    try await connection.query("INSERT INTO item VALUES (1)")
                    _ = try? await connection.query("SELECT 1 / 0")
                }
            }
            #expect(try await int(database.client, "SELECT count(*) AS value FROM item") == 0)
        }
    }

    @Test func aReadOnlyTransactionRefusesToWrite() async throws {
        try await withItems { database async throws in
            await #expect(throws: PostgresError(.server, sqlState: "25006", message: "cannot execute INSERT in a read-only transaction")) {
                try await database.client.transaction(readOnly: true) { try await $0.query("INSERT INTO item VALUES (1)") }
            }
        }
    }

    /// The server's default may have changed back: a session that is open does not hear of it.
    @Test func aSessionThatMayNotWriteIsNotUsedAgain() async throws {
        try await withItems { database async throws in
            try await database.client.query("SET default_transaction_read_only = on")
            await #expect(throws: PostgresError(.server, sqlState: "25006", message: "cannot execute INSERT in a read-only transaction")) {
                try await database.client.query("INSERT INTO item VALUES (1)")
            }
            try await database.client.query("INSERT INTO item VALUES (2)")
            #expect(try await int(database.client, "SELECT count(*) AS value FROM item") == 1)
        }
    }

    @Test func aTransactionLeftOpenIsRolledBack() async throws {
        try await withItems { database async throws in
            try await database.client.withConnection { connection in
                try await connection.query("BEGIN")
                try await connection.query("INSERT INTO item VALUES (1)")
            }
            #expect(try await int(database.client, "SELECT count(*) AS value FROM item") == 0)
        }
    }

    private func withItems(_ body: @Sendable (TestDatabase) async throws -> Void) async throws {
        try await withTestDatabase(poolSize: 1) { database async throws in
            try await database.client.query("CREATE TABLE item (id int)")
            try await body(database)
        }
    }
}
