import Foundation
import Postgres
import TestSupport
import Testing

/// What a person resolved while it went on is told again when it gets worse, and under no other name meanwhile.
@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint))
struct HeldAlertTests {
    private static func opus(failed: Int = 40) -> EvaluationFixture.Share {
        .init(model: "opus", version: "railway:1.0.8", total: 2000, fallback: 40, failed: failed, duplicate: 20, slow: 60)
    }

    private static func haiku(failed: Int = 4) -> EvaluationFixture.Share {
        .init(model: "haiku", version: "railway:1.0.8", total: 200, fallback: 4, failed: failed, duplicate: 2, slow: 6)
    }

    private static func march(_ day: Int, _ time: String) -> String { "2026-03-\(day)T\(time):00Z" }

    /// Single moments of a day; the transitions, as `metric slice transition severity`.
    private func apply(_ fixture: EvaluationFixture, _ day: Int, _ times: [String]) async throws -> [String] {
        try await fixture.step(times.map { Self.march(day, $0) }).map { String($0.dropFirst(9)) }
    }

    private func resolve(_ fixture: EvaluationFixture, at moment: String) async throws {
        let outcome = try await fixture.lines(
            """
            SELECT concat_ws(' ', outcome, to_status) AS line
            FROM monitoring_alerts a, monitoring_act_on_alert(a.id, 'resolve', 'ann', 'cli', 'known', NULL, $1::timestamptz)
            WHERE a.status <> 'resolved'
            """, [.text(moment)])
        #expect(outcome == ["changed resolved"])
    }

    private func held(_ fixture: EvaluationFixture) async throws -> [String] {
        try await fixture.lines(
            """
            SELECT concat_ws(' ', slice_value, coalesce(held_severity, 'free')) AS line
            FROM monitoring_alerts
            WHERE metric_name = 'error_rate'
            ORDER BY 1
            """)
    }

    @Test("a slice that was resolved by hand is not told as an alert on all events")
    func slice() async throws {
        try await withEvaluationFixture { fixture in
            try await fixture.shares("2026-03-01T00:00:00Z", "2026-03-11T00:00:00Z", [Self.opus(), Self.haiku()])
            try await fixture.shares(Self.march(10, "12:00"), Self.march(10, "12:30"), [Self.opus(), Self.haiku(failed: 14)])
            try await fixture.shares(Self.march(10, "12:30"), Self.march(11, "00:00"), [Self.opus(), Self.haiku(failed: 60)])
            #expect(try await apply(fixture, 10, ["12:10"]) == ["error_rate model haiku opened high"])
            #expect(try await apply(fixture, 10, ["12:40", "12:45"]) == ["error_rate model haiku escalated critical"])
            try await resolve(fixture, at: Self.march(10, "12:46"))
            #expect(try await apply(fixture, 10, ["12:50", "12:55", "13:00", "13:05"]) == [])
            #expect(try await held(fixture) == ["haiku critical"])
        }
    }

    @Test("what all events showed and a person resolved is not told as an alert on a slice")
    func broad() async throws {
        try await withEvaluationFixture { fixture in
            try await fixture.shares("2026-03-01T00:00:00Z", "2026-03-11T00:00:00Z", [Self.opus(), Self.haiku()])
            try await fixture.shares(Self.march(10, "12:00"), Self.march(11, "00:00"), [Self.opus(), Self.haiku(failed: 120)])
            #expect(try await apply(fixture, 10, ["12:10"]) == ["error_rate opened high"])
            try await resolve(fixture, at: Self.march(10, "12:11"))
            #expect(try await apply(fixture, 10, ["12:15", "12:20", "12:25"]) == [])
            #expect(try await held(fixture) == ["high"])
        }
    }

    @Test("a hold on a slice that has no events any more ends after the longest window")
    func gone() async throws {
        try await withEvaluationFixture { fixture in
            try await fixture.shares("2026-03-01T00:00:00Z", "2026-03-15T00:00:00Z", [Self.opus()])
            try await fixture.shares("2026-03-01T00:00:00Z", "2026-03-10T12:30:00Z", [Self.opus(), Self.haiku()])
            try await fixture.shares(Self.march(10, "12:00"), Self.march(10, "12:30"), [Self.opus(), Self.haiku(failed: 14)])
            #expect(try await apply(fixture, 10, ["12:10"]) == ["error_rate model haiku opened high"])
            try await resolve(fixture, at: Self.march(10, "12:11"))
            _ = try await apply(fixture, 13, ["11:00"])
            #expect(try await held(fixture) == ["haiku high"])
            _ = try await apply(fixture, 14, ["14:00"])
            #expect(try await held(fixture) == ["haiku free"])
        }
    }

