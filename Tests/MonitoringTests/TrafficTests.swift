import Postgres
import TestSupport
import Testing

/// A hundred events every five minutes from Sunday, the first of March, on.
@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint))
struct TrafficTests {
    private static let usual = EvaluationFixture.Share(model: "opus", total: 100, fallback: 2, failed: 1, slow: 0)

    private static func quiet(_ total: Int) -> EvaluationFixture.Share {
        .init(model: "opus", total: total, slow: 0)
    }

    @Test("events stop: told after five minutes, over when half of an hour's are there again")
    func stop() async throws {
        try await withEvaluationFixture { fixture in
            try await fixture.shares("2026-03-01T00:00:00Z", "2026-03-11T00:00:00Z", [Self.usual])
            try await fixture.shares("2026-03-10T12:00:00Z", "2026-03-10T13:00:00Z", [])
            let moments = ["12:00", "12:05", "12:30", "13:00", "13:30", "14:00", "14:30", "15:00"].map { "2026-03-10T\($0):00Z" }
            let steps = try await fixture.step(moments).filter { $0.contains("total_events") }
            #expect(steps.first == "10 12:05 total_events opened high" && steps.last?.contains("total_events resolved") == true, "\(steps)")
            let alert = try await fixture.lines(
                """
                SELECT concat_ws('|', alert_type, t.evidence ->> 'summary') AS line
                FROM monitoring_alerts a JOIN monitoring_alert_transitions t ON t.alert_id = a.id AND t.sequence = 1
                """)
            #expect(alert == ["traffic_drop|Traffic fell to 0 events over the last 5 minutes; expected 100."])
        }
    }

    @Test("traffic that falls to a third is told with its figures; three fifths are none that matter")
    func third() async throws {
        try await withEvaluationFixture { fixture in
            try await fixture.shares("2026-03-01T00:00:00Z", "2026-03-11T00:00:00Z", [Self.usual])
            try await fixture.shares("2026-03-10T11:00:00Z", "2026-03-10T12:00:00Z", [Self.quiet(60)])
            try await fixture.shares("2026-03-10T12:00:00Z", "2026-03-11T00:00:00Z", [Self.quiet(33)])
            #expect(try await fixture.step(["2026-03-10T11:30:00Z", "2026-03-10T12:00:00Z"]) == [])
            #expect(try await fixture.step(["2026-03-10T12:05:00Z"]) == ["10 12:05 total_events opened medium"])
            let summary = try await fixture.lines("SELECT summary AS line FROM monitoring_alerts")
            #expect(summary == ["Traffic fell to 33 events over the last 5 minutes; expected 100."])
        }
    }

    @Test("it is armed once the same day of the week has been seen, and then a quiet weekend is none that fell")
    func weekend() async throws {
        try await withEvaluationFixture { fixture in
            try await fixture.shares("2026-03-02T00:00:00Z", "2026-03-16T00:00:00Z", [Self.usual])
            for saturday in ["07", "14"] {
                let monday = saturday == "07" ? "09" : "16"
                try await fixture.shares("2026-03-\(saturday)T00:00:00Z", "2026-03-\(monday)T00:00:00Z", [Self.quiet(10)])
            }
            let verdict = """
                SELECT DISTINCT verdict AS line FROM monitoring_evaluate($1::timestamptz)
                WHERE metric_name = 'total_events' AND window_seconds = 3600
                """
            #expect(try await fixture.lines(verdict, [.text("2026-03-07T12:00:00Z")]) == ["not_armed"])
            #expect(try await fixture.lines(verdict, [.text("2026-03-12T12:00:00Z")]) == ["below_threshold"])
            let moments = ["07T04:10", "07T16:00", "08T16:00", "14T00:10", "14T04:10", "14T16:00", "15T16:00"].map { "2026-03-\($0):00Z" }
            #expect(try await fixture.step(moments) == [])
            // On a Saturday as quiet as the one before, what stops is still told.
            try await fixture.shares("2026-03-15T18:00:00Z", "2026-03-15T20:00:00Z", [])
            #expect(try await fixture.step(["2026-03-15T19:00:00Z"]).first?.hasPrefix("15 19:00 total_events opened") == true)
        }
    }

    @Test("a job that runs for some minutes of an hour is not missed in the others; what runs beside it is")
    func job() async throws {
        try await withEvaluationFixture { fixture in
            try await fixture.shares("2026-03-01T00:00:00Z", "2026-03-11T00:00:00Z", [Self.usual])
            for day in 1...10 {
                let date = "2026-03-\(day < 10 ? "0" : "")\(day)"
                try await fixture.shares("\(date)T02:10:00Z", "\(date)T02:40:00Z", [Self.quiet(1000)])
            }
            #expect(
                try await fixture.lines(
                    """
                    SELECT concat_ws(' ', hour_of_day, rate) AS line FROM monitoring_profile('7day_rolling', 7, '2026-03-10')
                    WHERE metric_name = 'total_events' AND hour_of_day BETWEEN 1 AND 3 ORDER BY 1
                    """) == ["1 1200", "2 1200", "3 1200"])
            let steps = try await fixture.walk("2026-03-09T01:30:00Z", "2026-03-09T04:00:00Z")
            #expect(steps.filter { $0.contains("total_events") } == [])
            try await fixture.shares("2026-03-10T02:00:00Z", "2026-03-10T03:00:00Z", [])
            #expect(try await fixture.step(["2026-03-10T02:05:00Z"]).first == "10 02:05 total_events opened high")
        }
    }

    @Test("traffic that grows within an hour is no job")
    func growth() async throws {
        try await withEvaluationFixture { fixture in
            try await fixture.shares("2026-03-01T00:00:00Z", "2026-03-11T00:00:00Z", [Self.usual])
            for day in 1...10 {
                let date = "2026-03-\(day < 10 ? "0" : "")\(day)"
                try await fixture.shares("\(date)T02:30:00Z", "\(date)T03:00:00Z", [Self.quiet(160)])
            }
            #expect(
                try await fixture.lines(
                    """
                    SELECT rate::text AS line FROM monitoring_profile('7day_rolling', 7, '2026-03-10')
                    WHERE metric_name = 'total_events' AND hour_of_day = 2
                    """) == ["1560"])
        }
    }
}
