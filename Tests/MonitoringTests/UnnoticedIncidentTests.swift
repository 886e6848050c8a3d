import Postgres
import TestSupport
import Testing

/// Incidents of a time in which nobody watched: the events of two weeks are imported, and the monitor begins.
@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint))
struct UnnoticedIncidentTests {
    typealias Bucket = EvaluationFixture.Bucket

    private static func withHistory(_ body: @Sendable (EvaluationFixture) async throws -> Void) async throws {
        try await withEvaluationFixture { fixture in
            try await fixture.fill("2026-03-01 00:00+00", "2026-03-10 12:00+00")
            try await body(fixture)
        }
    }

    private static func unfit(_ fixture: EvaluationFixture) async throws -> [String] {
        try await fixture.lines(
            """
            SELECT metric_name || ' ' || to_char(lower(span) AT TIME ZONE 'UTC', 'DD HH24') || ' ' || to_char(upper(span) AT TIME ZONE 'UTC', 'DD HH24')
                AS line
            FROM monitoring_profile_spans('7day_rolling', 7, '2026-03-10'), unnest(unfit) AS span
            ORDER BY 1
            """)
    }

    @Test(
        "an incident that no alert tells of is no scatter: what comes like it is told",
        arguments: [
            ("2026-03-06 10:00+00", "2026-03-06 12:00+00", Bucket(fallback: 50), "fallback_rate", ["06 10 06 12"]),
            // The same hours as the spike.
            ("2026-03-05 11:00+00", "2026-03-05 12:00+00", Bucket(fallback: 30), "fallback_rate", ["05 11 05 12"]),
            ("2026-03-06 00:00+00", "2026-03-07 00:00+00", Bucket(fallback: 16), "fallback_rate", ["06 00 07 00"]),
            // Over midnight: its parts are found each in their block.
            ("2026-03-06 21:00+00", "2026-03-07 03:00+00", Bucket(failed: 20), "error_rate", ["06 21 07 03"]),
            ("2026-03-06 10:00+00", "2026-03-06 13:00+00", Bucket(slowness: 3), "latency_p95", ["06 10 06 13"]),
        ])
    func found(from: String, until: String, incident: Bucket, metric: String, spans: [String]) async throws {
        try await Self.withHistory { fixture in
            try await fixture.fill(from, until, incident)
            let unfit = try await Self.unfit(fixture)
            #expect(unfit.filter { $0.hasPrefix(metric) } == spans.map { "\(metric) \($0)" }, "\(unfit)")
            // What fails makes unsuccessful as well.
            #expect(unfit.contains { $0.hasPrefix("unsuccessful_rate") } == (metric == "error_rate"), "\(unfit)")
            try await fixture.fill("2026-03-10 11:00+00", "2026-03-10 12:00+00", incident)
            let verdicts = try await fixture.lines(
                """
                SELECT concat_ws(' ', verdict, dispersion) AS line
                FROM monitoring_evaluate('2026-03-10 12:00+00')
                WHERE metric_name = '\(metric)' AND window_seconds = 3600 AND affected_model IS NULL
                """)
            #expect(verdicts == ["high 1.000"], "\(verdicts)")
        }
    }

    @Test("what varies from hour to hour, rises by less than three times, or holds for more than a third of the time is no incident")
    func others() async throws {
        try await Self.withHistory { fixture in
            try await fixture.fill("2026-03-06 10:00+00", "2026-03-06 12:00+00", Bucket(fallback: 11))
            #expect(try await Self.unfit(fixture) == [])
            try await fixture.client.query(
                """
                UPDATE monitoring_rollup
                SET fallback_events = 2 + abs(hashtext(date_trunc('hour', bucket_start, 'UTC')::text)::bigint) % 9
                WHERE bucket_start < '2026-03-10 00:00+00'
                """)
            #expect(try await Self.unfit(fixture) == [])
        }
        try await Self.withHistory { fixture in
            try await fixture.fill("2026-03-04 00:00+00", "2026-03-07 00:00+00", Bucket(fallback: 40))
            #expect(try await Self.unfit(fixture) == [])
        }
    }

    @Test("ten bad events are asked for at the least")
    func few() async throws {
        try await withEvaluationFixture { fixture in
            try await fixture.fill(
                "2026-03-01 00:00+00", "2026-03-10 12:00+00", Bucket(total: 2, fallback: 0, failed: 0, duplicate: 0, unsuccessful: 0))
            try await fixture.fill(
                "2026-03-06 10:00+00", "2026-03-06 10:25+00", Bucket(total: 2, fallback: 1, failed: 0, duplicate: 0, unsuccessful: 0))
            #expect(try await Self.unfit(fixture) == [])
            try await fixture.fill(
                "2026-03-06 10:00+00", "2026-03-06 11:00+00", Bucket(total: 2, fallback: 1, failed: 0, duplicate: 0, unsuccessful: 0))
            #expect(try await Self.unfit(fixture) == ["fallback_rate 06 10 06 11"])
        }
    }
}
