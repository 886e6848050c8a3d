import Foundation
import Postgres

extension BacktestScratch {
    /// The alerts as they stand, with what happened to them.
    func report(_ plan: BacktestPlan) async throws -> BacktestReport {
        try await transaction { connection in
            var steps: [UUID: [BacktestAlert.Step]] = [:]
            for row in try await connection.query(Self.transitions) {
                steps[try row.decode("alert_id"), default: []].append(
                    BacktestAlert.Step(
                        at: try row.decode("occurred_at"), transition: try row.decodeEnum("transition"),
                        severity: try row.decodeEnum("to_severity")))
            }
            let alerts = try await connection.query(Self.alerts).map { row in
                let id: UUID = try row.decode("id")
                return BacktestAlert(
                    alertType: try row.decode("alert_type"), severity: try row.decodeEnum("severity"),
                    metricName: try row.decode("metric_name"), openedAt: try row.decode("opened_at"),
                    resolvedAt: try row.decode("resolved_at"), peakSeverity: try row.decodeEnum("peak_severity"),
                    currentValue: try row.decode("current_value"), baselineValue: try row.decode("baseline_value"),
                    deviationRatio: try row.decode("deviation_ratio"),
                    affected: .init(
                        model: try row.decode("affected_model"), backend: try row.decode("affected_backend"),
                        agent: try row.decode("affected_agent"), version: try row.decode("affected_version")),
                    transitions: steps[id] ?? [])
            }
            let unarmed = try await connection.query(Self.unarmed).map { row in
                BacktestReport.Unarmed(metricName: try row.decode("metric_name"), evaluations: try row.decode("moments"))
            }
            return BacktestReport(
                from: plan.from, to: plan.to, stepSeconds: plan.stepSeconds, evaluations: plan.count, alerts: alerts, unarmed: unarmed)
        }
    }

    private static let alerts = """
        SELECT id, alert_type, severity, metric_name, opened_at, resolved_at, peak_severity, current_value, baseline_value,
               deviation_ratio, affected_model, affected_backend, affected_agent, affected_version
        FROM monitoring_alerts
        ORDER BY opened_at, alert_type, metric_name, id
        """

    private static let unarmed = "SELECT metric_name, moments FROM monitoring_backtest_unarmed ORDER BY metric_name"

    private static let transitions = """
        SELECT alert_id, occurred_at, transition, to_severity
        FROM monitoring_alert_transitions
        ORDER BY alert_id, sequence
        """
}
