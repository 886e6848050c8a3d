import Foundation
import MonitoringSchema
import Postgres
import TestSupport
import Testing

@testable import Monitoring

/// The tables of the first release, with what a service of it had written, brought up to date.
@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint)) struct UpgradeTests {
    @Test func theFirstReleaseIsUpgradedWithItsData() async throws {
        try await withTestDatabase { database in
            let client = database.client
            try await client.withConnection { connection in
                try await connection.executeScript(MonitoringSchema.ledger)
                for file in MonitoringSchema.migrations.prefix(2) {
                    try await connection.executeScript(file.sql)
                    try await connection.executeScript(MonitoringSchema.note(file))
                }
                try await connection.executeScript(Self.data)
            }
            let migrator = SchemaMigrator(client: client)
            #expect(try await migrator.plan().pending.first?.name == MonitoringSchema.migrations[2].name)
            let applied = try await migrator.migrate().applied
            #expect(applied == (MonitoringSchema.migrations.dropFirst(2) + MonitoringSchema.functions).map(\.name))
            #expect(try await migrator.plan().isCurrent)

            let row = try await client.query(Self.kept)[0]
            for name in ["rollup", "slices", "metrics", "baseline", "alerts", "transitions", "message", "attempts", "audit_is_there"] {
                #expect(try row.decode(name), "\(name)")
            }
            // It can be worked with: what was rolled up is read, and an evaluation applied.
            let engine = MonitoringEngine(client: client)
            try await engine.catchUp(at: Date())
            _ = try await engine.applyEvaluation(at: Date())
            let alerts = try await AlertRepository(client: client).alerts(minimumSeverity: .low, status: .open, limit: 10)
            #expect(alerts.alerts.map(\.alertType) == ["error_spike"])
        }
    }

    private static let data = """
        INSERT INTO learning_events (event_id, event_type, occurred_at, event_data)
        VALUES ('one', 'chat_interaction', now() - interval '2 hours', '{"reward": 0.9, "duration_ms": 100, "model": "m"}');
        INSERT INTO monitoring_rollup (
            bucket_start, total_events, successful_events, failed_events, fallback_events, duplicate_events, scored_events,
            malformed_events, latency_events, latency_sum, latency_values, latency_counts, rolled_up_at)
        VALUES ('2026-01-01T10:00Z', 3, 3, 0, 0, 0, 3, 0, 3, 400, '{100,200}', '{2,1}', '2026-01-01T10:05Z');
        INSERT INTO monitoring_rollup_slices (
            hour_start, model, backend, agent, version, total_events, successful_events, failed_events, fallback_events,
            duplicate_events, scored_events, latency_events, latency_sum, latency_values, latency_counts)
        VALUES ('2026-01-01T10:00Z', 'm', 'railway', 'a', 'railway:1', 3, 3, 0, 0, 0, 3, 3, 400, '{100,200}', '{2,1}');
        INSERT INTO monitoring_metrics (
            metric_date, metric_hour, window_start, window_end, total_events, successful_events, failed_events, fallback_events,
            duplicate_events, scored_events, malformed_events)
        VALUES ('2026-01-01', NULL, '2026-01-01T00:00Z', '2026-01-02T00:00Z', 3, 3, 0, 0, 0, 3, 0);
        INSERT INTO monitoring_baseline (baseline_name, baseline_window_days, baseline_start_date, baseline_end_date, valid_until)
        VALUES ('7day_rolling', 7, '2026-01-01', '2026-01-07', now() + interval '1 day');
        INSERT INTO monitoring_alerts (
            id, fingerprint, alert_type, severity, peak_severity, metric_name, metric_date, opened_at, live_since, last_evidence_at, sequence)
        VALUES ('00000000-0000-0000-0000-000000000001', 'f', 'error_spike', 'high', 'high', 'error_rate', '2026-01-01', now(), now(), now(), 1);
        INSERT INTO monitoring_alert_transitions (alert_id, sequence, transition, to_status, to_severity, actor, occurred_at, routed_at)
        VALUES ('00000000-0000-0000-0000-000000000001', 1, 'opened', 'open', 'high', 'monitor', now(), now());
        INSERT INTO monitoring_notifications (id, alert_id, receiver, cause, sequence, transition, severity, status, due_at, body, content_type)
        VALUES ('00000000-0000-0000-0000-000000000002', '00000000-0000-0000-0000-000000000001', 'hook', 'transition', 1, 'opened',
            'high', 'delivered', now(), 'the body', 'text/plain');
        INSERT INTO monitoring_delivery_attempts (notification_id, attempt, process, started_at, outcome)
        VALUES ('00000000-0000-0000-0000-000000000002', 1, 'p', now(), 'delivered');
        """

    private static let kept = """
        SELECT
            (SELECT latency_values = '{100,200}' AND latency_counts = '{2,1}' FROM monitoring_rollup) AS rollup,
            (SELECT model = 'm' AND latency_counts = '{2,1}' FROM monitoring_rollup_slices) AS slices,
            (SELECT total_events = 3 FROM monitoring_metrics) AS metrics,
            (SELECT baseline_window_days = 7 FROM monitoring_baseline) AS baseline,
            (SELECT fingerprint = 'f' AND status = 'open' FROM monitoring_alerts) AS alerts,
            (SELECT transition = 'opened' FROM monitoring_alert_transitions) AS transitions,
            (SELECT body = 'the body' AND message_id = id AND frozen_at IS NOT NULL FROM monitoring_notifications) AS message,
            (SELECT outcome = 'delivered' FROM monitoring_delivery_attempts) AS attempts,
            (SELECT count(*) = 0 FROM monitoring_audit) AS audit_is_there
        """
}
