import Foundation
import Monitoring
import Postgres

/// Alerts that stand and keep others from being told.
extension TransitionRouter {
    func inhibition(_ connection: PostgresConnection) async throws -> Inhibition {
        let rules = configuration.inhibitRules
        guard !rules.isEmpty else { return .none }
        return try Inhibition(rules, try await connection.query(Inhibition.sources, Inhibition.parameters(rules)))
    }
}

extension Inhibition {
    init(_ rules: [InhibitRule], _ rows: PostgresRows) throws {
        self.init(rules: rules, sources: try rows.map { Source(id: try $0.decode("id"), labels: try AlertLabels(row: $0)) })
    }

    static func parameters(_ rules: [InhibitRule]) throws -> [PostgresValue] {
        [.textArray(try rules.map { String(decoding: try MonitoringJSON.encode($0.certain), as: UTF8.self) })]
    }

    /// Those of ours, and of the others those that have what a rule names.
    static let sources = """
        SELECT a.id, \(AlertLabels.columns)
        FROM monitoring_alerts AS a
        WHERE a.status <> 'resolved'
          AND (a.labels IS NULL OR a.labels @> ANY ($1::text[]::jsonb[]))
        """
}
