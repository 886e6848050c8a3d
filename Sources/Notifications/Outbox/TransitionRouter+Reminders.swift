import Foundation
import Monitoring
import Postgres

/// What is told again, and who is told later, while nobody takes an alert in hand. The times stand in a table of their own, so that
/// no process need live as long as they last.
extension TransitionRouter {
    /// Writes what transitions change in what will be told later.
    func order(_ orders: [(alertID: UUID, order: ReminderOrder)], _ connection: PostgresConnection) async throws {
        let cleared = orders.filter(\.order.clears).map(\.alertID)
        if !cleared.isEmpty {
            try await connection.query(Self.clear, [.uuidArray(cleared)])
            try await connection.query(Self.dropReminders, [.uuidArray(cleared)])
        }
        let reminders = orders.flatMap { alertID, order in order.reminders.map { (alertID, reminder: $0) } }
        guard !reminders.isEmpty else { return }
        try await connection.query(
            Self.remind,
            [
                .uuidArray(reminders.map(\.0)), .textArray(reminders.map(\.reminder.receiver)),
                .textArray(reminders.map(\.reminder.cause.rawValue)), .intArray(reminders.map { Int($0.reminder.after.milliseconds) }),
            ])
    }

    /// Tells what is due.
    ///
    /// - Returns: The receivers that have something new.
    func routeReminders() async throws -> Set<String> {
        var receivers: Set<String> = []
        while true {
            let page = try await client.transaction { connection in try await routeReminders(connection) }
            receivers.formUnion(page.receivers)
            if page.count < Self.batchSize { return receivers }
        }
    }

    private func routeReminders(_ connection: PostgresConnection) async throws -> (count: Int, receivers: Set<String>) {
        let due = try await connection.query(Self.dueReminders, [.int(Self.batchSize)]).map(DueReminder.init(row:))
        guard !due.isEmpty else { return (0, []) }
        let silences = try await silences(connection)
        let inhibition = try await inhibition(connection)
        var drafts: [NotificationDraft] = []
        var later: [(reminder: DueReminder, after: Duration)] = []
        var over: [DueReminder] = []
        var orders: [(alertID: UUID, order: ReminderOrder)] = []
        for reminder in due {
            switch ReminderDecision(reminder, silences: silences, inhibition: inhibition, configuration: configuration) {
            case .forget: over.append(reminder)
            case .later(let wait): later.append((reminder, wait))
            case .tell(let telling, let again):
                drafts.append(
                    NotificationDraft(
                        alertID: reminder.alertID, sequence: 0, cause: reminder.cause, severity: reminder.severity, telling: telling))
                if reminder.cause == .repetition, let again {
                    later.append((reminder, again))
                } else {
                    over.append(reminder)
                    if let again {
                        let next = ReminderOrder.Reminder(receiver: reminder.receiver, cause: .repetition, after: again)
                        orders.append((reminder.alertID, ReminderOrder(reminders: [next])))
                    }
                }
            }
        }
        let receivers = try await write(drafts, Self.writeReminders, connection)
        if !over.isEmpty { try await connection.query(Self.forget, Self.columns(over)) }
        if !later.isEmpty {
            try await connection.query(
                Self.postpone, Self.columns(later.map(\.reminder)) + [.intArray(later.map { Int($0.after.milliseconds) })])
        }
        try await order(orders, connection)
        return (due.count, receivers)
    }

    private static func columns(_ reminders: [DueReminder]) -> [PostgresValue] {
        [.uuidArray(reminders.map(\.alertID)), .textArray(reminders.map(\.receiver)), .textArray(reminders.map(\.cause.rawValue))]
    }

    private static let clear = "DELETE FROM monitoring_reminders WHERE alert_id = ANY ($1::uuid[])"

