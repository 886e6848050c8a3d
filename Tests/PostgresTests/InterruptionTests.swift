import Postgres
import TestSupport
import Testing

/// Deadlines and cancellations.
@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint), .timeLimit(.minutes(2)))
struct InterruptionTests {
    private static let timedOut = PostgresError(.timedOut, message: "the statement took longer than its time")
    private static let cancelled = PostgresError(.cancelled, message: "the task was cancelled")

    @Test func aDeadlineCancelsTheStatementAndKeepsTheConnection() async throws {
        try await withTestDatabase(poolSize: 1) { database async throws in
            let first = try await pid(database.client)
            await #expect(throws: Self.timedOut) { try await database.client.query("SELECT pg_sleep(60)", timeout: .milliseconds(50)) }
            #expect(try await int(database.client, "SELECT 7 AS value") == 7)
            #expect(try await pid(database.client) == first)
        }
    }

    @Test func theConfigurationsDeadlineHoldsWhereACallNamesNone() async throws {
        try await withTestDatabase(poolSize: 1, queryTimeout: .milliseconds(100)) { database async throws in
            await #expect(throws: Self.timedOut) { try await database.client.query("SELECT pg_sleep(60)") }
        }
    }

    @Test func cancellingTheTaskCancelsTheStatement() async throws {
        try await withTestDatabase(poolSize: 2) { database async throws in
            let task = Task { try await database.client.query("SELECT pg_sleep(60) AS long_one") }
            try await eventually("the statement runs") { try await running(database, "%pg_sleep(60) AS long_one%") == 1 }
            task.cancel()
            await #expect(throws: Self.cancelled) { try await task.value }
            try await eventually("the statement has ended") { try await running(database, "%pg_sleep(60) AS long_one%") == 0 }
        }
    }

    @Test func aCancelledTaskSendsNothing() async throws {
        try await withTestDatabase { database async throws in
            try await database.client.query("CREATE TABLE item (id int)")
            let task = Task {
                while !Task.isCancelled { await Task.yield() }
                try await database.client.query("INSERT INTO item VALUES (1)")
            }
            task.cancel()
            await #expect(throws: PostgresError.self) { try await task.value }
            #expect(try await database.client.query("SELECT 1 FROM item").count == 0)
        }
    }

    @Test("A statement that takes no notice of a cancel costs the connection, not the caller's time")
    func unheardCancel() async throws {
        try await withTestDatabase(poolSize: 1) { database async throws in
            let first = try await pid(database.client)
            // It catches the cancel and sleeps on.
            let deaf = """
                DO $$ BEGIN
                    FOR n IN 1..100 LOOP
                        BEGIN PERFORM pg_sleep(60); EXCEPTION WHEN query_canceled THEN NULL; END;
                    END LOOP;
                END $$
                """
            let start = ContinuousClock.now
            await #expect(throws: Self.timedOut) { try await database.client.query(deaf, timeout: .milliseconds(50)) }
            #expect(ContinuousClock.now - start < .seconds(20))
            #expect(try await pid(database.client) != first)
            try await database.client.query("SELECT pg_terminate_backend($1::int)", [.int(first)])
        }
    }

    @Test("Answers are never mixed up when deadlines fall together with answers")
    func answersAreNotMixedUp() async throws {
        try await withTestDatabase(poolSize: 3) { database async throws in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in 0..<6 {
                    group.addTask {
                        for round in 0..<30 {
                            let expected = worker * 1000 + round
                            do {
                                let rows = try await database.client.query(
                                    "SELECT $1::int AS value, pg_sleep($2::float8)", [.int(expected), .double(Double(round % 5) / 1000)],
                                    timeout: .milliseconds(3))
                                #expect(try rows.first?.decode("value", as: Int.self) == expected)
                            } catch let error as PostgresError {
                                #expect(error.code == .timedOut)
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await int(database.client, "SELECT 7 AS value") == 7)
        }
    }

    @Test func aLeaseServesOneCommandAtATime() async throws {
        try await withTestDatabase(poolSize: 2) { database async throws in
            try await database.client.withConnection { connection in
                let slow = Task { try await connection.query("SELECT pg_sleep(60) AS busy_one", timeout: .seconds(1)) }
                try await eventually("the statement runs") { try await running(database, "%pg_sleep(60) AS busy_one%") == 1 }
                await #expect(
                    throws: PostgresError(.misuse, message: "the connection is busy: a lease serves one task and one command at a time")
                ) {
                    try await connection.query("SELECT 1")
                }
                await #expect(throws: Self.timedOut) { try await slow.value }
            }
        }
    }

    private func running(_ database: TestDatabase, _ pattern: String) async throws -> Int {
        try await int(
            database.client,
            "SELECT count(*) AS value FROM pg_stat_activity WHERE state = 'active' AND query LIKE $1 AND pid <> pg_backend_pid()",
            [.text(pattern)])
    }
}
