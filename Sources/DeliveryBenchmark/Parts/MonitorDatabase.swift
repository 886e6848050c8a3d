import Monitoring
import TestServer

/// Makes a database as `torq-monitor migrate` does, runs `body`, and drops it.
func withMonitorDatabase<R: Sendable>(_ body: @Sendable (TestDatabase) async throws -> R) async throws -> R {
    try await withTestDatabase { database in
        _ = try await SchemaMigrator(client: database.client).migrate()
        return try await body(database)
    }
}