    /// Somebody has it in hand, or it is over: what would have reminded of it is not sent any more.
    private static let dropReminders = """
        UPDATE monitoring_notifications
        SET status = 'dropped', last_error = 'taken_in_hand', updated_at = now()
        WHERE alert_id = ANY ($1::uuid[])
          AND cause IN ('repeat', 'escalation_step')
          AND status = 'pending'
          AND (group_key IS NULL OR message_id IS NULL)
        """

    /// A step is taken once in a life of the alert.
    private static let remind = """
        INSERT INTO monitoring_reminders (alert_id, receiver, cause, due_at)
        SELECT w.alert_id, w.receiver, w.cause, now() + make_interval(secs => w.after_ms / 1000.0)
        FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[]) AS w (alert_id, receiver, cause, after_ms)
        JOIN monitoring_alerts a ON a.id = w.alert_id
        WHERE w.cause = 'repeat'
           OR NOT EXISTS (
               SELECT FROM monitoring_notifications told
               WHERE told.alert_id = w.alert_id
                 AND told.receiver = w.receiver
                 AND told.cause = 'escalation_step'
                 AND told.created_at >= a.live_since)
        ON CONFLICT (alert_id, receiver, cause) DO UPDATE SET due_at = excluded.due_at WHERE excluded.cause = 'repeat'
        """

    private static let dueReminders = """
        SELECT
            r.alert_id, r.receiver, r.cause, a.severity, a.alert_type, a.metric_name, a.status,
            a.affected_model AS model, a.affected_backend AS backend, a.affected_agent AS agent, a.affected_version AS version,
            a.labels, extract(epoch FROM a.snoozed_until - now())::double precision AS snooze_left, now() AS moment
        FROM monitoring_reminders r
        JOIN monitoring_alerts a ON a.id = r.alert_id
        WHERE r.due_at <= now()
        ORDER BY r.due_at
        LIMIT $1::integer
        FOR UPDATE OF r SKIP LOCKED
        FOR KEY SHARE OF a SKIP LOCKED
        """

    /// A step is numbered as the step that the alert had come to, a repetition by how many there have been. One that still waits is not
    /// joined by a second one.
    private static let writeReminders = """
        INSERT INTO monitoring_notifications
            (alert_id, receiver, cause, sequence, severity, group_key, due_at, give_up_at, created_at)
        SELECT
            w.alert_id, w.receiver, w.cause,
            CASE w.cause WHEN 'repeat' THEN 1 + coalesce((
                SELECT max(before.sequence)
                FROM monitoring_notifications before
                WHERE before.alert_id = w.alert_id AND before.receiver = w.receiver AND before.cause = 'repeat'), 0)
            ELSE a.sequence END,
            w.severity, nullif(w.group_key, ''),
            \([NotificationDraft].due),
            now() + make_interval(secs => $10::double precision), clock_timestamp()
        FROM \([NotificationDraft].drafts)
        JOIN monitoring_alerts a ON a.id = w.alert_id
        WHERE NOT EXISTS (
            SELECT FROM monitoring_notifications waiting
            WHERE waiting.alert_id = w.alert_id
              AND waiting.receiver = w.receiver
              AND waiting.cause = 'repeat'
              AND waiting.status IN ('pending', 'sending'))
        ON CONFLICT (alert_id, receiver, cause, sequence) DO NOTHING
        RETURNING receiver
        """

    private static let forget = """
        DELETE FROM monitoring_reminders r
        USING unnest($1::uuid[], $2::text[], $3::text[]) AS w (alert_id, receiver, cause)
        WHERE (r.alert_id, r.receiver, r.cause) = (w.alert_id, w.receiver, w.cause)
        """

    private static let postpone = """
        UPDATE monitoring_reminders r
        SET due_at = now() + make_interval(secs => w.wait_ms / 1000.0)
        FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[]) AS w (alert_id, receiver, cause, wait_ms)
        WHERE (r.alert_id, r.receiver, r.cause) = (w.alert_id, w.receiver, w.cause)
        """
}
