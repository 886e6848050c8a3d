import Foundation
import Postgres

/// What another alert, or the hours of a route, do to notifications that were written before: while a group waits for more of its kind, or
/// a receiver for another attempt, the alert that says enough may come, or the quiet hours begin.
///
/// As with silences, a message that tells of several alerts and was tried once stays as it was, and an escalation goes on.
extension TransitionRouter {
    /// Whether there is anything to look at.
    var hasQuiet: Bool {
        !configuration.inhibitRules.isEmpty || configuration.routing.routes.contains { $0.schedule != Schedule() }
    }

    /// Holds back what is about to be claimed, and has waited for a second at least, where it is not to be told now.
    ///
    /// - Parameter ids: Of notifications of the receiver.
    /// - Returns: Those that are told at the end of the quiet.
    func holdBack(_ ids: [UUID], receiver: String, _ connection: PostgresConnection) async throws -> Set<UUID> {
        guard hasQuiet, !ids.isEmpty else { return [] }
        let waiting = try await connection.query(Self.hasWaited, [.uuidArray(ids)]).map { row in
            (id: try row.decode("notification_id") as UUID, step: try UnroutedTransition(row: row))
        }
        guard !waiting.isEmpty else { return [] }
        let inhibition = try await inhibition(connection)
        var held: [(id: UUID, reason: String)] = []
        for (id, step) in waiting {
            if inhibition.inhibitor(of: step.alertID, step.labels) != nil {
                held.append((id, "inhibited"))
            } else if configuration.routing.plan(for: step.labels, at: step.moment).telling(of: receiver).isMuted {
                held.append((id, "muted"))
            }
        }
        guard !held.isEmpty else { return [] }
        try await connection.query(Self.holdBackQuiet, [.uuidArray(held.map(\.id)), .textArray(held.map(\.reason))])
        return Set(held.map(\.id))
    }

    private static let hasWaited = """
        SELECT n.id AS notification_id, \(waitingColumns)
        FROM monitoring_notifications n
        JOIN monitoring_alerts a ON a.id = n.alert_id
        WHERE n.id = ANY ($1::uuid[])
          AND n.created_at < now() - interval '1 second'
          AND \(isWaiting)
        """

    private static let holdBackQuiet = holdBack(
        """
        SELECT n.id, n.alert_id, n.sequence, n.transition, n.cause, held.reason
        FROM unnest($1::uuid[], $2::text[]) AS held (id, reason)
        JOIN monitoring_notifications n ON n.id = held.id
        WHERE \(isWaiting)
        FOR UPDATE OF n SKIP LOCKED
        """)
}
