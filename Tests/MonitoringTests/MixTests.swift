import Foundation
import Postgres
import TestSupport
import Testing

/// Six of ten events are of one model, four of another, until noon of the tenth of March.
@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint))
struct MixTests {
    private static func mix(_ opus: Int, _ haiku: Int) -> [EvaluationFixture.Share] {
        [.init(model: "opus", total: opus, fallback: 1, slow: 0), .init(model: "haiku", total: haiku, fallback: 1, slow: 0)]
    }

    private func shifted(_ fixture: EvaluationFixture, to shares: [EvaluationFixture.Share]) async throws {
        try await fixture.shares("2026-03-01T00:00:00Z", "2026-03-11T00:00:00Z", Self.mix(60, 40))
        try await fixture.shares("2026-03-10T12:00:00Z", "2026-03-10T14:00:00Z", shares)
    }

    @Test("a shift of forty points is told, with a population stability index that can be checked by hand")
    func shift() async throws {
        try await withEvaluationFixture { fixture in
            try await shifted(fixture, to: Self.mix(20, 80))
            #expect(try await fixture.step(["2026-03-10T12:10:00Z"]) == ["10 12:10 model_mix opened medium"])
            let alert = try await fixture.lines(
                "SELECT concat_ws('|', alert_type, affected_model, context_data ->> 'bad_events', context_data ->> 'total_events', summary) AS line FROM monitoring_alerts"
            )
            #expect(
                alert == [
                    "model_drift|haiku|160|200|Model mix moved over the last 10 minutes: model haiku from 40.0 % to 79.9 % "
                        + "(of 200 events; PSI 0.71, 3.6x its threshold 0.20)."
                ])
            // Half an event is added to each of the two counts.
            let (now, before) = (160.5 / 201, (40.0 * 2016 + 0.5) / (100 * 2016 + 1))
            let index = (now - before) * log(now / before) + (before - now) * log((1 - now) / (1 - before))
            let value: Double = try await fixture.client.query("SELECT current_value::float8 AS value FROM monitoring_alerts")[0].decode(
                "value")
            #expect(abs(value - index) < 1e-6)
            // The more there is to count, the more stretches are looked at: 288 times 100 events are usual in a day.
            let level: Double = try await fixture.client.query(
                "SELECT (context_data ->> 'significance')::float8 / (monitoring_default_settings() ->> 'significance')::float8 AS level FROM monitoring_alerts"
            )[0].decode("level")
            #expect(abs(level / (50.0 / 28_800).squareRoot() - 1) < 1e-6)
        }
    }

    @Test("what comes in sessions is fewer events than it seems: hours that differ as usual are no shift")
    func sessions() async throws {
        try await withEvaluationFixture { fixture in
            try await fixture.shares("2026-03-01T00:00:00Z", "2026-03-11T00:00:00Z", Self.mix(60, 40))
            let clustering = """
                SELECT round(min(clustering)::numeric, 2)::text AS line
                FROM monitoring_derive_slices('7day_rolling', 7, '2026-03-10')
                WHERE metric_name = 'model_mix'
                """
            #expect(try await fixture.lines(clustering) == ["1.00"])
            // Every other hour 82 and 18 of a hundred, else 38 and 62; not the same ones each day.
            try await fixture.client.query(
                """
                UPDATE fixture_shares
                SET total = CASE extract(epoch FROM bucket_start)::integer / 3600 % 25 % 2
                    WHEN 0 THEN CASE model WHEN 'opus' THEN 82 ELSE 18 END
                    ELSE CASE model WHEN 'opus' THEN 38 ELSE 62 END
                END
                """)
            try await fixture.rollUpShares("2026-03-01T00:00:00Z", "2026-03-11T00:00:00Z")
            // (1200 * 0.22)^2 / 1200 * (1 / 0.6 + 1 / 0.4) a hour, of 23 degrees of freedom in 24.
            let known = 1200 * 0.22 * 0.22 * (1 / 0.6 + 1 / 0.4) * 24 / 23
            let found = try #require(try await Double(fixture.lines(clustering)[0]))
            #expect(abs(found / known - 1) < 0.01, "\(found) \(known)")
            #expect(try await fixture.walk("2026-03-10T10:00:00Z", "2026-03-10T16:00:00Z").filter { $0.contains("model_mix") } == [])
        }
    }

    @Test("other models by night than by day are no shift, but by day they are one")
    func byNight() async throws {
        try await withEvaluationFixture { fixture in
            try await fixture.shares("2026-03-01T00:00:00Z", "2026-03-11T00:00:00Z", Self.mix(60, 40))
            for day in 1...10 {
                let date = "2026-03-\(day < 10 ? "0" : "")\(day)"
                try await fixture.shares("\(date)T02:10:00Z", "\(date)T02:40:00Z", Self.mix(20, 80))
            }
            let night = try await fixture.walk("2026-03-09T01:55:00Z", "2026-03-09T05:00:00Z")
            #expect(night.filter { $0.contains("model_mix") } == [])
            let index = try await fixture.lines(
                """
                SELECT concat_ws(' ', verdict, round(current_value, 2)) AS line FROM monitoring_evaluate('2026-03-09T02:40Z')
                WHERE metric_name = 'model_mix' AND window_seconds = 3600
                """)
            // 40 and 60 of a hundred, where the hours let expect 46.7 and 53.3, and all hours together 59 and 41.
            #expect(index == ["below_threshold 0.02"])
            try await fixture.shares("2026-03-09T12:10:00Z", "2026-03-09T12:40:00Z", Self.mix(20, 80))
            let day = try await fixture.step(["2026-03-09T12:20:00Z"])
            #expect(day == ["09 12:20 model_mix opened medium"], "\(day)")
        }
    }

    @Test("it closes where all windows are short, too, and where none is left that shows it")
    func shortWindows() async throws {
        for (later, until) in [
            (#"{"windows_seconds": [1800]}"#, "2026-03-10T23:00:00Z"), (#"{"windows_seconds": [300]}"#, "2026-03-14T12:00:00Z"),
        ] {
            try await withEvaluationFixture { fixture in
                try await fixture.shares("2026-03-01T00:00:00Z", "2026-03-15T00:00:00Z", Self.mix(60, 40))
                try await fixture.shares("2026-03-10T12:00:00Z", "2026-03-10T14:00:00Z", Self.mix(20, 80))
                let settings = #"{"windows_seconds": [1800]}"#
                let opened = try await fixture.walk("2026-03-10T12:05:00Z", "2026-03-10T13:00:00Z", settings: settings)
                #expect(opened.contains { $0.contains("model_mix opened") }, "\(opened)")
                try await fixture.client.query(
                    """
                    SELECT count(*)
                    FROM generate_series(timestamptz '2026-03-10T13:05:00Z', $1::timestamptz, interval '55 minutes') AS at,
                        monitoring_apply_evaluation(at, $2::jsonb)
                    """, [.text(until), .json(later)])
                #expect(try await fixture.alerts().filter { $0.hasPrefix("model_mix") } == ["model_mix resolved medium"])
            }
        }
    }

    @Test("a shift of ten points is none")
    func small() async throws {
        try await withEvaluationFixture { fixture in
            try await shifted(fixture, to: Self.mix(50, 50))
            #expect(try await fixture.step(["12:10", "12:30", "13:00", "14:00"].map { "2026-03-10T\($0):00Z" }) == [])
        }
    }

    @Test("it closes once the mix has been the old one for a while, and stays closed")
    func close() async throws {
        try await withEvaluationFixture { fixture in
            try await shifted(fixture, to: Self.mix(20, 80))
            let moments = ["12:10", "13:00", "14:00", "15:00", "15:30", "16:00", "16:30", "17:00", "18:00", "20:00"].map {
                "2026-03-10T\($0):00Z"
            }
            let steps = try await fixture.step(moments)
            #expect(steps.first == "10 12:10 model_mix opened medium" && steps.last == "10 16:00 model_mix resolved medium", "\(steps)")
        }
    }
}
