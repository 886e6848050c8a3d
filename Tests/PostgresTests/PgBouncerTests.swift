import Postgres
import TestSupport
import Testing

/// Through PgBouncer in transaction mode: eight clients on two connections to the server.
@Suite(
    .enabled(
        if: TestDatabase.isAvailable && PgBouncer.program != nil,
        "PgBouncer is not installed, or not wanted: run deploy/test --all, which installs and uses it"), .timeLimit(.minutes(2)))
struct PgBouncerTests {
    @Test func queriesAndTransactionsWork() async throws {
        try await withBouncer { client in
            try await client.query("CREATE TABLE item (id int)")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for id in 0..<40 {
                    group.addTask {
                        try await client.transaction { connection in
                            try await connection.query("SELECT set_config('torq.id', $1, true)", [.text("\(id)")])
                            try await connection.query("INSERT INTO item VALUES (current_setting('torq.id')::int)")
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await int(client, "SELECT count(DISTINCT id) AS value FROM item") == 40)
            let copied = try await client.withConnection { connection in
                try await connection.copyIn("COPY item FROM STDIN") { try await $0.write(Array("40\n41\n".utf8)) }
            }
            #expect(copied == 2)
        }
    }

    @Test("Deadlines cancel their own statement and no other's, on connections that change hands")
    func cancelsHitTheirOwn() async throws {
        try await withBouncer { client in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in 0..<4 {
                    group.addTask {
                        for _ in 0..<3 {
                            let error = await #expect(throws: PostgresError.self) {
                                try await client.query("SELECT pg_sleep(60)", timeout: .milliseconds(20))
                            }
                            #expect(error?.code == .timedOut)
                        }
                    }
                    group.addTask {
                        for round in 0..<100 {
                            let rows = try await client.query("SELECT $1::int AS value, pg_sleep(0.001)", [.int(worker * 100 + round)])
                            #expect(try rows.first?.decode("value", as: Int.self) == worker * 100 + round)
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    private func withBouncer(_ body: @Sendable (PostgresClient) async throws -> Void) async throws {
        try await withTestDatabase { database async throws in
            let bouncer = try PgBouncer(database)
            defer { bouncer.stop() }
            let client = PostgresClient(try PostgresConfiguration(bouncer.url), poolSize: 8, acquireTimeout: .seconds(20))
            do {
                try await body(client)
                await client.close()
            } catch {
                await client.close()
                throw error
            }
        }
    }
}
