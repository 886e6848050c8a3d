import Foundation
import Monitoring
import Postgres
import TestSupport
import Testing

/// A model with 24,000 events an hour, of which 2 % fail, and a small one with 360, of which one in thirty does.
@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint))
struct SliceAlertTests {
    private static let begin = "2026-03-01T00:00:00Z"
    private static let noon = "2026-03-10T12:00:00Z"
    private static let end = "2026-03-11T00:00:00Z"

    private static func opus(failed: Int = 40, version: String = "railway:1.0.8") -> EvaluationFixture.Share {
        .init(model: "opus", version: version, total: 2000, fallback: 40, failed: failed, duplicate: 20, slow: 60)
    }

    private static func haiku(
        failed: Int = 1, version: String = "railway:1.0.8", slow: Int = 1, duration: Int = 1000
    ) -> EvaluationFixture.Share {
        .init(model: "haiku", version: version, total: 30, fallback: 1, failed: failed, slow: slow, duration: duration)
    }

    /// Nine and a half days as usual, from then on something else.
    private func usual(_ fixture: EvaluationFixture, then shares: [EvaluationFixture.Share], from: String = noon) async throws {
        try await fixture.shares(Self.begin, Self.end, [Self.opus(), Self.haiku()])
        try await fixture.shares(from, Self.end, shares)
    }

    /// Applies single moments of the tenth of March; the transitions, as `HH:MM metric slice transition severity`.
    private func apply(_ fixture: EvaluationFixture, _ times: [String], settings: String? = nil) async throws -> [String] {
        try await fixture.step(times.map { "2026-03-10T\($0):00Z" }, settings: settings).map { String($0.dropFirst(3)) }
    }

    private func notes(_ fixture: EvaluationFixture) async throws -> [String] {
        try await fixture.lines(
            "SELECT concat_ws(' ', slice_value, resolution_note) AS line FROM monitoring_alerts WHERE status = 'resolved' ORDER BY slice_value"
        )
    }

    /// What a metric's windows over all events say at a moment, each verdict once.
    private func broadVerdicts(_ fixture: EvaluationFixture, at moment: String) async throws -> [String] {
        try await fixture.lines(
            """
            SELECT DISTINCT verdict AS line FROM monitoring_evaluate($1::timestamptz)
            WHERE metric_name = 'error_rate' AND slice_dimension IS NULL AND NOT evidence ? 'lag_days' ORDER BY 1
            """, [.text(moment)])
    }

