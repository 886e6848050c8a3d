import Foundation
import Notifications
import Postgres
import TestSupport
import Testing

/// A message that told of several alerts.
enum GroupFixture {
    static let message = "20000000-0000-4000-8000-000000000001"

    static func alert(_ number: Int) -> String { "00000000-0000-4000-9000-" + padded(number) }

    static func notification(_ number: Int) -> String { "20000000-0000-4000-8000-" + padded(number) }

    private static func padded(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: 12 - digits.count) + digits
    }

    /// `count` alerts that one message to oncall told of, open since 11:00; the first is critical, the others medium.
    static func sql(_ count: Int, status: String = "delivered") -> String {
        """
        INSERT INTO monitoring_alerts (id, fingerprint, alert_type, severity, peak_severity, metric_name, current_value, baseline_value,
            deviation_ratio, metric_date, affected_model, slice_dimension, slice_value, status, opened_at, live_since, last_evidence_at, summary, sequence)
        SELECT ('00000000-0000-4000-9000-' || lpad(n::text, 12, '0'))::uuid, 'g' || n, 'error_spike',
            CASE n WHEN 1 THEN 'critical' ELSE 'medium' END, CASE n WHEN 1 THEN 'critical' ELSE 'medium' END, 'error_rate', 0.1, 0.02, 5,
            '2026-03-10', 'model-' || n, 'model', 'model-' || n, 'open', '2026-03-10T11:00Z', '2026-03-10T11:00Z', '2026-03-10T11:55Z', 'Errors.', 1
        FROM generate_series(1, \(count)) n;
        INSERT INTO monitoring_alert_transitions (alert_id, sequence, transition, to_status, to_severity, actor, occurred_at)
        SELECT id, 1, 'opened', 'open', severity, 'monitor', opened_at FROM monitoring_alerts WHERE fingerprint ~ '^g';
        INSERT INTO monitoring_notifications (id, alert_id, receiver, cause, sequence, transition, severity, status, due_at, attempts,
            group_key, message_id, frozen_at, created_at)
        SELECT ('20000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, ('00000000-0000-4000-9000-' || lpad(n::text, 12, '0'))::uuid,
            'oncall', 'transition', 1, 'opened', 'medium', '\(status)', '2026-03-10T11:00Z', 1, 'k', '\(message)', '2026-03-10T11:00Z',
            '2026-03-10T11:00Z'::timestamptz + n * interval '1 ms'
        FROM generate_series(1, \(count)) n;
        INSERT INTO monitoring_delivery_attempts (notification_id, attempt, process, started_at, outcome, http_status, total_ms, answer)
        VALUES ('\(message)', 1, 'p1', '2026-03-10T11:00:01Z', '\(status == "delivered" ? "delivered" : "permanent")',
            \(status == "delivered" ? 200 : 404), 84.5, 'said');
        """
    }
}

extension Listener {
    /// A link to all that the message told of.
    func groupLink(_ action: LinkClaim.Action, validFor seconds: TimeInterval = 3600) throws -> String {
        "/a/" + (try groupToken(action, validFor: seconds))
    }

    func groupToken(_ action: LinkClaim.Action, validFor seconds: TimeInterval = 3600) throws -> String {
        signer.token(
            for: LinkClaim(
                action: action, subject: .message(try #require(UUID(uuidString: GroupFixture.message))), receiver: "oncall",
                expiresAt: Self.now.addingTimeInterval(seconds)))
    }

    func run(_ sql: String) async throws {
        try await database.client.withConnection { try await $0.executeScript(sql) }
    }
}
