import Postgres
import TestSupport
import Testing

/// Fallbacks that double in a fortnight, from the tenth of March on, and stay there.
@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint))
struct DriftTests {
    private static func share(_ fallback: Int) -> [EvaluationFixture.Share] {
        [.init(model: "opus", total: 700, fallback: fallback, failed: 7, slow: 20)]
    }

    private func drift(_ fixture: EvaluationFixture) async throws {
        try await fixture.shares("2026-03-01T00:00:00Z", "2026-03-10T00:00:00Z", Self.share(28))
        for day in 0..<14 {
            let until = day == 13 ? "2026-04-03T00:00:00Z" : "2026-03-\(11 + day)T00:00:00Z"
            try await fixture.shares("2026-03-\(10 + day)T00:00:00Z", until, Self.share(30 + 2 * day))
        }
    }

    private static func noons(_ days: ClosedRange<Int>) -> [String] { days.map { "2026-03-\($0)T12:00:00Z" } }

    @Test("a slow drift shows against the baseline of a week before, on the metric's own alert, which stays open while it goes on")
    func slow() async throws {
        try await withEvaluationFixture { fixture in
            try await drift(fixture)
            let steps = try await fixture.step(Self.noons(11...24))
            #expect(steps == ["17 12:00 fallback_rate opened low"])
            let alert = try await fixture.lines(
                "SELECT concat_ws('|', alert_type, context_data ->> 'lag_days', fingerprint = monitoring_fingerprint('fallback_spike', 'fallback_rate'), "
                    + "summary LIKE '%, a slow drift from the baseline of a week before (%') AS line FROM monitoring_alerts")
            #expect(alert == ["fallback_spike|7|t|t"])
        }
    }

    @Test("what was accepted as the new normal is no drift")
    func accepted() async throws {
        try await withEvaluationFixture { fixture in
            try await drift(fixture)
            #expect(try await fixture.step(Self.noons(22...24)) == ["22 12:00 fallback_rate opened low"])
            try await fixture.client.query(
                "SELECT * FROM monitoring_accept_baseline(NULL, 'ann', NULL, 'it is so', '2026-03-24T00:00:00Z', '2026-03-24T13:00:00Z')")
            #expect(try await fixture.step(Self.noons(25...31)) == [])
            #expect(try await fixture.lines("SELECT status AS line FROM monitoring_alerts") == ["resolved"])
        }
    }
}
