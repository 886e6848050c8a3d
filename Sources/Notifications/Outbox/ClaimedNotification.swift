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

    /// One that is yet to be written, at its first attempt, from the columns of `monitoring_tellable_at_once`.
    init(unwritten row: PostgresRow, timeLeft: Duration) throws {
        id = try row.decode("id")
        attempt = 1
        failures = 0
        isPlain = false
        self.timeLeft = timeLeft
        cause = .transition
        createdAt = try row.decode("created_at")
        alert = try AlertDocument(row: row)
        transition = try TransitionDocument(row: row)
    }
}
