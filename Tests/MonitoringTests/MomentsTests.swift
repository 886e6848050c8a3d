import Postgres
import TestSupport
import Testing

/// Moments that are judged in one statement are judged as each alone: a backtest finds what the worker would have found.
@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint))
struct MomentsTests {
    /// Ten steady days, then fallbacks of one model for three hours, a traffic gap of one, and a slower evening.
    private func history(_ fixture: EvaluationFixture) async throws {
        try await fixture.fill("2026-03-01T00:00:00Z", "2026-03-12T00:00:00Z")
        try await fixture.slice("2026-03-01T00:00:00Z", "2026-03-12T00:00:00Z", model: "claude-sonnet-4-6")
        try await fixture.slice("2026-03-01T00:00:00Z", "2026-03-12T00:00:00Z", model: "gpt-5-mini")
        try await fixture.fill("2026-03-11T06:00:00Z", "2026-03-11T09:00:00Z", .init(fallback: 12))
        try await fixture.slice("2026-03-11T06:00:00Z", "2026-03-11T09:00:00Z", model: "gpt-5-mini", fallback: 120)
        try await fixture.fill(
            "2026-03-11T13:00:00Z", "2026-03-11T14:00:00Z", .init(total: 0, fallback: 0, failed: 0, duplicate: 0, unsuccessful: 0))
        try await fixture.fill("2026-03-11T18:00:00Z", "2026-03-11T20:00:00Z", .init(slowness: 3))
    }

    /// What fires, and what speaks for the end of an alert, at moments judged together and at each alone, as `together` or `alone`.
    private static let differences = """
        WITH settings AS (
            SELECT monitoring_effective_settings() AS settings
        ),
        moments AS (
            SELECT array_agg(at ORDER BY at) AS moments, array_agg(at ORDER BY at) FILTER (WHERE extract(minute FROM at) = 0) AS hourly
            FROM generate_series($1::timestamptz, $2::timestamptz, interval '5 minutes') at
        ),
        together AS (
            SELECT judged.*
            FROM settings, moments, monitoring_evaluate_windows(moments.moments, settings.settings, false, moments.hourly) judged
        ),
        alone AS (
            SELECT judged.*
            FROM settings, moments, unnest(moments.moments) at,
                monitoring_evaluate_windows(
                    ARRAY[at], settings.settings, false, CASE WHEN at = ANY (moments.hourly) THEN ARRAY[at] ELSE '{}' END) judged
        ),
        fired AS (
            SELECT
                way, concat_ws(' ', at, metric_name, slice_dimension, slice_value, lag_days, window_seconds, severity, total_events, bad_events,
                    leads, round(current_value, 2)) AS line
            FROM (SELECT 'together' AS way, * FROM together UNION ALL SELECT 'alone', * FROM alone) ways
            WHERE severity IS NOT NULL
            UNION ALL
            SELECT way, concat_ws(' ', at, metric_name, slice_dimension, slice_value, lag_days, 'calm', max(round(calm[1]::numeric, 2)))
            FROM (SELECT 'together' AS way, * FROM together UNION ALL SELECT 'alone', * FROM alone) ways
            WHERE metric_name IN (SELECT metric_name FROM monitoring_alerts WHERE status <> 'resolved') AND calm[1] > 0
            GROUP BY way, at, metric_name, slice_dimension, slice_value, lag_days
        )
        SELECT string_agg(way, ', ') || ': ' || line AS line FROM fired GROUP BY line HAVING count(*) <> 2
        UNION ALL
        SELECT 'nothing fires' FROM fired WHERE way = 'alone' HAVING count(*) = 0
        ORDER BY 1
        LIMIT 20
        """

    @Test(
        "moments judged together are judged as each alone, with alerts live and without",
        arguments: [
            (nil, "2026-03-11T06:50:00Z", "2026-03-11T07:05:00Z"),
            ("2026-03-11T06:55:00Z", "2026-03-11T07:00:00Z", "2026-03-11T07:10:00Z"),
            ("2026-03-11T18:55:00Z", "2026-03-11T19:00:00Z", "2026-03-11T19:10:00Z"),
        ])
    func together(walkedUntil moment: String?, from: String, until: String) async throws {
        try await withEvaluationFixture { fixture in
            try await history(fixture)
            if let moment { try await fixture.walk(String(moment.prefix(13)) + ":00:00Z", moment) }
            let differences = try await fixture.client.query(
                Self.differences, [.text(from), .text(until)], timeout: .seconds(120)
            ).map { try $0.decode("line", as: String.self) }
            #expect(differences == [])
        }
    }

    @Test("no moment is applied after one that changed an alert, nor of another day, nor twice")
    func stops() async throws {
        try await withEvaluationFixture { fixture in
            try await history(fixture)
            func applied(_ from: String, _ until: String) async throws -> String {
                let count = try await fixture.lines(
                    """
                    SELECT count(*)::text AS line
                    FROM monitoring_apply_evaluations(
                        ARRAY(SELECT generate_series($1::timestamptz, $2::timestamptz, interval '5 minutes')))
                    """, [.text(from), .text(until)])[0]
                let at = try await fixture.lines("SELECT monitoring_time_text(applied_at) AS line FROM monitoring_evaluation_state")[0]
                return "\(count) \(at)"
            }
            #expect(try await applied("2026-03-10T22:00:00Z", "2026-03-11T03:00:00Z") == "0 2026-03-10T23:55:00Z")
            #expect(try await applied("2026-03-11T00:00:00Z", "2026-03-11T05:55:00Z") == "0 2026-03-11T05:55:00Z")
            let opening = try await applied("2026-03-11T05:55:00Z", "2026-03-11T12:00:00Z")
            let opened = try await fixture.lines("SELECT monitoring_time_text(max(opened_at)) AS line FROM monitoring_alerts")
            #expect(opening.hasSuffix(opened.first ?? "none"))
            #expect(!opening.hasPrefix("0 "))
            let again = try await applied("2026-03-11T05:55:00Z", opened.first ?? "2026-03-11T06:00:00Z")
            #expect(again == "0 \(opened.first ?? "")")
        }
    }
}
