import Foundation
import Monitoring
import Postgres

/// A reminder whose time has come, and how its alert stands now.
struct DueReminder: Sendable, Hashable {
    var alertID: UUID
    var receiver: String
    /// `.repetition` or `.escalationStep`.
    var cause: NotificationCause
    var severity: Severity
    var labels: AlertLabels
    /// Until its snooze is over; nil: there is none.
    var snoozeLeft: Duration?
    /// Now, by the database's clock.
    var moment: Date

    init(
        alertID: UUID, receiver: String, cause: NotificationCause, severity: Severity, labels: AlertLabels, snoozeLeft: Duration?,
        moment: Date
    ) {
        self.alertID = alertID
        self.receiver = receiver
        self.cause = cause
        self.severity = severity
        self.labels = labels
        self.snoozeLeft = snoozeLeft
        self.moment = moment
    }

    init(row: PostgresRow) throws {
        alertID = try row.decode("alert_id")
        receiver = try row.decode("receiver")
        cause = try row.word("cause")
        severity = try row.word("severity")
        labels = try AlertLabels(row: row, severity: severity)
        let seconds: Double? = try row.decode("snooze_left")
        snoozeLeft = seconds.map { .seconds($0) }
        moment = try row.decode("moment")
    }
}
