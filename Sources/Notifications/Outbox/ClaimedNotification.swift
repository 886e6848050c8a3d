import Foundation
import Monitoring
import Postgres

/// A notification that this process may send until its claim ends.
struct ClaimedNotification: Sendable, Hashable {
    var id: UUID
    /// The notification that carries its message; nil before the first attempt.
    var messageID: UUID?
    /// This attempt's number, from 1.
    var attempt: Int
    /// In a row, before this attempt.
    var failures: Int
    var isPlain: Bool
    /// Frozen by an earlier attempt.
    var body: String?
    var contentType: String?
    /// Until it is given up.
    var timeLeft: Duration
    var cause: NotificationCause
    var createdAt: Date
    var alert: AlertDocument
    /// What is told; at the end of a quiet, the newest step that it kept from being told; nil for a repetition.
    var transition: TransitionDocument?

    init(row: PostgresRow) throws {
        id = try row.decode("id")
        messageID = try row.decode("message_id")
        attempt = try row.decode("attempt")
        failures = try row.decode("failures")
        isPlain = try row.decode("is_plain")
        body = try row.decode("body")
        contentType = try row.decode("content_type")
        timeLeft = .seconds(try row.decode("seconds_left") as Double)
        cause = try row.word("cause")
        createdAt = try row.decode("created_at")
        alert = try AlertDocument(row: row)
        transition = try TransitionDocument(row: row)
    }

    /// One of a first step, that is yet to be written, at its first attempt, from the columns of `monitoring_take_unrouted`; nil where
    /// they say that it cannot be told at once.
    init?(unwritten row: PostgresRow, timeLeft: Duration) throws {
        guard let alert: String = try row.decode("alert"), let step: String = try row.decode("step") else { return nil }
        id = UUID()
        attempt = 1
        failures = 0
        isPlain = false
        self.timeLeft = timeLeft
        cause = .transition
        createdAt = try row.decode("moment")
        self.alert = AlertDocument(
            id: try row.decode("alert_id"), alertType: try row.decode("alert_type"), metricName: try row.decode("metric_name"),
            severity: try row.word("to_severity"), status: try row.word("status"), json: alert)
        transition = TransitionDocument(
            sequence: try row.decode("sequence"), kind: try row.word("transition"), occurredAt: try row.decode("occurred_at"), json: step)
    }
}
