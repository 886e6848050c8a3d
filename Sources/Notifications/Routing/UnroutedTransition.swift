import Foundation
import Monitoring
import Postgres

/// A transition whose notifications have not been written, with what routes look at.
struct UnroutedTransition: Sendable, Hashable {
    var id: Int64
    var alertID: UUID
    var sequence: Int
    var kind: AlertTransition.Kind
    var severity: Severity
    var labels: AlertLabels
    /// Whether the alert is ignored now, or was until this step.
    var isIgnored: Bool
    var isSnoozed: Bool
    /// When it is looked at, by the database's clock.
    var moment: Date

    init(
        id: Int64, alertID: UUID, sequence: Int, kind: AlertTransition.Kind, severity: Severity, labels: AlertLabels, isIgnored: Bool,
        isSnoozed: Bool, moment: Date
    ) {
        self.id = id
        self.alertID = alertID
        self.sequence = sequence
        self.kind = kind
        self.severity = severity
        self.labels = labels
        self.isIgnored = isIgnored
        self.isSnoozed = isSnoozed
        self.moment = moment
    }

    init(row: PostgresRow) throws {
        id = try row.decode("id")
        alertID = try row.decode("alert_id")
        sequence = try row.decode("sequence")
        kind = try row.word("transition")
        severity = try row.word("to_severity")
        isIgnored = try row.decode("is_ignored")
        isSnoozed = try row.decode("is_snoozed")
        moment = try row.decode("moment")
        labels = try AlertLabels(row: row, severity: severity)
    }
}

extension AlertLabels {
    /// The labels of an alert from columns of their names, and from `labels`, which is null for what was found here.
    init(row: PostgresRow, severity: Severity) throws {
        var values: [Name: String] = [.severity: severity.rawValue]
        for name in Name.allCases where name != .severity {
            let value: String? = try row.decode(name.rawValue)
            values[name] = value
        }
        let foreign: String? = try row.decode("labels")
        self.init(values, foreign: try foreign.map(TextObject.parse))
    }
}

extension PostgresRow {
    /// One of the words of an enumeration.
    func word<Word: RawRepresentable<String>>(_ column: String) throws -> Word {
        let text: String = try decode(column)
        guard let word = Word(rawValue: text) else {
            throw MonitoringError(.unexpectedValue, "column \(column) holds an unknown word")
        }
        return word
    }
}
