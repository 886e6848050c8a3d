import Foundation
import Postgres
import TestSupport
import Testing

/// What holds one lock and waits for another, in the order that would have each side wait for the other.
@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint))
struct LifecycleRaceTests {
    private static let noon = "2026-03-10T12:00:00Z"

    /// Two alerts on the tenth of March, which both become critical at a quarter to one.
    private func twoAlerts(_ fixture: EvaluationFixture) async throws -> [UUID] {
        try await fixture.fill("2026-03-01T00:00:00Z", "2026-03-11T00:00:00Z")
        try await fixture.fill(Self.noon, "2026-03-11T00:00:00Z", .init(fallback: 14, duplicate: 8))
        for time in ["12:15", "12:20"] {
            try await fixture.client.query("SELECT * FROM monitoring_apply_evaluation($1::timestamptz)", [.text("2026-03-10T\(time):00Z")])
        }
        return try await fixture.client.query(
            "SELECT id FROM monitoring_alerts WHERE metric_name IN ('fallback_rate', 'duplicate_rate') ORDER BY fingerprint"
        ).map { try $0.decode("id") }
    }

    private func waiting(_ fixture: EvaluationFixture) async throws -> Int {
        try await fixture.client.query(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")[0].decode("count")
    }

    /// Runs what must come through while the data version is held by somebody; it is let go once all of them wait.
    private func whileVersionIsHeld<R: Sendable>(
        _ fixture: EvaluationFixture, waiting count: Int, _ body: @escaping @Sendable () async throws -> R,
        then other: @escaping @Sendable () async throws -> Void
    ) async throws {
        try await fixture.client.withConnection { holder in
            try await holder.query("BEGIN")
            try await holder.query("SELECT FROM monitoring_rollup_state FOR UPDATE")
            async let first = body()
            try await eventually("the first waits") { try await waiting(fixture) == 1 }
            async let second: Void = other()
            try await eventually("all wait") { try await waiting(fixture) == count }
            try await holder.query("COMMIT")
            _ = try await (first, second)
        }
    }

    @Test("an evaluation that steps two alerts and people who act on both do not wait for each other")
    func evaluationAndActions() async throws {
        try await withEvaluationFixture(poolSize: 8) { fixture in
            let ids = try await twoAlerts(fixture)
            #expect(ids.count == 2)
            try await whileVersionIsHeld(fixture, waiting: 3) {
                try await fixture.client.query("SELECT * FROM monitoring_apply_evaluation('2026-03-10T13:00:00Z')")
            } then: {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for id in ids {
                        group.addTask {
                            try await fixture.client.query(
                                "SELECT * FROM monitoring_act_on_alert($1, 'acknowledge', 'ann', p_at => '2026-03-10T13:00:00Z')",
                                [.uuid(id)])
                        }
                    }
                    try await group.waitForAll()
                }
            }
            let steps = try await fixture.lines(
                """
                SELECT concat_ws(' ', transition, count(*)) AS line FROM monitoring_alert_transitions
                WHERE occurred_at = '2026-03-10T13:00:00Z' AND alert_id = ANY ($1) GROUP BY transition ORDER BY transition
                """, [.uuidArray(ids)])
            #expect(steps == ["acknowledged 2", "escalated 2"])
        }
    }

    @Test("a roll-up that empties the profile and a person who accepts a new normal do not wait for each other")
    func rollUpAndAcceptance() async throws {
        try await withEvaluationFixture(poolSize: 8) { fixture in
            _ = try await twoAlerts(fixture)
            try await fixture.client.withConnection { rollUp in
                try await rollUp.query("BEGIN")
                try await rollUp.query("SELECT FROM monitoring_rollup_lock FOR UPDATE")
                try await rollUp.query("SELECT monitoring_find_changes()")
                async let accepted = fixture.client.query(
                    "SELECT * FROM monitoring_accept_baseline(NULL, 'ann', NULL, 'as it is', '2026-03-10T12:00:00Z', '2026-03-10T13:00:00Z')"
                )
                try await eventually("the acceptance waits") { try await waiting(fixture) == 1 }
                try await rollUp.query("UPDATE monitoring_rollup SET rolled_up_at = now() WHERE bucket_start = '2026-03-05T00:00:00Z'")
                try await rollUp.query("COMMIT")
                _ = try await accepted
            }
            #expect(try await fixture.lines("SELECT accepted_by AS line FROM monitoring_baseline") == ["ann"])
        }
    }

    @Test("a roll-up of what is long past and the first evaluation of a day, which forgets old profiles, do not wait for each other")
    func rollUpAndFirstEvaluation() async throws {
        try await withEvaluationFixture(poolSize: 8) { fixture in
            _ = try await twoAlerts(fixture)
            let pretend = "UPDATE monitoring_baseline_profile SET as_of = as_of - 40 WHERE as_of < '2026-03-10'"
            try await fixture.client.query(pretend)
            try await fixture.client.query("UPDATE monitoring_baseline_profile SET as_of = as_of - 60 WHERE as_of = '2026-03-10'")
            try await fixture.client.withConnection { rollUp in
                try await rollUp.query("BEGIN")
                try await rollUp.query("SELECT FROM monitoring_rollup_lock FOR UPDATE")
                try await rollUp.query("SELECT monitoring_find_changes()")
                async let evaluated = fixture.client.query("SELECT * FROM monitoring_apply_evaluation('2026-03-10T13:00:00Z')")
                try await eventually("the evaluation waits") { try await waiting(fixture) == 1 }
                try await rollUp.query("UPDATE monitoring_rollup SET rolled_up_at = now() WHERE bucket_start = '2026-03-01T00:00:00Z'")
                try await rollUp.query("COMMIT")
                _ = try await evaluated
            }
        }
    }

    @Test("an older alert that a person has reopened is the one that evaluations step")
    func reopenedOlder() async throws {
        try await withEvaluationFixture { fixture in
            try await fixture.fill("2026-03-01T00:00:00Z", "2026-03-11T00:00:00Z")
            try await fixture.fill(Self.noon, "2026-03-11T00:00:00Z", .init(fallback: 14))
            let act = "SELECT * FROM monitoring_act_on_alert($1, $2, 'ann', p_at => $3::timestamptz)"
            let live = "SELECT id FROM monitoring_alerts WHERE status <> 'resolved' AND metric_name = 'fallback_rate'"
            _ = try await fixture.step(["2026-03-10T12:15:00Z"])
            let older: UUID = try await fixture.client.query(live)[0].decode("id")
            try await fixture.client.query(act, [.uuid(older), .text("resolve"), .text("2026-03-10T12:16:00Z")])
            try await fixture.client.query(
                """
                UPDATE monitoring_alerts
                SET held_severity = NULL, opened_at = opened_at - interval '3 days', resolved_at = resolved_at - interval '2 days'
                """)
            _ = try await fixture.step(["2026-03-10T12:20:00Z"])
            let newer: UUID = try await fixture.client.query(live)[0].decode("id")
            #expect(newer != older)
            try await fixture.client.query(act, [.uuid(newer), .text("resolve"), .text("2026-03-10T12:21:00Z")])
            try await fixture.client.query("UPDATE monitoring_alerts SET held_severity = NULL")
            try await fixture.client.query(act, [.uuid(older), .text("reopen"), .text("2026-03-10T12:22:00Z")])
            _ = try await fixture.step(["2026-03-10T12:25:00Z"])
            let ids: [UUID] = try await fixture.client.query(live).map { try $0.decode("id") }
            #expect(ids == [older])
        }
    }
}
