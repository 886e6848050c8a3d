import Foundation
import Monitoring
import Postgres
import TestSupport
import Testing

@Suite("Metrics of hours and days", .enabled(if: TestDatabase.isAvailable, TestDatabase.hint))
struct MetricsTests {
    /// Every figure of a window, computed from the raw events in the plainest way.
    private static let plain = """
        SELECT
            window_start, window_end, count(e.*) AS total_events,
            round(count(*) FILTER (WHERE (event_data ->> 'reward')::numeric <= 0.3)::numeric / nullif(count(e.*), 0), 4) AS error_rate,
            round(count(*) FILTER (WHERE duplicate_count > 1)::numeric / nullif(count(e.*), 0), 4) AS duplicate_rate,
            round((percentile_cont(0.5) WITHIN GROUP (ORDER BY (event_data ->> 'duration_ms')::integer))::numeric, 2) AS latency_p50,
            round((percentile_cont(0.75) WITHIN GROUP (ORDER BY (event_data ->> 'duration_ms')::integer))::numeric, 2) AS latency_p75,
            round((percentile_cont(0.9) WITHIN GROUP (ORDER BY (event_data ->> 'duration_ms')::integer))::numeric, 2) AS latency_p90,
            round((percentile_cont(0.95) WITHIN GROUP (ORDER BY (event_data ->> 'duration_ms')::integer))::numeric, 2) AS latency_p95,
            round((percentile_cont(0.99) WITHIN GROUP (ORDER BY (event_data ->> 'duration_ms')::integer))::numeric, 2) AS latency_p99,
            round(avg((event_data ->> 'duration_ms')::integer), 2) AS latency_avg
        FROM monitoring_metrics AS m
        LEFT JOIN learning_events AS e ON e.occurred_at >= window_start AND e.occurred_at < window_end
        GROUP BY window_start, window_end
        """

