import Logging
import Postgres
import Synchronization
import TestSupport
import Testing

@testable import Notifications

/// What the dispatcher survives, it says.
@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint)) struct SwallowedErrorTests {
    @Test func aVersionThatCannotBeRaisedAndALostListenerAreLogged() async throws {
        let log = RecordedLog()
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            try await fixture.withDispatcher(
                fixture.configuration([Receiver(name: "log", kind: .log)]), logger: Logger(label: "test", factory: { _ in log })
            ) {
                try await eventually("it listens") { try await listeners(database.client) == 1 }
                try await database.client.query(
                    "ALTER FUNCTION monitoring_bump_data_version() RENAME TO monitoring_bump_data_version_away")
                _ = try await fixture.open()
                try await eventually("the version is logged") { log.has("data version cannot be raised") }
                try await database.client.query(
                    "ALTER FUNCTION monitoring_bump_data_version_away() RENAME TO monitoring_bump_data_version")
                try await database.client.query(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN %'")
                try await eventually("the listener is logged") { log.has("notices of transitions are not heard") }
                try await eventually("it listens again") { try await listeners(database.client) == 1 }
            }
        }
    }

    private func listeners(_ client: PostgresClient) async throws -> Int {
        try await client.query("SELECT FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN %'").count
    }
}

/// Warnings, as they are logged.
final class RecordedLog: LogHandler {
    private let messages = Mutex<[String]>([])
    var metadata: Logger.Metadata {
        get { [:] }
        set {}
    }
    var logLevel: Logger.Level {
        get { .warning }
        set {}
    }
    subscript(metadataKey _: String) -> Logger.Metadata.Value? {
        get { nil }
        set {}
    }

    func log(event: LogEvent) {
        messages.withLock { $0.append("\(event.message)") }
    }

    func has(_ message: String) -> Bool { messages.withLock { $0.contains(message) } }
}
