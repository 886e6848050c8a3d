import Foundation
import Monitoring
import Postgres

/// A notification that is to be written.
struct NotificationDraft: Sendable, Hashable {
    var alertID: UUID
    /// Of the step that is told.
    var sequence: Int
    var cause = NotificationCause.transition
    /// nil where it tells of no step.
    var transition: AlertTransition.Kind?
    var severity: Severity
    var telling: RoutingPlan.Telling

    init(_ transition: UnroutedTransition, telling: RoutingPlan.Telling) {
        alertID = transition.alertID
        sequence = transition.sequence
        self.transition = transition.kind
        severity = transition.severity
        self.telling = telling
    }

    /// - Parameter cause: Why it is told, though there is no new step.
    init(alertID: UUID, sequence: Int, cause: NotificationCause, severity: Severity, telling: RoutingPlan.Telling) {
        self.alertID = alertID
        self.sequence = sequence
        self.cause = cause
        self.severity = severity
        self.telling = telling
    }
}

extension [NotificationDraft] {
    /// The parameters of `drafts`, $1 to $9.
    var columns: [PostgresValue] {
        [
            .uuidArray(map(\.alertID)), .textArray(map(\.telling.receiver)), .intArray(map(\.sequence)), .textArray(map(\.cause.rawValue)),
            .textArray(map { $0.transition?.rawValue ?? "" }), .textArray(map(\.severity.rawValue)),
            .textArray(map { $0.telling.group?.key ?? "" }),
            .intArray(map { Int(($0.telling.group?.wait ?? .zero).milliseconds) }),
            .intArray(map { Int(($0.telling.group?.interval ?? .zero).milliseconds) }),
        ]
    }

    /// Those columns as the rows that an INSERT selects from: `w`.
    static let drafts = """
        unnest(
            $1::uuid[], $2::text[], $3::integer[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::bigint[]
        ) AS w (alert_id, receiver, sequence, cause, transition, severity, group_key, wait_ms, interval_ms)
        """

    /// Between two messages of the group of a row of `w`, in milliseconds.
    static let interval = "CASE WHEN w.group_key <> '' THEN w.interval_ms END"

    /// When a row of `w` is due.
    static let due = """
        CASE w.group_key WHEN '' THEN now() ELSE monitoring_notification_due(
            w.receiver, w.group_key, make_interval(secs => w.wait_ms / 1000.0), make_interval(secs => w.interval_ms / 1000.0), now()) END
        """
}
