import Foundation
import Postgres
import Testing

/// Carries a value out of a closure.
final class Kept<Value: Sendable>: @unchecked Sendable {  // Guarded by `lock`.
    private let lock = NSLock()
    private var stored: Value?

    var value: Value? {
        get { lock.withLock { stored } }
        set { lock.withLock { stored = newValue } }
    }
}

/// The server process behind the connection that the next query gets.
func pid(_ client: PostgresClient) async throws -> Int {
    try #require(try await client.query("SELECT pg_backend_pid() AS pid").first).decode("pid")
}

/// The sole value `value` of the sole row.
func int(_ client: PostgresClient, _ sql: String, _ parameters: [PostgresValue] = []) async throws -> Int {
    try #require(try await client.query(sql, parameters).first).decode("value")
}
