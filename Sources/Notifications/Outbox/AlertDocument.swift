import Foundation
import Monitoring
import Postgres

/// An alert as the database writes it for programs, and what of it is looked at before anybody reads the whole.
///
/// A burst for programs passes the text on; only what is made for people is read.
struct AlertDocument: Sendable, Hashable {
    var id: UUID
    var alertType: String
    var metricName: String
    var severity: Severity
    var status: AlertStatus
    /// An `Alert`, as the API writes it.
    var json: String

    init(id: UUID, alertType: String, metricName: String, severity: Severity, status: AlertStatus, json: String) {
        self.id = id
        self.alertType = alertType
        self.metricName = metricName
        self.severity = severity
        self.status = status
        self.json = json
    }

    /// The columns of `monitoring_claimable`.
    init(row: PostgresRow) throws {
        id = try row.decode("alert_id")
        alertType = try row.decode("alert_type")
        metricName = try row.decode("metric_name")
        severity = try row.word("severity")
        status = try row.word("status")
        json = try row.decode("alert")
    }

    func alert() throws -> Alert {
        try MonitoringJSON.decode(Alert.self, from: json.utf8)
    }
}

/// A step of an alert, in the same way.
struct TransitionDocument: Sendable, Hashable {
    var sequence: Int
    var kind: AlertTransition.Kind
    /// RFC 3339, to the millisecond.
    var occurredAt: String
    /// An `AlertTransition`, as the API writes it.
    var json: String

    init(sequence: Int, kind: AlertTransition.Kind, occurredAt: String, json: String) {
        self.sequence = sequence
        self.kind = kind
        self.occurredAt = occurredAt
        self.json = json
    }

    /// The columns of `monitoring_claimable`; nil where it tells of no step.
    init?(row: PostgresRow) throws {
        guard let json: String = try row.decode("transition") else { return nil }
        self.json = json
        sequence = try row.decode("sequence")
        kind = try row.word("transition_kind")
        occurredAt = try row.decode("occurred_at")
    }

    func transition() throws -> AlertTransition {
        try MonitoringJSON.decode(AlertTransition.self, from: json.utf8)
    }
}
