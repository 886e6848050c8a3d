import Foundation
import Monitoring
import Postgres

/// The ends of snoozes and silences: whatever they held back is told then, once, if the alert is still open.
///
/// What is looked at is what was held back, not what held it: so it does not matter how a silence ended, whether another one
/// has begun since, or whether any process ran at that moment.
extension TransitionRouter {
    /// Looks at everything that was held back.
    ///
    /// - Returns: The receivers that have something new.
    func routeEnds() async throws -> Set<String> {
        var receivers: Set<String> = []
        var last: Int64 = 0
        while true {
            let page = try await client.transaction { [last] connection in try await routeEnds(after: last, connection) }
            receivers.formUnion(page.receivers)
            guard let next = page.last else { return receivers }
            last = next
        }
    }

    /// - Returns: The last id of a full page; nil: there is no other.
    private func routeEnds(after id: Int64, _ connection: PostgresConnection) async throws -> (last: Int64?, receivers: Set<String>) {
        let page = try await connection.query(Self.withheldPage, [.int(Int(id)), .int(Self.batchSize)]).map(WithheldTransition.init(row:))
        let last = page.count < Self.batchSize ? nil : page.last?.transition.id
        guard !page.isEmpty else { return (nil, []) }
        let silences = try await silences(connection)
        func isOver(_ withheld: WithheldTransition) -> Bool {
            !withheld.isWanted || !silences.contains { $0.covers(withheld.transition.labels) }
        }
        // Only what is over is locked: a long silence over many alerts costs no writes.
        let ids = page.filter(isOver).map { Int($0.transition.id) }
        guard !ids.isEmpty else { return (last, []) }
        let over = try await connection.query(Self.withheldLocked, [.intArray(ids)]).map(WithheldTransition.init(row:)).filter(isOver)
        guard !over.isEmpty else { return (last, []) }
        let wanted = over.filter(\.isWanted).flatMap { withheld in
            configuration.routing.receivers(for: withheld.transition.labels).map { (withheld, receiver: $0) }
        }
        var receivers: Set<String> = []
        if !wanted.isEmpty {
            let rows = try await connection.query(
                Self.writeEnds,
                [
                    .uuidArray(wanted.map(\.0.transition.alertID)), .textArray(wanted.map(\.receiver)),
                    .textArray(wanted.map(\.0.cause.rawValue)), .intArray(wanted.map(\.0.transition.sequence)),
                    .textArray(wanted.map(\.0.transition.severity.rawValue)),
                    .double(configuration.delivery.backoff.giveUpAfter.seconds),
                ])
            for row in rows { receivers.insert(try row.decode("receiver")) }
        }
        try await connection.query(
            Self.release, [.uuidArray(over.map(\.transition.alertID)), .intArray(over.map(\.transition.sequence))])
        return (last, receivers)
    }

    /// One row an alert, when its snooze is over and all its steps are routed. What somebody took in hand since is not told, but
    /// what came after that is.
    private static let withheld = """
        SELECT
            t.id, t.alert_id, t.sequence, t.transition, a.severity AS to_severity,
            a.alert_type, a.metric_name, a.status,
            a.affected_model AS model, a.affected_backend AS backend, a.affected_agent AS agent, a.affected_version AS version,
            false AS is_ignored, false AS is_snoozed,
            CASE t.withheld WHEN 'snoozed' THEN 'snooze_ended' ELSE 'silence_ended' END AS cause,
            a.status IN ('open', 'acknowledged') AND NOT EXISTS (
                SELECT FROM monitoring_alert_transitions since
                WHERE since.alert_id = t.alert_id
                  AND since.sequence > t.sequence
                  AND (since.transition IN ('resolved', 'ignored')
                       OR since.transition = 'acknowledged' AND a.status = 'acknowledged')) AS is_wanted
        FROM monitoring_alert_transitions t
        JOIN monitoring_alerts a ON a.id = t.alert_id
        WHERE t.withheld IS NOT NULL
          AND (a.snoozed_until IS NULL OR a.snoozed_until <= now() OR a.status NOT IN ('open', 'acknowledged'))
          AND NOT EXISTS (
              SELECT FROM monitoring_alert_transitions other
              WHERE other.alert_id = t.alert_id
                AND (other.routed_at IS NULL OR other.withheld IS NOT NULL AND other.sequence > t.sequence))
        """

    private static let withheldPage = """
        \(withheld)
          AND t.id > $1::bigint
        ORDER BY t.id
        LIMIT $2::integer
        """

    private static let withheldLocked = """
        \(withheld)
          AND t.id = ANY ($1::bigint[])
        ORDER BY t.id
        FOR UPDATE OF t SKIP LOCKED
        FOR KEY SHARE OF a SKIP LOCKED
        """

    /// Not to whom a later step has been told meanwhile.
    private static let writeEnds = """
        INSERT INTO monitoring_notifications (alert_id, receiver, cause, sequence, severity, due_at, give_up_at, created_at)
        SELECT
            w.alert_id, w.receiver, w.cause, w.sequence, w.severity,
            now(), now() + make_interval(secs => $6::double precision), clock_timestamp()
        FROM unnest($1::uuid[], $2::text[], $3::text[], $4::integer[], $5::text[])
            AS w (alert_id, receiver, cause, sequence, severity)
        WHERE NOT EXISTS (
            SELECT FROM monitoring_notifications told
            WHERE told.alert_id = w.alert_id
              AND told.receiver = w.receiver
              AND told.sequence >= w.sequence
              AND told.transition IN ('opened', 'escalated', 'reopened')
              AND told.status IN ('pending', 'sending', 'delivered'))
        ON CONFLICT (alert_id, receiver, cause, sequence) DO NOTHING
        RETURNING receiver
        """

    private static let release = """
        UPDATE monitoring_alert_transitions t
        SET withheld = NULL
        FROM unnest($1::uuid[], $2::integer[]) AS told (alert_id, sequence)
        WHERE t.alert_id = told.alert_id
          AND t.sequence <= told.sequence
          AND t.withheld IS NOT NULL
        """
}
