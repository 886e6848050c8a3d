import Postgres

extension NotificationRepository {
    /// So many dead notifications are looked at in one call.
    public static let replayLimit = 10_000

    /// Gives a receiver what it missed.
    ///
    /// A message is kept whole: what it tells of comes back together, under its id, so that a receiver which had it after all
    /// knows it again. Where the newest that a receiver was told of an alert is not dead, there is no news of it, and what died
    /// before stands superseded by that.
    ///
    /// - Parameters:
    ///   - what: With `.all`, a receiver that is told the newest alone still gets of each alert the newest alone.
    ///   - span: Only what was written within so long before now.
    ///   - limit: Dead notifications looked at, oldest first.
    public func replay(
        receiver: String, _ what: Replay, within span: Duration, limit: Int = replayLimit
    ) async throws -> ReplayOutcome {
        let row = try await client.query(
            what == .all ? Self.replayAll : Self.replayPresent,
            [.text(receiver), .double(Double(span.components.seconds)), .int(limit)], timeout: .seconds(30))[0]
        return ReplayOutcome(
            replayed: try row.decode("replayed"), superseded: try row.decode("superseded"), remaining: try row.decode("remaining"))
    }

    private static let dead = """
        SELECT id, alert_id, message_id
        FROM monitoring_notifications
        WHERE receiver = $1::text
          AND status = 'dead'
          AND cause <> 'test'
          AND created_at > now() - make_interval(secs => $2::double precision)
        """

    private static let tell = """
        SELECT
            (SELECT count(*) FROM revived) AS replayed,
            (SELECT count(*) FROM superseded) AS superseded,
            (SELECT count(*) FROM (\(dead)) dead WHERE dead.id NOT IN (SELECT id FROM found)) AS remaining,
            (SELECT monitoring_bump_data_version() WHERE EXISTS (SELECT FROM found)) IS NULL AS unversioned,
            (SELECT pg_notify('monitoring_transitions', '') WHERE EXISTS (SELECT FROM revived)) IS NULL AS untold
        """

    private static let revive = """
        UPDATE monitoring_notifications n
        SET status = 'pending', due_at = now(), give_up_at = now() + interval '1 day', failures = 0, updated_at = now()
        """

    private static let replayAll = """
        WITH oldest AS MATERIALIZED (
            \(dead)
            ORDER BY created_at, id
            LIMIT $3::integer
        ), found AS MATERIALIZED (
            SELECT n.id
            FROM monitoring_notifications n
            WHERE n.status = 'dead'
              AND (n.id IN (SELECT id FROM oldest) OR n.message_id IN (SELECT message_id FROM oldest))
        ), revived AS (
            \(revive)
            FROM found
            WHERE n.id = found.id
            RETURNING n.id
        ), superseded AS (
            SELECT WHERE false
        )
        \(tell)
        """

    /// An alert that is over is news only to a receiver that heard of it.
    private static let replayPresent = """
        WITH oldest AS MATERIALIZED (
            \(dead)
            ORDER BY created_at, id
            LIMIT $3::integer
        ), newest AS MATERIALIZED (
            SELECT DISTINCT ON (n.alert_id) n.alert_id, n.id, n.status, n.message_id,
                a.status IN ('open', 'acknowledged') OR EXISTS (
                    SELECT FROM monitoring_notifications told
                    WHERE told.alert_id = n.alert_id AND told.receiver = n.receiver AND told.status = 'delivered') AS is_news
            FROM monitoring_notifications n
            JOIN monitoring_alerts a ON a.id = n.alert_id
            WHERE n.alert_id IN (SELECT alert_id FROM oldest)
              AND n.receiver = $1::text
              AND n.cause <> 'test'
              AND n.status IN ('dead', 'pending', 'sending', 'delivered')
            ORDER BY n.alert_id, n.created_at DESC, n.sequence DESC, n.id DESC
        ), chosen AS MATERIALIZED (
            SELECT id, message_id FROM newest WHERE status = 'dead' AND is_news
        ), found AS MATERIALIZED (
            SELECT n.id, n.alert_id,
                coalesce(n.id IN (SELECT id FROM chosen) OR n.message_id IN (SELECT message_id FROM chosen), false) AS is_chosen
            FROM monitoring_notifications n
            WHERE n.status = 'dead'
              AND (n.id IN (SELECT id FROM oldest UNION SELECT id FROM chosen) OR n.message_id IN (SELECT message_id FROM chosen))
        ), revived AS (
            \(revive)
            FROM found
            WHERE n.id = found.id AND found.is_chosen
            RETURNING n.id
        ), superseded AS (
            UPDATE monitoring_notifications n
            SET status = 'superseded', superseded_by = CASE WHEN newest.status <> 'dead' OR newest.is_news THEN newest.id END,
                updated_at = now()
            FROM found
            JOIN newest ON newest.alert_id = found.alert_id
            WHERE n.id = found.id AND NOT found.is_chosen
            RETURNING n.id
        )
        \(tell)
        """
}