    @Test("a metric that is switched off holds nothing")
    func switchedOff() async throws {
        try await withEvaluationFixture { fixture in
            try await fixture.shares("2026-03-01T00:00:00Z", "2026-03-11T00:00:00Z", [Self.opus(), Self.haiku()])
            try await fixture.shares(Self.march(10, "12:00"), Self.march(11, "00:00"), [Self.opus(), Self.haiku(failed: 14)])
            #expect(try await apply(fixture, 10, ["12:10"]) == ["error_rate model haiku opened high"])
            try await resolve(fixture, at: Self.march(10, "12:11"))
            _ = try await fixture.step([Self.march(10, "12:15")], settings: #"{"metrics": {"error_rate": {"enabled": false}}}"#)
            #expect(try await held(fixture) == ["haiku free"])
        }
    }

    @Test(
        "an alert tells what is no worse than it is",
        arguments: [
            ("open", nil, nil, "critical", true), ("acknowledged", nil, nil, nil, true), ("resolved", "ann", "high", "high", true),
            ("resolved", "ann", "high", "critical", false), ("resolved", "ann", nil, "low", false),
            ("resolved", nil, "high", "low", false),
        ] as [(String, String?, String?, String?, Bool)])
    func tells(status: String, by: String?, held: String?, severity: String?, isTold: Bool) async throws {
        try await withEvaluationFixture { fixture in
            let told = try await fixture.lines(
                "SELECT monitoring_is_told($1, $2, $3, $4)::text AS line", [.text(status), .text(by), .text(held), .text(severity)])
            #expect(told == ["\(isTold)"])
        }
    }

    @Test(
        "what cannot be judged is named, with the midnight from which on it can be",
        arguments: [
            ("2026-03-09T00:30:00Z", "2026-03-14 00:00+00"), ("2026-03-13T23:59:59Z", "2026-03-14 00:00+00"), ("2026-03-14T00:00:00Z", nil),
        ] as [(String, String?)])
    func unarmed(moment: String, from: String?) async throws {
        try await withEvaluationFixture { fixture in
            try await fixture.fill("2026-03-09 00:00+00", "2026-03-15 00:00+00")
            // These events name no model.
            let metrics = ["duplicate_rate", "error_rate", "fallback_rate", "health_score", "latency_p95"]
            let told = try await fixture.lines(
                """
                SELECT metric_name || ' ' || to_char(armed_from AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI"+00"') AS line
                FROM monitoring_arming($1::timestamptz) WHERE NOT armed AND metric_name NOT IN ('model_mix', 'total_events') ORDER BY 1
                """, [.text(moment)])
            #expect(told == (from.map { from in metrics.map { "\($0) \(from)" } } ?? []))
        }
    }

    @Test("after a new normal was accepted it is the midnight that has twenty hours of it before")
    func accepted() async throws {
        try await withEvaluationFixture { fixture in
            try await fixture.fill("2026-03-01 00:00+00", "2026-03-15 00:00+00")
            try await fixture.client.query(
                "SELECT monitoring_accept_baseline(NULL, 'ann', 'cli', 'new model', '2026-03-10 05:00+00', '2026-03-10 05:10+00')")
            let told = try await fixture.lines(
                """
                SELECT DISTINCT to_char(armed_from AT TIME ZONE 'UTC', 'DD HH24:MI') AS line
                FROM monitoring_arming('2026-03-10 06:00+00') WHERE NOT armed
                """)
            #expect(told == ["12 00:00"])
            #expect(
                try await fixture.lines(
                    "SELECT metric_name AS line FROM monitoring_arming('2026-03-12 00:00+00') WHERE NOT armed AND metric_name NOT IN ('model_mix', 'total_events')"
                ) == [])
        }
    }

    @Test("an event of long ago that comes late arms nothing, and makes no hours of silence of the time since")
    func ancient() async throws {
        try await withEvaluationFixture { fixture in
            try await fixture.fill("2026-03-09 00:00+00", "2026-03-11 00:00+00")
            try await fixture.fill("1970-01-01 00:00+00", "1970-01-01 00:05+00")
            let armed = try await fixture.lines(
                "SELECT DISTINCT armed::text AS line FROM monitoring_baseline_spans('7day_rolling', 7, '2026-03-11')")
            #expect(armed == ["false"])

            try await fixture.fill("2026-02-20 00:00+00", "2026-03-09 00:00+00")
            let sql = """
                SELECT concat_ws(' ', hour_of_day, rate) AS line FROM monitoring_derive_traffic('7day_rolling', 7, '2026-03-11') ORDER BY 1
                """
            let traffic = try await fixture.lines(sql)
            try await fixture.client.query("DELETE FROM monitoring_rollup WHERE bucket_start < '2000-01-01'")
            #expect(try await fixture.lines(sql) == traffic && traffic.count == 24)
        }
    }
}