    @Test("one model gets worse, of which all events together show nothing: one alert, on that model, with its sentence")
    func narrow() async throws {
        try await withEvaluationFixture { fixture in
            try await usual(fixture, then: [Self.opus(), Self.haiku(failed: 10)])
            #expect(try await broadVerdicts(fixture, at: "2026-03-10T12:10:00Z") == ["below_threshold"])
            #expect(try await apply(fixture, ["12:10", "12:15"]) == ["12:10 error_rate model haiku opened high"])
            let alert = try await fixture.lines(
                """
                SELECT concat_ws('|', summary, affected_model, affected_backend, context_data ->> 'dimension', context_data ->> 'value',
                    fingerprint = monitoring_fingerprint('error_spike', 'error_rate', 'model', 'haiku')) AS line
                FROM monitoring_alerts
                """)
            #expect(
                alert == [
                    "Error rate of model haiku 33.3 % over the last 10 minutes, 10.0x the expected 3.3 % (20 of 60 events; expected 2.0)."
                        + "|haiku|model|haiku|t"
                ])
            // What asks for the evaluation is told whose it is.
            let moment = try #require(MonitoringJSON.date(fromTimestamp: "2026-03-10T12:10:00Z"))
            let firing = try await MonitoringEngine(client: fixture.client).evaluate(at: moment).filter { $0.severity != nil }
            #expect(Set(firing.map { [$0.metricName, $0.sliceDimension, $0.sliceValue] }) == [["error_rate", "model", "haiku"]])
        }
    }

    /// P(X >= seen), X binomial of seen + weight draws: the exact test of two counts, summed term by term.
    private static func chance(seen: Double, expected: Double, weight: Double) -> Double {
        let draws = seen + weight
        let share = expected / (expected + weight)
        return stride(from: seen, through: draws, by: 1).reduce(0) { sum, hits in
            let choose = lgamma(draws + 1) - lgamma(hits + 1) - lgamma(draws - hits + 1)
            return sum + exp(choose + hits * log(share) + (draws - hits) * log(1 - share))
        }
    }

    @Test("the figures of an alert on a slice can be checked by hand: expectation, chance, bound, and the level that the slices share")
    func figures() async throws {
        try await withEvaluationFixture { fixture in
            try await usual(fixture, then: [Self.opus(), Self.haiku(failed: 10)])
            _ = try await apply(fixture, ["12:10"])
            let row = try await fixture.client.query(
                """
                SELECT
                    (context_data ->> 'total_events')::float8 AS total, (context_data ->> 'bad_events')::float8 AS seen,
                    (context_data ->> 'expected_events')::float8 AS expected, (context_data ->> 'baseline_weight')::float8 AS weight,
                    (context_data ->> 'baseline_events')::float8 AS before, (context_data ->> 'baseline_bad_events')::float8 AS bad_before,
                    (context_data ->> 'dispersion')::float8 AS dispersion, (context_data ->> 'p_value')::float8 AS chance,
                    (context_data ->> 'lower_bound')::float8 AS bound, (context_data ->> 'significance')::float8 AS level,
                    (monitoring_default_settings() ->> 'significance')::float8 AS significance
                FROM monitoring_alerts
                """)[0]
            let figures: [String: Double] = try [
                "total", "seen", "expected", "weight", "before", "bad_before", "dispersion", "chance", "bound", "level", "significance",
            ].reduce(into: [:]) { $0[$1] = try row.decode($1) }
            let expected = try #require(figures["expected"])
            let weight = try #require(figures["weight"])
            let bound = try #require(figures["bound"])
            let level = try #require(figures["level"])
            let significance = try #require(figures["significance"])
            // Seven days of 288 times 30 events, of which one failed each time.
            #expect(figures["total"] == 60 && figures["seen"] == 20 && figures["dispersion"] == 1)
            #expect(figures["before"] == 60480 && figures["bad_before"] == 2016 && weight == 2026)
            // 41 of 2030 events fail; the model's own share of them is (2016 + 10) / (60480 * 41 / 2030 + 10) of it.
            let own = 60 * 41.0 / 2030 * 2026 / (60480 * 41.0 / 2030 + 10)
            #expect(abs(expected - own) < 0.001)
            let chance = Self.chance(seen: 20, expected: own, weight: 2026)
            #expect(abs(try #require(figures["chance"]) / chance - 1) < 1e-3)
            #expect(abs(Self.chance(seen: 20, expected: own * bound, weight: 2026) / level - 1) < 1e-3)
            // Four metrics of two models, a backend, an agent and a version share the level of what is expected 144 times a day.
            #expect(abs(level / (significance * min(4, (50 / (own * 144)).squareRoot()) / (4 * 5)) - 1) < 1e-3)
        }
    }

    @Test("a model whose every answer takes more than an hour stops nothing")
    func longest() async throws {
        try await withEvaluationFixture { fixture in
            try await usual(
                fixture, then: [Self.opus(failed: 200), Self.haiku(duration: 5_000_000)], from: "2026-03-08T12:00:00Z")
            #expect(try await apply(fixture, ["12:10"]).contains { $0.hasPrefix("12:10 error_rate") })
            let factors = try await fixture.lines(
                """
                SELECT concat_ws(' ', model, latency_factor) AS line
                FROM monitoring_model_latencies('2026-03-09', '2026-03-10', '{}', array_fill(1000.0::float8, ARRAY[24])) ORDER BY 1
                """)
            #expect(factors == ["haiku 5000", "opus 1"])
            let above =
                "SELECT monitoring_count_above('{1,2147483647}', '{}', 3e9) + monitoring_count_above('{1,2}', '{1,1}', 1e12) AS above"
            #expect(try await fixture.client.query(above)[0].decode("above") == 0)
        }
    }

    @Test("where everything gets worse there is the alert on all events alone")
    func broad() async throws {
        try await withEvaluationFixture { fixture in
            try await usual(fixture, then: [Self.opus(failed: 200), Self.haiku(failed: 10)])
            #expect(try await apply(fixture, ["12:10", "12:15"]) == ["12:10 error_rate opened high"])
            #expect(try await fixture.lines("SELECT affected_model AS line FROM monitoring_alerts WHERE affected_model IS NOT NULL") == [])
        }
    }

    @Test("an alert on all events ends those on slices of its metric, and once it is over none of them comes back")
    func subsumption() async throws {
        try await withEvaluationFixture { fixture in
            try await usual(fixture, then: [Self.opus(), Self.haiku(failed: 10)])
            try await fixture.shares("2026-03-10T12:15:00Z", "2026-03-10T13:00:00Z", [Self.opus(failed: 200), Self.haiku(failed: 10)])
            try await fixture.shares("2026-03-10T13:00:00Z", Self.end, [Self.opus(), Self.haiku()])
            #expect(
                try await apply(fixture, ["12:10", "12:20", "12:25"]) == [
                    "12:10 error_rate model haiku opened high", "12:20 error_rate opened high",
                    "12:20 error_rate model haiku resolved high",
                ])
            #expect(try await notes(fixture) == ["haiku Part of the alert on all events."])
            let rest = try await apply(fixture, ["12:55", "13:00", "13:30", "14:00", "14:05", "14:10", "14:30", "15:00", "16:00"])
            #expect(rest.allSatisfy { !$0.contains("haiku") })
            #expect(rest.last?.contains("resolved") == true, "\(rest)")
        }
    }

    @Test("a slice that was bad all along raises nothing right after the alert on all events closed")
    func afterTheBroadOne() async throws {
        try await withEvaluationFixture { fixture in
            try await usual(fixture, then: [Self.opus(), Self.haiku(failed: 40)])
            try await fixture.shares("2026-03-10T12:30:00Z", Self.end, [Self.opus(), Self.haiku()])
            let lines = try await apply(fixture, ["12:10", "12:30", "13:00", "13:30", "13:35", "13:40", "14:00"])
            #expect(lines == ["12:10 error_rate opened low", "13:30 error_rate resolved low"])
            // Without the close, the same moment would show it.
            try await fixture.client.query("UPDATE monitoring_alerts SET cleared_at = NULL, resolved_at = '2026-03-09T00:00:00Z'")
            #expect(try await apply(fixture, ["14:00"]) == ["14:00 error_rate model haiku opened high"])
        }
    }

    @Test("what all events show and a slice with an alert explains raises no second alert; what it does not explain does")
    func told() async throws {
        try await withEvaluationFixture { fixture in
            try await usual(fixture, then: [Self.opus(), Self.haiku(failed: 10)])
            try await fixture.shares("2026-03-10T12:15:00Z", Self.end, [Self.opus(), Self.haiku(failed: 30)])
            #expect(try await apply(fixture, ["12:10"]) == ["12:10 error_rate model haiku opened high"])
            #expect(try await broadVerdicts(fixture, at: "2026-03-10T12:35:00Z").contains("low"))
            #expect(try await apply(fixture, ["12:35"]) == [])
            try await fixture.shares("2026-03-10T12:35:00Z", Self.end, [Self.opus(failed: 300), Self.haiku(failed: 30)])
            #expect(
                try await apply(fixture, ["12:45"]) == [
                    "12:45 error_rate opened high", "12:45 error_rate model haiku resolved high",
                ])
        }
    }

    @Test("where chance spreads a short window, what is left without the slices that have alerts must be bad too")
    func toldByWhatIsLeft() async throws {
        try await withEvaluationFixture { fixture in
            try await usual(fixture, then: [Self.opus(), Self.haiku(failed: 10)])
            #expect(try await apply(fixture, ["12:10"]) == ["12:10 error_rate model haiku opened high"])
            let row = """
                {"metric_name": "error_rate", "part": "error_rate", "starts_at": "2026-03-10T12:15:00Z", "ends_at": "2026-03-10T12:25:00Z",
                 "expected": 82, "dispersion": 1, "weight": 2000, "significance": 1e-5}
                """
            for (failed, isTold) in [(55, true), (300, false)] {
                try await fixture.shares("2026-03-10T12:15:00Z", Self.end, [Self.opus(failed: failed), Self.haiku(failed: 3)])
                let answer = try await fixture.client.query(
                    """
                    SELECT
                        monitoring_is_told_by_slice($1::jsonb, monitoring_effective_settings(NULL)) AS told,
                        EXISTS (
                            SELECT FROM monitoring_attribution('error_rate', '2026-03-10T12:15Z', '2026-03-10T12:25Z', '7day_rolling', 7) cause
                            WHERE cause.value = 'haiku' AND cause.margin >= 1) AS explains
                    """, [.json(row)])[0]
                #expect(try answer.decode("told") == isTold && !answer.decode("explains"), "\(failed)")
            }
        }
    }

    @Test(
        "slices switched off, or a metric that goes by the ratio rule or by none: their alerts end, and none is opened",
        arguments: [
            #"{"slices": {"enabled": false}}"#, #"{"metrics": {"error_rate": {"rule": "ratio"}}}"#,
            #"{"metrics": {"error_rate": {"enabled": false}}}"#,
        ])
    func off(settings: String) async throws {
        try await withEvaluationFixture { fixture in
            try await usual(fixture, then: [Self.opus(), Self.haiku(failed: 10)])
            #expect(try await apply(fixture, ["12:10"], settings: settings) == [])
            #expect(try await apply(fixture, ["12:15"]) == ["12:15 error_rate model haiku opened high"])
            #expect(try await apply(fixture, ["12:20"], settings: settings) == ["12:20 error_rate model haiku resolved high"])
            #expect(try await notes(fixture) == ["haiku No longer evaluated."])
        }
    }

    @Test("a version that harms nothing raises nothing; one that does is named")
    func rollOut() async throws {
        try await withEvaluationFixture { fixture in
            try await usual(fixture, then: [Self.opus(version: "railway:1.0.9"), Self.haiku(version: "railway:1.0.9")])
            #expect(try await apply(fixture, ["12:05", "12:10", "12:30", "13:00", "14:00"]) == [])
            try await fixture.shares(
                "2026-03-10T14:00:00Z", Self.end, [Self.opus(version: "railway:1.0.9"), Self.haiku(failed: 10, version: "railway:1.1.0")])
            #expect(try await apply(fixture, ["14:10"]) == ["14:10 error_rate version railway:1.1.0 opened high"])
        }
    }

    @Test("latency is known of slices by hours: a slow model is told at the next full hour")
    func latency() async throws {
        try await withEvaluationFixture { fixture in
            try await usual(fixture, then: [Self.opus(), Self.haiku(slow: 15)])
            #expect(try await apply(fixture, ["12:30", "12:55"]) == [])
            #expect(try await apply(fixture, ["13:00"]) == ["13:00 latency_p95 model haiku opened high"])
            #expect(
                try await fixture.lines("SELECT summary AS line FROM monitoring_alerts") == [
                    "Latency p95 of model haiku 3000 ms over the last hour, 3.0x the expected 1000 ms "
                        + "(180 of 360 events above the usual p95; expected 12)."
                ])
        }
    }

    @Test("a fast model that gets slower is told, although it still answers sooner than is usual for all")
    func fastModel() async throws {
        try await withEvaluationFixture { fixture in
            try await fixture.shares(Self.begin, Self.end, [Self.opus(), Self.haiku(duration: 300)])
            try await fixture.shares(Self.noon, Self.end, [Self.opus(), Self.haiku(slow: 15, duration: 300)])
            #expect(try await apply(fixture, ["12:30", "13:00"]) == ["13:00 latency_p95 model haiku opened high"])
            #expect(
                try await fixture.lines("SELECT summary AS line FROM monitoring_alerts") == [
                    "Latency p95 of model haiku 900 ms over the last hour, 3.0x the expected 300 ms "
                        + "(180 of 360 events above the usual p95; expected 12)."
                ])
            // What all events show is held against what is slow for all, what a slice shows against what is slow for its models.
            let row = """
                {"metric_name": "latency_p95", "starts_at": "2026-03-10T12:00:00Z", "ends_at": "2026-03-10T13:00:00Z", "severity": "high",
                 "slice_dimension": "model", "slice_value": "haiku", "expected": 12, "dispersion": 1, "weight": 2000, "significance": 1e-5}
                """
            try await fixture.client.query(
                """
                UPDATE monitoring_alerts
                SET slice_value = 'opus', fingerprint = monitoring_fingerprint(alert_type, metric_name, 'model', 'opus')
                """)
            for (dimension, stands) in [("model", true), (nil, false)] {
                let answer = try await fixture.client.query(
                    """
                    SELECT monitoring_slice_stands_alone(
                        $1::jsonb || jsonb_build_object('slice_dimension', $2::text), monitoring_effective_settings(NULL)) AS stands
                    """, [.json(row), .text(dimension)])[0]
                #expect(try answer.decode("stands") == stands, "\(dimension ?? "all")")
            }
        }
    }

    @Test("a model with few latencies is judged by what is slow for all: one in twenty of them is too few to tell")
    func rareModel() async throws {
        try await withEvaluationFixture { fixture in
            try await fixture.shares(Self.begin, Self.end, [Self.opus()])
            try await fixture.shares("2026-03-06T00:00:00Z", "2026-03-06T01:00:00Z", [Self.opus(), Self.haiku(duration: 300)])
            #expect(
                try await fixture.lines(
                    """
                    SELECT concat_ws(' ', value, total_events, bad_events, latency_factor) AS line
                    FROM monitoring_derive_slices('7day_rolling', 7, '2026-03-10')
                    WHERE metric_name = 'latency_p95' AND dimension = 'model' ORDER BY value
                    """) == ["haiku 360 0", "opus 4032000 120960 1"])
            try await fixture.shares("2026-03-06T01:00:00Z", "2026-03-06T02:00:00Z", [Self.opus(), Self.haiku(duration: 300)])
            #expect(
                try await fixture.lines(
                    """
                    SELECT concat_ws(' ', value, total_events, bad_events, latency_factor) AS line
                    FROM monitoring_derive_slices('7day_rolling', 7, '2026-03-10')
                    WHERE metric_name = 'latency_p95' AND dimension = 'model' AND value = 'haiku'
                    """) == ["haiku 720 24 0.3"])
        }
    }

    @Test("with ten bad events and more fewer than fifty are enough")
    func fewButBad() async throws {
        try await withEvaluationFixture { fixture in
            try await usual(fixture, then: [Self.opus()])
            let canary = EvaluationFixture.Share(model: "opus", version: "railway:1.1.0", total: 9, failed: 3)
            try await fixture.shares(Self.noon, "2026-03-10T12:15:00Z", [Self.opus(), canary])
            #expect(try await apply(fixture, ["12:15"]) == [])
            try await fixture.shares(Self.noon, "2026-03-10T12:20:00Z", [Self.opus(), canary])
            #expect(try await apply(fixture, ["12:20"]) == ["12:20 error_rate version railway:1.1.0 opened high"])
        }
    }

    @Test("how the hours of a new version scatter is known after three days: before, in part as those of all events")
    func youngDispersion() async throws {
        try await withEvaluationFixture { fixture in
            try await fixture.shares(Self.begin, Self.end, [Self.opus()])
            // All events' fallbacks scatter from hour to hour, those of the new version, of the last day of the baseline, do not.
            try await fixture.client.query(
                """
                UPDATE fixture_shares SET fallback = CASE extract(epoch FROM bucket_start)::integer / 3600 % 25 % 2 WHEN 0 THEN 70 ELSE 10 END
                """)
            try await fixture.shares(
                "2026-03-08T00:00:00Z", "2026-03-09T00:00:00Z",
                [Self.opus(), .init(model: "opus", version: "railway:1.1.0", total: 500, fallback: 10)])
            try await fixture.rollUpShares(Self.begin, Self.end)
            let found = try await fixture.lines(
                """
                SELECT concat_ws(' ', b.value, round((b.dispersion / CASE b.value WHEN 'railway:1.1.0' THEN known.young ELSE known.all END)::numeric, 1)) AS line
                FROM monitoring_derive_slices('7day_rolling', 7, '2026-03-10') b
                CROSS JOIN (
                    SELECT min(hourly_dispersion) AS all, min(dispersion) * 48 / 72 + 24.0 / 72 AS young
                    FROM monitoring_derive_profile('7day_rolling', 7, '2026-03-10') WHERE metric_name = 'fallback_rate'
                ) known
                WHERE b.metric_name = 'fallback_rate' AND b.dimension = 'version' ORDER BY b.value
                """)
            #expect(found == ["railway:1.0.8 1.0", "railway:1.1.0 1.0"])
        }
    }
}
