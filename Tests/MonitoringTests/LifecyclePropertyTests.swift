import Foundation
import Postgres
import TestSupport
import Testing

/// Whatever evaluations and people do, from two connections and in whatever order, the alerts stay coherent.
@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint))
struct LifecyclePropertyTests {
    /// SplitMix64: the same numbers for the same seed, everywhere.
    private struct Numbers: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }
    }

    /// What cannot be: each line is a fault.
    private static let faults = """
        WITH steps AS (
            SELECT
                t.*, a.status, a.severity, a.sequence AS last,
                lag(t.to_status) OVER life AS status_before, lag(t.to_severity) OVER life AS severity_before,
                row_number() OVER life AS place
            FROM monitoring_alert_transitions t JOIN monitoring_alerts a ON a.id = t.alert_id
            WINDOW life AS (PARTITION BY t.alert_id ORDER BY t.sequence)
        )
        SELECT 'two live alerts: ' || fingerprint AS line FROM monitoring_alerts WHERE status <> 'resolved' GROUP BY fingerprint HAVING count(*) > 1
        UNION ALL
        SELECT 'an alert without a transition: ' || id FROM monitoring_alerts a
        WHERE NOT EXISTS (SELECT FROM monitoring_alert_transitions t WHERE t.alert_id = a.id)
        UNION ALL
        SELECT 'a gap: ' || place || ' ' || sequence FROM steps WHERE place <> sequence
        UNION ALL
        SELECT 'does not follow: ' || transition || ' ' || concat(status_before, '/', from_status, ' ', severity_before, '/', from_severity) FROM steps
        WHERE (from_status, from_severity) IS DISTINCT FROM (status_before, severity_before)
        UNION ALL
        SELECT 'does not end in the present state: ' || concat_ws(' ', to_status, status, to_severity, severity) FROM steps
        WHERE sequence = last AND (to_status <> status OR to_severity <> severity)
        UNION ALL
        SELECT 'not in the table: ' || concat_ws(' ', actor, from_status, to_status, transition) FROM steps
        WHERE NOT EXISTS (
            SELECT FROM monitoring_allowed_transitions() allowed
            WHERE allowed.actor = CASE steps.actor WHEN 'monitor' THEN 'evaluation' ELSE 'person' END
              AND allowed.from_status IS NOT DISTINCT FROM steps.from_status AND allowed.to_status = steps.to_status
              AND allowed.transition = steps.transition)
        """

    @Test("two connections that evaluate and act at once leave a coherent history", arguments: [1, 2, 3] as [UInt64])
    func interleaving(seed: UInt64) async throws {
        try await withEvaluationFixture { fixture in
            var numbers = Numbers(state: seed)
            try await fixture.fill("2026-03-01T00:00:00Z", "2026-03-12T00:00:00Z")
            for hour in stride(from: 0, to: 24, by: 2) {
                let from = String(format: "2026-03-10T%02d:00:00Z", hour)
                let until = hour == 22 ? "2026-03-11T00:00:00Z" : String(format: "2026-03-10T%02d:00:00Z", hour + 2)
                let level = [4, 4, 8, 14, 40].randomElement(using: &numbers) ?? 4
                let failed = [1, 1, 3].randomElement(using: &numbers) ?? 1
                try await fixture.fill(from, until, .init(fallback: level, failed: failed, unsuccessful: 14 + failed))
            }
            let seeds = (numbers.next(), numbers.next())
            async let one: Void = work(fixture, seed: seeds.0)
            async let other: Void = work(fixture, seed: seeds.1)
            _ = try await (one, other)
            #expect(try await fixture.lines(Self.faults) == [])
            let count: Int = try await fixture.client.query("SELECT count(*) FROM monitoring_alert_transitions")[0].decode("count")
            #expect(count > 10)
        }
    }

    /// Walks through the tenth of March, now and then doing something to an alert.
    private func work(_ fixture: EvaluationFixture, seed: UInt64) async throws {
        var numbers = Numbers(state: seed)
        for step in 0..<144 {
            let moment = "2026-03-10T00:00:00Z"
            try await fixture.client.query(
                "SELECT * FROM monitoring_apply_evaluation($1::timestamptz + $2 * interval '10 minutes')",
                [.text(moment), .double(Double(step))])
            guard Int.random(in: 0..<4, using: &numbers) == 0 else { continue }
            let action = ["acknowledge", "unacknowledge", "resolve", "ignore", "snooze", "reopen"].randomElement(using: &numbers)
            try await fixture.client.query(
                """
                SELECT acted.*
                FROM (SELECT id FROM monitoring_alerts ORDER BY id OFFSET $4::int % greatest(1, (SELECT count(*) FROM monitoring_alerts)) LIMIT 1) chosen,
                    monitoring_act_on_alert(chosen.id, $1, 'ann', NULL, NULL, $2::timestamptz + interval '2 days',
                        $2::timestamptz + $3 * interval '10 minutes') acted
                """, [.text(action), .text(moment), .double(Double(step)), .int(Int.random(in: 0..<100, using: &numbers))])
        }
    }
}
