import Postgres
import TestSupport
import Testing

@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint), .timeLimit(.minutes(2)))
struct NotificationTests {
    @Test func notificationsComeInOrder() async throws {
        try await withTestDatabase { database async throws in
            var stream = database.client.notifications(on: "odd \"channel\"").makeAsyncIterator()
            #expect(await stream.next() == .connected)
            for payload in ["a", "", "é"] {
                try await database.client.query("SELECT pg_notify($1, $2)", ["odd \"channel\"", .text(payload)])
            }
            #expect(await stream.next() == .received(payload: "a"))
            #expect(await stream.next() == .received(payload: ""))
            #expect(await stream.next() == .received(payload: "é"))
        }
    }

    @Test func aLostConnectionIsMadeAgainAndSaysSo() async throws {
        try await withTestDatabase { database async throws in
            var stream = database.client.notifications(on: "news").makeAsyncIterator()
            #expect(await stream.next() == .connected)
            try await database.client.query(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query = 'LISTEN \"news\"'")
            #expect(await stream.next() == .connected)
            try await database.client.query("NOTIFY news, 'again'")
            #expect(await stream.next() == .received(payload: "again"))
        }
    }

    @Test func closingEndsTheStream() async throws {
        try await withTestDatabase { database async throws in
            var stream = database.client.notifications(on: "news").makeAsyncIterator()
            #expect(await stream.next() == .connected)
            await database.client.close()
            #expect(await stream.next() == nil)
            var late = database.client.notifications(on: "news").makeAsyncIterator()
            #expect(await late.next() == nil)
        }
    }

    @Test func oneWhoStopsReadingLeavesNoConnection() async throws {
        try await withTestDatabase { database async throws in
            let task = Task {
                for await notification in database.client.notifications(on: "news") where notification != .connected { return }
            }
            let listeners =
                "SELECT count(*) AS value FROM pg_stat_activity WHERE datname = current_database() AND query = 'LISTEN \"news\"'"
            try await eventually("it listens") { try await int(database.client, listeners) == 1 }
            task.cancel()
            await task.value
            try await eventually("the connection is gone") { try await int(database.client, listeners) == 0 }
        }
    }
}
