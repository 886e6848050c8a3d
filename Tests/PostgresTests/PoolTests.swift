import Postgres
import TestSupport
import Testing

/// Leases, lost connections and servers that are not there.
@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint), .timeLimit(.minutes(2)))
struct PoolTests {
    @Test func neverMoreConnectionsThanThePoolsSize() async throws {
        try await withTestDatabase(poolSize: 3) { database async throws in
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<60 { group.addTask { try await pid(database.client) } }
                let pids = try await group.reduce(into: Set<Int>()) { $0.insert($1) }
                #expect((1...3).contains(pids.count))
            }
        }
    }

    @Test func aConnectionThatTheServerClosedMeanwhileIsReplacedUnseen() async throws {
        try await withTestDatabase(poolSize: 1) { database async throws in
            let first = try await pid(database.client)
            let other = PostgresClient(try PostgresConfiguration(database.url), poolSize: 1)
            try await other.query("SELECT pg_terminate_backend($1::int)", [.int(first)])
            try await eventually("the session has ended") {
                try await int(other, "SELECT count(*) AS value FROM pg_stat_activity WHERE pid = $1::int", [.int(first)]) == 0
            }
            #expect(try await pid(database.client) != first)
            await other.close()
        }
    }

    @Test func aConnectionLostInUseIsAnErrorAndIsReplaced() async throws {
        try await withTestDatabase(poolSize: 1) { database async throws in
            // The end of the connection may be met together with the reason, which then has no SQLSTATE.
            let error = await #expect(throws: PostgresError.self) {
                try await database.client.query("SELECT pg_terminate_backend(pg_backend_pid()), pg_sleep(60)")
            }
            #expect(error?.code == .connectionLost)
            #expect(error?.message.contains("terminating connection due to administrator command") == true)
            #expect(try await int(database.client, "SELECT 7 AS value") == 7)
        }
    }

    @Test func waitingForALeaseIsBounded() async throws {
        try await withTestDatabase { database async throws in
            let client = PostgresClient(try PostgresConfiguration(database.url), poolSize: 1, acquireTimeout: .seconds(2))
            try await client.withConnection { connection in
                await #expect(throws: PostgresError(.poolExhausted, message: "no connection became free in time")) {
                    try await client.query("SELECT 1")
                }
                try await connection.query("SELECT 1")
            }
            #expect(try await client.query("SELECT 1").count == 1)
            await client.close()
        }
    }

    @Test func oneWhoWaitsCanBeCancelled() async throws {
        try await withTestDatabase(poolSize: 1) { database async throws in
            try await database.client.withConnection { connection in
                let task = Task { try await database.client.query("SELECT 1") }
                task.cancel()
                await #expect(throws: PostgresError(.cancelled, message: "the task was cancelled while it waited for a connection")) {
                    try await task.value
                }
                try await connection.query("SELECT 1")
            }
            #expect(try await database.client.query("SELECT 1").count == 1)
        }
    }

    @Test func aLeaseIsOfNoUseAfterItsClosure() async throws {
        try await withTestDatabase { database async throws in
            let connection = try await database.client.withConnection { $0 }
            await #expect(throws: PostgresError(.misuse, message: "the connection was used after its closure had ended")) {
                try await connection.query("SELECT 1")
            }
        }
    }

    @Test func aClosedClientRefuses() async throws {
        try await withTestDatabase { database async throws in
            let client = PostgresClient(try PostgresConfiguration(database.url))
            try await client.query("SELECT 1")
            await client.close()
            await #expect(throws: PostgresError(.closed, message: "the client is closed")) { try await client.query("SELECT 1") }
            await client.close()
        }
    }

    @Test func closingWaitsForLeases() async throws {
        try await withTestDatabase { database async throws in
            let client = PostgresClient(try PostgresConfiguration(database.url))
            try await database.client.query("CREATE TABLE item (id int)")
            let closing = try await client.withConnection { connection in
                let closing = Task { await client.close() }
                try await eventually("the client refuses") {
                    do {
                        try await client.query("SELECT 1")
                        return false
                    } catch let error as PostgresError { return error.code == .closed }
                }
                try await connection.query("INSERT INTO item VALUES (1)")
                return closing
            }
            await closing.value
            #expect(try await int(database.client, "SELECT count(*) AS value FROM item") == 1)
        }
    }

    @Test func aServerThatSaysNothingIsGivenUp() async throws {
        let server = try FaultServer(.silent)
        let configuration = try PostgresConfiguration(
            "host=127.0.0.1 port=\(server.port) sslmode=disable gssencmode=disable", connectTimeout: .milliseconds(50))
        let client = PostgresClient(configuration, acquireTimeout: .milliseconds(400))
        let start = ContinuousClock.now
        await #expect(throws: PostgresError(.connectionFailed, message: "the server did not answer in time")) {
            try await client.query("SELECT 1")
        }
        #expect(ContinuousClock.now - start < .seconds(5))
        #expect((2...8).contains(server.connections))
        await client.close()
    }

    @Test func aServerThatHangsUpIsTriedAgainWithPauses() async throws {
        let server = try FaultServer(.closes)
        let configuration = try PostgresConfiguration("host=127.0.0.1 port=\(server.port) password=hush")
        let client = PostgresClient(configuration, acquireTimeout: .milliseconds(300))
        let error = await #expect(throws: PostgresError.self) { try await client.query("SELECT 1") }
        #expect(error?.code == .connectionFailed)
        #expect(error?.message.contains("hush") == false)
        try await eventually("it was tried again") { (2...16).contains(server.connections) }
        await client.close()
    }

    @Test func aRefusalForGoodIsNotTriedAgain() async throws {
        let server = try #require(TestDatabase.serverURL)
        let client = PostgresClient(
            try PostgresConfiguration(TestDatabase.url(of: "torq_test_nowhere", on: server)), acquireTimeout: .seconds(60))
        let start = ContinuousClock.now
        let error = await #expect(throws: PostgresError.self) { try await client.query("SELECT 1") }
        #expect(error?.code == .connectionFailed)
        #expect(ContinuousClock.now - start < .seconds(30))
        await client.close()
    }
}
