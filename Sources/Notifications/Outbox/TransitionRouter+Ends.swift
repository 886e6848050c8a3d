import Foundation
import Monitoring
import Postgres

/// The ends of snoozes, silences, inhibitions and the quiet hours of routes: whatever they held back is told then, once, if the alert is still
/// open; to people, everything that one end sets free in one message.
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
        let inhibition = try await inhibition(connection)
        func plan(_ withheld: WithheldTransition) -> RoutingPlan {
            configuration.routing.plan(for: withheld.transition.labels, at: withheld.transition.moment)
        }
        func isOver(_ withheld: WithheldTransition) -> Bool {
            if !withheld.isWanted { return true }
            let (id, labels) = (withheld.transition.alertID, withheld.transition.labels)
            if silences.contains(where: { $0.covers(labels) }) || inhibition.inhibitor(of: id, labels) != nil { return false }
            return !plan(withheld).tellings.contains(where: \.isMuted)
        }
        // Only what is over is locked: a long silence over many alerts costs no writes.
        let ids = page.filter(isOver).map { Int($0.transition.id) }
        guard !ids.isEmpty else { return (last, []) }
        let over = try await connection.query(Self.withheldLocked, [.intArray(ids)]).map(WithheldTransition.init(row:)).filter(isOver)
        guard !over.isEmpty else { return (last, []) }
        let wanted = over.filter(\.isWanted)
        let drafts = wanted.flatMap { withheld in plan(withheld).tellings.map { draft(of: withheld, to: $0) } }
        let receivers = try await write(drafts, Self.writeEnds, connection)
        try await order(
            wanted.filter { $0.transition.labels[.status] == AlertStatus.open.rawValue }.map { withheld in
                (withheld.transition.alertID, ReminderOrder(reminders: ReminderOrder.reminders(of: plan(withheld))))
            }, connection)
        try await connection.query(
            Self.release, [.uuidArray(over.map(\.transition.alertID)), .intArray(over.map(\.transition.sequence))])
        return (last, receivers)
    }

    private func draft(of withheld: WithheldTransition, to telling: RoutingPlan.Telling) -> NotificationDraft {
        var telling = telling
        if telling.group == nil, let kind = configuration.receivers[telling.receiver]?.kind, kind.isChat, kind.takesGroups {
            telling.group = RoutingPlan.Group(key: "{cause=\"\(withheld.cause.rawValue)\"}", wait: .zero, interval: .zero)
        }
        return NotificationDraft(
            alertID: withheld.transition.alertID, sequence: withheld.transition.sequence, cause: withheld.cause,
            severity: withheld.transition.severity, telling: telling)
    }

    /// One row an alert, when its snooze is over and all its steps are routed. What somebody took in hand since is not told, but
    /// what came after that is.
    private static let withheld = """
        SELECT
            t.id, t.alert_id, t.sequence, t.transition, a.severity AS to_severity,
            a.alert_type, a.metric_name, a.status,
            a.affected_model AS model, a.affected_backend AS backend, a.affected_agent AS agent, a.affected_version AS version,
            a.labels, false AS is_ignored, false AS is_snoozed, now() AS moment,
            CASE t.withheld WHEN 'snoozed' THEN 'snooze_ended' WHEN 'muted' THEN 'mute_ended' WHEN 'inhibited' THEN 'inhibition_ended' ELSE 'silence_ended' END AS cause,
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
        INSERT INTO monitoring_notifications
            (alert_id, receiver, cause, sequence, severity, group_key, group_interval_ms, due_at, give_up_at, created_at)
        SELECT
            w.alert_id, w.receiver, w.cause, w.sequence, w.severity, nullif(w.group_key, ''),
            \([NotificationDraft].interval),
            \([NotificationDraft].due),
            now() + make_interval(secs => $10::double precision), clock_timestamp()
        FROM \([NotificationDraft].drafts)
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
