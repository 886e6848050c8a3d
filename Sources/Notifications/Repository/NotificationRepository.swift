public import Foundation
import Monitoring
public import Postgres

/// The outbox as people look at it: what was told, what waits, what is dead, and what can be done about it.
public struct NotificationRepository: Sendable {
    private let client: PostgresClient

    /// - Parameter client: Of a database with the monitor's schema.
    public init(client: PostgresClient) {
        self.client = client
    }

    /// Everything that was, is or will be told of an alert, in its order; at most the first 1,000.
    public func list(alertID: UUID) async throws -> [NotificationRecord] {
        try await client.query(Self.ofAlert, [.uuid(alertID)]).map(NotificationRecord.init(row:))
    }

    /// The outbox, newest first.
    ///
    /// - Parameters:
    ///   - status: nil for every status.
    ///   - receiver: nil for every receiver.
    ///   - limit: 1 to 1000; others are brought into it.
    public func list(status: NotificationRecord.Status? = nil, receiver: String? = nil, limit: Int = 50) async throws
        -> [NotificationRecord]
    {
        try await client.query(
            Self.newest, [.text(status?.rawValue), .text(receiver), .int(min(1000, max(1, limit)))]
        ).map(NotificationRecord.init(row:))
    }

    /// The notification of that id; nil where there is none.
    public func notification(id: UUID) async throws -> NotificationRecord? {
        try await client.query("SELECT \(NotificationRecord.columns) FROM monitoring_notifications WHERE id = $1::uuid", [.uuid(id)])
            .first.map(NotificationRecord.init(row:))
    }

    /// The requests that were made for a notification, first to last.
    public func attempts(notificationID: UUID) async throws -> [DeliveryAttempt] {
        try await client.query(Self.attempts, [.uuid(notificationID)]).map(DeliveryAttempt.init(row:))
    }

    /// The requests that were made for each notification of an alert, first to last; at most 10,000 in all.
    public func attempts(alertID: UUID) async throws -> [UUID: [DeliveryAttempt]] {
        try await client.query(Self.attemptsOfAlert, [.uuid(alertID)]).reduce(into: [:]) { attempts, row in
            attempts[try row.decode("notification_id") as UUID, default: []].append(try DeliveryAttempt(row: row))
        }
    }

    /// Puts a dead or dropped notification back, due now and for another day; one that waits becomes due now.
    ///
    /// - Returns: It as it is now; unchanged where it is being sent, was delivered or was superseded. nil where there is none.
    @discardableResult
    public func retry(id: UUID) async throws -> NotificationChange? {
        try await change(Self.retry, id)
    }

    /// Gives up a notification that waits or is dead.
    ///
    /// - Returns: It as it is now; unchanged where it is being sent, was delivered or was superseded. nil where there is none.
    @discardableResult
    public func drop(id: UUID) async throws -> NotificationChange? {
        try await change(Self.drop, id)
    }

    private func change(_ sql: String, _ id: UUID) async throws -> NotificationChange? {
        let hasChanged = try await client.query(sql, [.uuid(id)]).affectedRows > 0
        if hasChanged { try await client.query("SELECT monitoring_bump_data_version()") }
        return try await notification(id: id).map { NotificationChange(notification: $0, changed: hasChanged) }
    }

    private static let ofAlert = """
        SELECT \(NotificationRecord.columns)
        FROM monitoring_notifications
        WHERE alert_id = $1::uuid
        ORDER BY created_at, receiver, sequence, id
        LIMIT 1000
        """

    static let newest = """
        SELECT \(NotificationRecord.columns)
        FROM monitoring_notifications
        WHERE ($1::text IS NULL OR status = $1)
          AND ($2::text IS NULL OR receiver = $2)
        ORDER BY created_at DESC, id
        LIMIT $3::integer
        """

    private static let attempts = """
        SELECT \(DeliveryAttempt.columns)
        FROM monitoring_delivery_attempts
        WHERE notification_id = $1::uuid
        ORDER BY attempt
        """

    private static let attemptsOfAlert = """
        SELECT notification_id, \(DeliveryAttempt.columns)
        FROM monitoring_delivery_attempts
        WHERE notification_id IN (SELECT id FROM monitoring_notifications WHERE alert_id = $1::uuid)
        ORDER BY notification_id, attempt
        LIMIT 10000
        """

    private static let retry = """
        UPDATE monitoring_notifications
        SET status = 'pending', due_at = now(), give_up_at = now() + interval '1 day', failures = 0, updated_at = now()
        WHERE id = $1::uuid
          AND status IN ('dead', 'dropped', 'pending')
        """

    private static let drop = """
        UPDATE monitoring_notifications
        SET status = 'dropped', updated_at = now()
        WHERE id = $1::uuid
          AND status IN ('dead', 'pending')
        """
}

/// What came of `retry` or `drop`.
public struct NotificationChange: Sendable, Hashable {
    /// As it is now.
    public var notification: NotificationRecord
    /// Whether this call changed it.
    public var changed: Bool
}