    @Test("an hour that is computed before anything was rolled up makes the row of its whole day")
    func hourOfFreshDay() async throws {
        try await withTestDatabase(schema: true) { database in
            let rollup = RollupFixture(client: database.client)
            try await rollup.insertMany(1440, from: "2026-02-20T00:00:00Z", every: 60)
            for date in ["infinity", "-infinity", "0001-01-01 BC", "294276-12-31"] {
                let error = await #expect(throws: PostgresError.self) {
                    try await rollup.client.query("SELECT compute_hourly_metrics('\(date)', 3)")
                }
                #expect(error?.sqlState == "22023", "\(date)")
            }
            let computed = "SELECT concat_ws('/', rows_computed, metrics_inserted) FROM compute_hourly_metrics('2026-02-20', 3)"
            #expect(try await rollup.text(computed) == "2/2")
            #expect(try await rollup.text("SELECT total_events FROM monitoring_metrics WHERE metric_hour IS NULL") == "1440")
            #expect(try await rollup.text("SELECT count(*) FROM monitoring_metrics WHERE total_events = 60") == "24")
        }
    }

    @Test(
        "all figures are those of the raw events, whatever the session's time zone", arguments: ["UTC", "Asia/Kolkata", "America/St_Johns"])
    func exact(zone: String) async throws {
        try await withTestDatabase(schema: true) { database in
            let rollup = RollupFixture(client: database.client)
            try await database.client.query("ALTER DATABASE \(database.name) SET timezone = '\(zone)'")
            try await rollup.insertMany(1500, from: "2026-02-20T20:00:00Z", every: 17)
            let rows = try await database.client.withConnection { connection in
                try await connection.query("SET timezone = '\(zone)'")
                let rows = try await connection.query(
                    "SELECT rows_computed, metrics_inserted FROM compute_daily_metrics('2026-02-20'), set_config('timezone', $1, false)",
                    [.text(zone)])
                try await connection.query("SELECT compute_daily_metrics('2026-02-21')")
                try await connection.query("RESET timezone")
                return rows
            }
            let counts = try rows.map { [try $0.decode("rows_computed", as: Int.self), try $0.decode("metrics_inserted", as: Int.self)] }
            #expect(counts == [[25, 25]])
            #expect(try await rollup.text("SELECT count(*) FROM monitoring_metrics") == "50")
            let different = try await rollup.text(
                """
                SELECT count(*)
                FROM (\(Self.plain)) AS plain
                JOIN monitoring_metrics AS m USING (window_start, window_end)
                WHERE (
                    m.total_events, m.error_rate, m.duplicate_rate, m.latency_p50, m.latency_p75, m.latency_p90, m.latency_p95,
                    m.latency_p99, m.latency_avg
                ) IS DISTINCT FROM (
                    plain.total_events, plain.error_rate, plain.duplicate_rate, plain.latency_p50, plain.latency_p75, plain.latency_p90,
                    plain.latency_p95, plain.latency_p99, plain.latency_avg)
                """)
            #expect(different == "0")
            let days = try await rollup.text(
                "SELECT string_agg(metric_date || ' ' || total_events, ', ' ORDER BY metric_date) FROM monitoring_metrics WHERE metric_hour IS NULL"
            )
            #expect(days == "2026-02-20 848, 2026-02-21 652")
        }
    }

    @Test("computing again changes nothing, not even computed_at")
    func again() async throws {
        try await withTestDatabase(schema: true) { database in
            let rollup = RollupFixture(client: database.client)
            try await rollup.insertMany(300, from: "2026-02-20T20:00:00Z")
            let compute = "SELECT metrics_inserted FROM compute_daily_metrics('2026-02-20', $1::timestamptz)"
            #expect(try await rollup.text(compute, [.text("2026-02-21T00:00:00Z")]) == "25")
            let version = try await rollup.text("SELECT data_version FROM monitoring_rollup_state")
            #expect(try await rollup.text(compute, [.text("2026-02-22T00:00:00Z")]) == "0")
            #expect(try await rollup.text("SELECT count(DISTINCT computed_at) FROM monitoring_metrics") == "1")
            #expect(try await rollup.text("SELECT data_version FROM monitoring_rollup_state") == version)
        }
    }

    @Test("an hour without events has zeros and no rates")
    func empty() async throws {
        try await withTestDatabase(schema: true) { database in
            let rollup = RollupFixture(client: database.client)
            #expect(try await rollup.text("SELECT rows_computed FROM compute_hourly_metrics('2026-02-20', 5)") == "2")
            let row = try await rollup.text(
                """
                SELECT ARRAY[total_events::text, fallback_rate::text, latency_p95::text, health_score::text, fallback_reasons::text,
                    model_distribution::text]
                FROM monitoring_metrics WHERE metric_hour = 5
                """)
            #expect(row == #"{0,NULL,NULL,NULL,[],"{}"}"#)
        }
    }

    @Test("health is one formula, exact for counts; where a rate is not known it is not known either")
    func health() async throws {
        try await withTestDatabase(schema: true) { database in
            let rollup = RollupFixture(client: database.client)
            let row = try await rollup.text(
                """
                SELECT ARRAY[
                    monitoring_health(100::bigint, 85, 4, 2)::text, monitoring_health(100::float8, 85, 4, 2)::text,
                    monitoring_health(100::bigint, 0, 30, 50)::text, monitoring_health(0::bigint, 0, 0, 0)::text,
                    monitoring_health_score(0.85, NULL, 0.02)::text]
                """)
            #expect(row == "{85.30,85.3,0.00,NULL,NULL}")  // 0.85 * 50 + (1 - 0.2) * 30 + (1 - 0.06) * 20
        }
    }

    @Test("hours come newest first, beginning with the one that is under way")
    func hours() async throws {
        try await withTestDatabase(schema: true) { database in
            for day in ["2026-02-19", "2026-02-20"] { try await database.client.query("SELECT compute_daily_metrics('\(day)')") }
            let first = try #require(Day("2026-02-19"))
            let last = try #require(Day("2026-02-20"))
            let noon = last.end.addingTimeInterval(-12 * 3600)
            let hours = try await MetricRepository(client: database.client).hourly(from: first, to: last, begunBy: noon, limit: 14)
            let expected = Array((0...12).map { "2026-02-20 \($0)" }.reversed()) + ["2026-02-19 23"]
            #expect(hours.map { "\($0.metricDate) \($0.metricHour ?? -1)" } == expected)
            await #expect(throws: MonitoringError(.invalidArgument, "limit is 1 to 1001")) {
                try await MetricRepository(client: database.client).hourly(from: first, to: last, begunBy: noon, limit: 0)
            }
        }
    }

    @Test("fallback reasons are ranked, ties by name; what is absent has no key")
    func distributions() async throws {
        try await withTestDatabase(schema: true) { database in
            let rollup = RollupFixture(client: database.client)
            for (index, reason) in ["timeout", "rate_limit", "timeout", "circuit_open", ""].enumerated() {
                try await rollup.insert(
                    "e\(index)", at: "2026-02-20T01:00:00Z",
                    data: #"{"telemetry": {"request_chain": [{"fallback_reason": "\#(reason)"}]}}"#, agent: nil)
            }
            try await rollup.rollUp()
            let reasons = try await rollup.text("SELECT fallback_reasons FROM monitoring_metrics WHERE metric_hour IS NULL")
            #expect(
                reasons == #"[{"count": 2, "reason": "timeout"}, {"count": 1, "reason": ""}, "#
                    + #"{"count": 1, "reason": "circuit_open"}, {"count": 1, "reason": "rate_limit"}]"#)
            #expect(try await rollup.text("SELECT model_distribution || agent_distribution FROM monitoring_metrics LIMIT 1") == "{}")
        }
    }

    @Test("the materialized view shows the days as of its refresh")
    func materializedView() async throws {
        try await withTestDatabase(schema: true) { database in
            let rollup = RollupFixture(client: database.client)
            try await rollup.insertMany(300, from: "2026-02-20T23:00:00Z")
            try await rollup.rollUp()
            #expect(try await rollup.text("SELECT count(*) FROM mv_daily_metrics") == "0")
            try await database.client.query("SELECT refresh_daily_metrics_mv()")
            #expect(try await rollup.text("SELECT sum(total_events) || '/' || count(*) FROM mv_daily_metrics") == "300/2")
        }
    }
}
