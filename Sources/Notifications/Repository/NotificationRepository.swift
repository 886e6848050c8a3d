public import Foundation
import Monitoring
public import Postgres

/// The outbox as people look at it: what was told, what waits, what is dead, and what can be done about it.
public struct NotificationRepository: Sendable {
    let client: PostgresClient

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
    ///   - place: Only what follows in that order: the writing in microseconds since 1970, and the id; nil for the first page.
    ///   - limit: 1 to 1001; others are brought into it.
    public func list(
        status: NotificationRecord.Status? = nil, receiver: String? = nil, after place: (microseconds: Int, id: UUID)? = nil,
        limit: Int = 50
    ) async throws -> [NotificationRecord] {
        let filter: [PostgresValue] = [.text(status?.rawValue), .text(receiver), .int(min(1001, max(1, limit)))]
        let rows =
            if let place {
                try await client.query(Self.older, filter + [.int(place.microseconds), .uuid(place.id)])
            } else {
                try await client.query(Self.newest, filter)
            }
        return try rows.map(NotificationRecord.init(row:))
    }

    /// The notification of that id; nil where there is none.
    public func notification(id: UUID) async throws -> NotificationRecord? {
        try await client.query("SELECT \(NotificationRecord.columns) FROM monitoring_notifications WHERE id = $1::uuid", [.uuid(id)])
            .first.map(NotificationRecord.init(row:))
    }

    /// The ids of notifications within the range, in their order, `limit` at most.
    public func ids(in range: ClosedRange<UUID>, limit: Int) async throws -> [UUID] {
        try await client.query(
            "SELECT id FROM monitoring_notifications WHERE id BETWEEN $1::uuid AND $2::uuid ORDER BY id LIMIT $3::integer",
            [.uuid(range.lowerBound), .uuid(range.upperBound), .int(limit)]
        ).map { try $0.decode("id") }
    }

    /// The notifications that the message of this one tells of, itself among them, oldest first; at most 500. Of one that was
    /// never tried, itself alone.
    public func members(ofMessageOf id: UUID) async throws -> [NotificationRecord] {
        try await client.query(Self.members, [.uuid(id)]).map(NotificationRecord.init(row:))
    }

    /// The requests that were made for a notification, first to last: those of the message that tells of it.
    public func attempts(notificationID: UUID) async throws -> [DeliveryAttempt] {
        try await client.query(Self.attempts, [.uuid(notificationID)]).map(DeliveryAttempt.init(row:))
    }

    /// The requests that were made for each notification of an alert, first to last: those of its message; at most 10,000 in all.
    public func attempts(alertID: UUID) async throws -> [UUID: [DeliveryAttempt]] {
        try await client.query(Self.attemptsOfAlert, [.uuid(alertID)]).reduce(into: [:]) { attempts, row in
            attempts[try row.decode("member_id") as UUID, default: []].append(try DeliveryAttempt(row: row))
        }
    }

    /// The alerts that a message told of: those that still need somebody first, the worst of them first.
    ///
    /// - Parameters:
    ///   - id: Of the notification that carried the message, or, before the first attempt, of the one that will.
    ///   - limit: At most so many.
    /// - Returns: Their ids, and how many there are in all; none where there is no such message.
    public func alerts(messageID id: UUID, limit: Int) async throws -> (ids: [UUID], total: Int) {
        let rows = try await client.query(Self.alertsOfMessage, [.uuid(id), .int(limit)])
        return (try rows.map { try $0.decode("id") }, try rows.first.map { try $0.decode("total") } ?? 0)
    }

    /// Puts a dead or dropped notification back, due now and for another day; one that waits becomes due now. All that its
    /// message tells of goes with it.
    ///
    /// - Returns: It as it is now; unchanged where it is being sent, was delivered or was superseded. nil where there is none.
    @discardableResult
    public func retry(id: UUID) async throws -> NotificationChange? {
        try await change(Self.retry, id)
    }

