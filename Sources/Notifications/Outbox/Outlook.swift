import Postgres

/// What there is to do, and when the next will be: all that a dispatcher with nothing to do asks, in one statement.
struct Outlook: Sendable, Hashable {
    var hasUnrouted = false
    /// Steps that are told at the end of a quiet.
    var hasWithheld = false
    /// A silence has begun, and what waited before has not been held back for it.
    var hasNewSilence = false
    /// Something ended, or waits, where nobody will take it, and the fallback receiver has not been told.
    var hasUndelivered = false
    /// Until the next reminder; nil: there is none.
    var untilReminder: Duration?
    /// Until the next notification, by receiver; without those for whom none waits.
    var untilDue: [String: Duration] = [:]

    /// The least of the times that are not over.
    var untilNext: Duration? {
        ([untilReminder].compactMap { $0 } + untilDue.values).filter { $0 > .zero }.min()
    }

    init(rows: PostgresRows) throws {
        for row in rows {
            hasUnrouted = try row.decode("has_unrouted")
            hasWithheld = try row.decode("has_withheld")
            hasNewSilence = try row.decode("has_new_silence")
            hasUndelivered = try row.decode("has_undelivered")
            let reminder: Double? = try row.decode("reminder_in")
            untilReminder = reminder.map { .seconds($0) }
            let due: Double? = try row.decode("due_in")
            if let due { untilDue[try row.decode("receiver")] = .seconds(due) }
        }
    }
}

extension Outbox {
    /// Looks.
    ///
    /// - Parameters:
    ///   - receivers: Of this process.
    ///   - fallback: The receiver for what others cannot be told; nil: there is none.
    ///   - notice: Is sent along, so that it can be heard; nil: none is.
    func outlook(receivers: [String], fallback: String?, notice: String?) async throws -> Outlook {
        try Outlook(rows: try await client.query(Self.look, [.textArray(receivers), .text(fallback), .text(notice)]))
    }

    private static let look = """
        WITH state AS MATERIALIZED (
            SELECT
                EXISTS (SELECT FROM monitoring_alert_transitions WHERE routed_at IS NULL) AS has_unrouted,
                EXISTS (SELECT FROM monitoring_alert_transitions WHERE withheld IS NOT NULL) AS has_withheld,
                EXISTS (SELECT FROM monitoring_silences WHERE \(TransitionRouter.isNewSilence)) AS has_new_silence,
                (SELECT extract(epoch FROM min(due_at) - clock_timestamp()) FROM monitoring_reminders)::double precision AS reminder_in,
                (SELECT pg_notify('monitoring_transitions', $3::text) WHERE $3 IS NOT NULL) IS NULL AS is_quiet,
                $2::text IS NOT NULL AND monitoring_has_undelivered($2::text) AS has_undelivered
        )
        SELECT
            state.has_unrouted, state.has_withheld, state.has_new_silence, state.has_undelivered, state.reminder_in, w.receiver,
            extract(epoch FROM greatest(next.due_at, r.paused_until) - clock_timestamp())::double precision AS due_in
        FROM state
        CROSS JOIN unnest($1::text[]) AS w (receiver)
        LEFT JOIN LATERAL (
            SELECT n.due_at
            FROM monitoring_notifications n
            WHERE n.receiver = w.receiver
              AND n.status = 'pending'
              AND (n.message_id IS NULL OR n.message_id = n.id)
            ORDER BY n.due_at
            LIMIT 1
        ) next ON true
        LEFT JOIN monitoring_receivers r ON r.receiver = w.receiver AND next.due_at IS NOT NULL
        """
}
