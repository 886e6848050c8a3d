import Foundation
import Logging
import Monitoring
import Postgres

/// What a silence does to notifications that were written before it began: those that wait, in a group or for another attempt, are
/// held back like the steps that come after, and told at its end.
///
/// A message that tells of several alerts and was tried once stays as it was. An escalation goes on: it is for those who were not
/// told yet, because nobody had reacted.
extension TransitionRouter {
    /// Of a silence that holds: what waited when it began has not been looked at, or what was being routed or was claimed just then, and
    /// has come back since, may have been missed.
    static let isNewSilence = """
        starts_at <= now() AND ends_at > now()
          AND (applied_at IS NULL OR applied_at < greatest(starts_at, created_at) + interval '45 seconds')
        """

    /// Holds back what silences cover that have begun since.
    ///
    /// - Returns: How many notifications that is.
    func applySilences() async throws -> Int {
        let held = try await client.transaction { connection in
            // Before what waits is looked at: what is written later is routed by somebody who sees the silence.
            let ids = try await connection.query(Self.newSilences).map { try $0.decode("id") as UUID }
            guard !ids.isEmpty else { return 0 }
            let silences = try await silences(connection)
            var held = 0
            var last = UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
            while true {
                let page = try await connection.query(Self.waiting, [.uuid(last), .int(Self.batchSize)])
                let covered = try page.filter { row in
                    let labels = try UnroutedTransition(row: row).labels
                    return silences.contains { $0.covers(labels) }
                }.map { try $0.decode("alert_id") as UUID }
                if !covered.isEmpty {
                    held += try await connection.query(Self.holdBack, [.uuidArray(covered)])[0].decode("count") as Int
                }
                guard page.count == Self.batchSize, let next = page.last else { break }
                last = try next.decode("alert_id")
            }
            try await connection.query(Self.applied, [.uuidArray(ids)])
            return held
        }
        if held > 0 {
            logger.info("what waited is held back by a silence", metadata: ["count": "\(held)"])
        }
        return held
    }

    private static let newSilences = """
        SELECT id FROM monitoring_silences WHERE \(isNewSilence) ORDER BY id FOR UPDATE SKIP LOCKED
        """

    /// What can be held back.
    static let isWaiting = """
        n.status = 'pending'
          AND (n.group_key IS NULL OR n.message_id IS NULL)
          AND n.cause IN ('transition', 'repeat', 'silence_ended', 'snooze_ended', 'mute_ended', 'inhibition_ended')
          AND coalesce(n.transition NOT IN ('resolved', 'acknowledged'), true)
        """

    /// An alert as a step that opens it now.
    static let waitingColumns = """
        0::bigint AS id, a.id AS alert_id, a.sequence, 'opened' AS transition, a.severity AS to_severity,
        a.alert_type, a.metric_name, a.status,
        a.affected_model AS model, a.affected_backend AS backend, a.affected_agent AS agent, a.affected_version AS version,
        a.labels, false AS is_ignored, false AS is_snoozed, now() AS moment
        """

    /// Alerts of which something waits, with their labels of now.
    private static let waiting = """
        SELECT \(waitingColumns)
        FROM monitoring_alerts a
        WHERE a.id > $1::uuid
          AND a.id IN (SELECT n.alert_id FROM monitoring_notifications n WHERE \(isWaiting))
        ORDER BY a.id
        LIMIT $2::integer
        """

    private static let holdBack = holdBack(of: "silenced")

    /// What waits of alerts that somebody has asked to be quiet.
    static let holdBackSnoozed = holdBack(of: "snoozed")

    private static func holdBack(of reason: String) -> String {
        holdBack(
            """
            SELECT n.id, n.alert_id, n.sequence, n.transition, n.cause, '\(reason)' AS reason
            FROM monitoring_notifications n
            WHERE n.alert_id = ANY ($1::uuid[])
              AND \(isWaiting)
            FOR UPDATE SKIP LOCKED
            """)
    }

    /// The steps are told at the end of what holds them back, like those that never got so far. Whoever holds one at this moment sends it.
    static func holdBack(_ waiting: String) -> String {
        """
        WITH waiting AS MATERIALIZED (
            \(waiting)
        ), held AS (
            UPDATE monitoring_notifications n
            SET status = 'dropped', last_error = waiting.reason, updated_at = now()
            FROM waiting
            WHERE n.id = waiting.id
        ), kept AS (
            UPDATE monitoring_alert_transitions t
            SET withheld = waiting.reason
            FROM waiting
            WHERE t.alert_id = waiting.alert_id
              AND t.sequence = waiting.sequence
              AND t.withheld IS NULL
              AND (waiting.cause IN ('silence_ended', 'snooze_ended', 'mute_ended', 'inhibition_ended')
                   OR waiting.transition IN ('opened', 'escalated', 'reopened'))
        )
        SELECT count(*) AS count FROM waiting
        """
    }

    private static let applied = "UPDATE monitoring_silences SET applied_at = clock_timestamp() WHERE id = ANY ($1::uuid[])"
}
