import Foundation
public import Postgres

/// The keys that sign links: the configured one, and those that the database keeps.
public struct LinkKeyStore: Sendable {
    private let client: PostgresClient

    /// - Parameter client: Of a database with the monitor's schema.
    public init(client: PostgresClient) {
        self.client = client
    }

    /// The keys, the one that signs first. Without a configured one, the database's is made once, whoever comes first.
    ///
    /// Keys of the database go on verifying where a configured one was added later.
    /// - Throws: `NotificationConfigurationError` for a configured key that is too short; `PostgresError`.
    public func keys(configured: String?) async throws -> [LinkKey] {
        let first = try configured.map { text throws(NotificationConfigurationError) in try LinkKey(configured: text) }
        let known = try Self.keys(try await client.query(Self.select))
        if first != nil || !known.isEmpty { return (first.map { [$0] } ?? []) + known }
        return try await client.transaction { connection in
            // Another process may have been first: look again once the lock is held.
            try await connection.query(Self.lock)
            var rows = try await connection.query(Self.select)
            if rows.isEmpty {
                var random = SystemRandomNumberGenerator()
                let id = (0..<4).map { _ in hex(random.next()) }.joined()
                let secret = (0..<32).map { _ in random.next() as UInt8 }
                try await connection.query(Self.insert, [.text(id), .bytes(secret)])
                rows = try await connection.query(Self.select)
            }
            return try Self.keys(rows)
        }
    }

    private static func keys(_ rows: PostgresRows) throws -> [LinkKey] {
        try rows.map { LinkKey(id: try $0.decode("key_id"), secret: try $0.decode("secret")) }
    }

    private static let lock = "LOCK TABLE monitoring_link_keys IN SHARE ROW EXCLUSIVE MODE"

    private static let select = """
        SELECT key_id, secret
        FROM monitoring_link_keys
        WHERE retired_at IS NULL
        ORDER BY created_at DESC, key_id
        """

    private static let insert = "INSERT INTO monitoring_link_keys (key_id, secret) VALUES ($1::text, $2::bytea)"
}
