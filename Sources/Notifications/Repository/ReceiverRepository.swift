public import Postgres

/// What the database knows of receivers.
public struct ReceiverRepository: Sendable {
    private let client: PostgresClient

    /// - Parameter client: Of a database with the monitor's schema.
    public init(client: PostgresClient) {
        self.client = client
    }

    /// Every receiver that was ever registered, that something waits or is dead for, or that is asked for, by name.
    ///
    /// - Parameter names: Asked for, whether the database knows them or not.
    public func receivers(named names: [String] = []) async throws -> [ReceiverRecord] {
        try await client.query(Self.list, [.textArray(names)], timeout: .seconds(10)).map(ReceiverRecord.init(row:))
    }

    /// Somebody has seen that a receiver works: its rest after failures ends, and what was tried in vain is due now.
    ///
    /// A rest that the receiver asked for stays, unless failures had made it rest as well.
    public func worksAgain(_ receiver: String) async throws {
        try await client.transaction { connection in
            if try await connection.query(Outbox.recover, [.text(receiver)]).affectedRows > 0 {
                try await connection.query(Outbox.hasten, [.text(receiver)])
                // Whoever dispatches looks at once.
                try await connection.query("SELECT pg_notify('monitoring_transitions', 'works')")
            }
        }
    }

    static let list = """
        WITH outbox AS MATERIALIZED (
            SELECT
                receiver,
                count(*) FILTER (WHERE status <> 'dead') AS waiting,
                min(due_at) FILTER (WHERE status <> 'dead') AS oldest_due_at,
                count(*) FILTER (WHERE status = 'dead') AS dead
            FROM monitoring_notifications
            WHERE status IN ('pending', 'sending', 'dead')
            GROUP BY receiver
        ), names AS (
            SELECT receiver FROM monitoring_receivers
            UNION SELECT receiver FROM outbox
            UNION SELECT unnest($1::text[])
        )
        SELECT
            receiver, known.paused_until, known.disabled_at, known.disabled_reason, coalesce(known.openings, 0) AS openings,
            coalesce(outbox.waiting, 0) AS waiting, outbox.oldest_due_at, coalesce(outbox.dead, 0) AS dead,
            known.delivered_at AS last_delivered_at
        FROM names
        LEFT JOIN monitoring_receivers known USING (receiver)
        LEFT JOIN outbox USING (receiver)
        ORDER BY receiver
        LIMIT 1000
        """
}