    /// Gives up a notification that waits or is dead, and all that its message tells of.
    ///
    /// - Returns: It as it is now; unchanged where it is being sent, was delivered or was superseded. nil where there is none.
    @discardableResult
    public func drop(id: UUID) async throws -> NotificationChange? {
        try await change(Self.drop, id)
    }

    private func change(_ sql: String, _ id: UUID) async throws -> NotificationChange? {
        let count: Int = try await client.query(sql, [.uuid(id)])[0].decode("changed")
        return try await notification(id: id).map { NotificationChange(notification: $0, changed: count > 0, count: count) }
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

    /// Those after $4 and $5 in the order of `newest`.
    static let older = """
        SELECT \(NotificationRecord.columns)
        FROM monitoring_notifications
        WHERE ($1::text IS NULL OR status = $1)
          AND ($2::text IS NULL OR receiver = $2)
          AND created_at <= timestamptz 'epoch' + $4::bigint * interval '1 microsecond'
          AND (created_at < timestamptz 'epoch' + $4 * interval '1 microsecond' OR id > $5::uuid)
        ORDER BY created_at DESC, id
        LIMIT $3::integer
        """

    /// All rows of the message that the row $1 belongs to. A null message_id equals nothing, so such a row stands alone.
    private static let ofMessage = """
        (id = $1::uuid
         OR id = (SELECT message_id FROM monitoring_notifications WHERE id = $1::uuid)
         OR message_id = (SELECT message_id FROM monitoring_notifications WHERE id = $1::uuid) AND message_id <> id)
        """

    private static let members = """
        SELECT \(NotificationRecord.columns)
        FROM monitoring_notifications
        WHERE \(ofMessage)
        ORDER BY created_at, id
        LIMIT 500
        """

    private static let attempts = """
        SELECT \(DeliveryAttempt.columns)
        FROM monitoring_delivery_attempts
        WHERE notification_id = coalesce((SELECT message_id FROM monitoring_notifications WHERE id = $1::uuid), $1::uuid)
        ORDER BY attempt
        """

    private static let attemptsOfAlert = """
        SELECT member.id AS member_id, made.*
        FROM monitoring_notifications member
        CROSS JOIN LATERAL (
            SELECT \(DeliveryAttempt.columns)
            FROM monitoring_delivery_attempts
            WHERE notification_id = coalesce(member.message_id, member.id)) made
        WHERE member.alert_id = $1::uuid
        ORDER BY member.id, made.attempt
        LIMIT 10000
        """

    private static let alertsOfMessage = """
        SELECT alert.id, count(*) OVER () AS total
        FROM monitoring_alerts alert
        WHERE alert.id IN (SELECT alert_id FROM monitoring_notifications WHERE id = $1::uuid OR message_id = $1::uuid AND message_id <> id)
        ORDER BY
            array_position('{open,acknowledged,ignored,resolved}', alert.status),
            monitoring_severity_rank(alert.severity) DESC,
            alert.opened_at,
            alert.id
        LIMIT $2::integer
        """

    /// Dispatchers hear of it, as they do of transitions.
    private static let tell = """
        SELECT
            (SELECT count(*) FROM changed) AS changed,
            (SELECT monitoring_bump_data_version() WHERE EXISTS (SELECT FROM changed)) IS NULL AS unversioned,
            (SELECT count(pg_notify('monitoring_transitions', ''))
             FROM (SELECT DISTINCT receiver FROM changed) receivers) AS told
        """

    private static let retry = """
        WITH changed AS (
            UPDATE monitoring_notifications
            SET status = 'pending', due_at = now(), give_up_at = now() + interval '1 day', failures = 0, updated_at = now()
            WHERE \(ofMessage)
              AND status IN ('dead', 'dropped', 'pending')
            RETURNING receiver
        )
        \(tell)
        """

    private static let drop = """
        WITH changed AS (
            UPDATE monitoring_notifications
            SET status = 'dropped', updated_at = now()
            WHERE \(ofMessage)
              AND status IN ('dead', 'pending')
            RETURNING receiver
        )
        \(tell)
        """
}
