import Foundation
import Logging
import Monitoring
import Postgres

/// Turns transitions into notifications: each transition once, in one transaction with the mark that it is done.
///
/// Several processes may route at once: a transition is taken only when all earlier ones of its alert are done, so that an end
/// is never looked at before its beginning. One that somebody else has locked is left for the next round, and alerts are read without
/// a lock: an evaluation holds several, and waiting for one while holding another could never end.
struct TransitionRouter: Sendable {
    let client: PostgresClient
    let configuration: NotificationConfiguration
    let logger: Logger

    /// What came of a batch.
    struct Batch: Sendable {
        var routed: [UUID] = []
        var decisions: [TellingDecision] = []
        /// Those for whom something waits in the outbox now.
        var receivers: Set<String> = []
        /// Claimed already, by receiver.
        var claimed: [String: [ClaimedMessage]] = [:]
    }

    /// Routes one batch.
    ///
    /// - Parameter direct: Takes what it can at once.
    /// - Returns: Call again while any were routed.
    func routeBatch(direct: DirectClaim? = nil) async throws -> Batch {
        let batch = try await client.transaction { connection in
            let rows = try await connection.query(
                Self.take, [.int(Self.batchSize), .textArray(direct?.offers.keys.sorted() ?? [])])
            let transitions = try rows.map(UnroutedTransition.init(row:))
            guard !transitions.isEmpty else { return Batch() }
            let hasSilences: Bool = try rows[0].decode("has_silences")
            let silences = hasSilences ? try await silences(connection) : []
            let inhibition = try await inhibition(connection)
            let decisions = transitions.map {
                TellingDecision($0, silences: silences, inhibition: inhibition, configuration: configuration)
            }
            var drafts = zip(transitions, decisions).flatMap { transition, decision in
                decision.tellings.map { NotificationDraft(transition, telling: $0) }
            }
            let withheld = zip(transitions, decisions).map { transition, decision in decision.withheld(transition.kind) ?? "" }
            let marks: [PostgresValue] = [.intArray(transitions.map { Int($0.id) }), .textArray(withheld)]
            var batch = Batch(routed: transitions.map(\.alertID), decisions: decisions)
            var isMarked = false
            if let direct {
                let taken = try await direct.take(drafts, of: rows, marks: marks, connection)
                (batch.claimed, drafts, isMarked) = (taken.messages, taken.rest, taken.isMarked)
            }
            batch.receivers = try await write(drafts, Self.write, connection)
            let ignored = transitions.filter { $0.kind == .ignored }.map(\.alertID)
            if !ignored.isEmpty { try await connection.query(Self.drop, [.uuidArray(ignored)]) }
            let snoozed = transitions.filter { $0.kind == .snoozed }.map(\.alertID)
            if !snoozed.isEmpty { try await connection.query(Self.holdBackSnoozed, [.uuidArray(snoozed)]) }
            try await order(
                zip(transitions, decisions).map { transition, decision in
                    let plan = configuration.routing.plan(for: transition.labels, at: transition.moment)
                    return (transition.alertID, ReminderOrder(transition, decision, plan: plan, configuration: configuration))
                }, connection)
            if !isMarked { try await connection.query(Self.mark, marks) }
            return batch
        }
        for (alertID, decision) in zip(batch.routed, batch.decisions) {
            logger.trace("transition routed", metadata: ["alert_id": AlertIDs.metadata([alertID]), "decision": "\(decision)"])
        }
        return batch
    }

    /// Writes notifications.
    ///
    /// - Returns: The receivers that have something new.
    func write(_ drafts: [NotificationDraft], _ sql: String, _ connection: PostgresConnection) async throws -> Set<String> {
        guard !drafts.isEmpty else { return [] }
        let rows = try await connection.query(sql, drafts.columns + [.double(configuration.delivery.backoff.giveUpAfter.seconds)])
        return Set(try rows.map { try $0.decode("receiver") as String })
    }

    func silences(_ connection: PostgresConnection) async throws -> [Silence] {
        let rows = try await connection.query(Self.activeSilences, [.int(Self.maximumSilences)])
        if rows.count == Self.maximumSilences {
            logger.warning("there may be more silences than are looked at", metadata: ["looked_at": "\(rows.count)"])
        }
        return try rows.compactMap { row in
            let id: UUID = try row.decode("id")
            let texts: [String] = try row.decode("matchers")
            do {
                return Silence(matchers: try texts.map { try Matcher($0) })
            } catch {
                logger.warning("silence has a faulty matcher and covers nothing", metadata: ["silence": "\(id)", "error": "\(error)"])
                return nil
            }
        }
    }

    static let batchSize = 250
    /// The newest hold; what a silence beyond would have covered is told.
    static let maximumSilences = 20_000

    private static let take = "SELECT * FROM monitoring_take_unrouted($1::integer, $2::text[])"

    private static let activeSilences = """
        SELECT id, matchers
        FROM monitoring_silences
        WHERE starts_at <= now() AND ends_at > now()
        ORDER BY created_at DESC
        LIMIT $1::integer
        """

    /// An end is told where this opening of the alert was told or still waits to be: where a notification that says so is newer
    /// than the end before it. created_at is the clock's, not the transaction's: later steps sort later over all processes.
    private static let write = """
        INSERT INTO monitoring_notifications
            (alert_id, receiver, cause, sequence, transition, severity, group_key, group_interval_ms, due_at, give_up_at, created_at)
        SELECT
            w.alert_id, w.receiver, w.cause, w.sequence, w.transition, w.severity, nullif(w.group_key, ''),
            \([NotificationDraft].interval),
            \([NotificationDraft].due),
            now() + make_interval(secs => $10::double precision), clock_timestamp()
        FROM \([NotificationDraft].drafts)
        WHERE w.transition NOT IN ('resolved', 'acknowledged')
           OR EXISTS (
               SELECT FROM monitoring_notifications told
               WHERE told.alert_id = w.alert_id
                 AND told.receiver = w.receiver
                 AND told.cause NOT IN ('repeat', 'test')
                 AND told.transition IS DISTINCT FROM 'resolved'
                 AND told.status IN ('pending', 'sending', 'delivered')
                 AND told.sequence < w.sequence
                 AND told.sequence > coalesce((
                     SELECT max(ended.sequence)
                     FROM monitoring_alert_transitions ended
                     WHERE ended.alert_id = w.alert_id
                       AND ended.transition = 'resolved'
                       AND ended.sequence < w.sequence), 0))
        ON CONFLICT (alert_id, receiver, cause, sequence) DO NOTHING
        RETURNING receiver
        """

    /// What has been tried with others in one message stays as it was.
    private static let drop = """
        UPDATE monitoring_notifications
        SET status = 'dropped', last_error = 'ignored', updated_at = now()
        WHERE alert_id = ANY ($1::uuid[])
          AND status = 'pending'
          AND (group_key IS NULL OR message_id IS NULL)
        """

    private static let mark = "SELECT monitoring_mark_routed($1::bigint[], $2::text[])"
}
