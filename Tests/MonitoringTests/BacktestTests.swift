import Foundation
import Postgres
import TestSupport
import Testing

@testable import Monitoring

@Suite("Backtest: what needs no database")
struct BacktestParsingTests {
    @Test(
        "thresholds as a person writes them",
        arguments: [
            ("low=1.5,medium=2,high=3,critical=3", "1.5 2.0 3.0 3.0"), (" high = 4 ", "- - 4.0 -"), ("critical=5,low=2", "2.0 - - 5.0"),
            ("", "thresholds: \"\" is not one of low, medium, high, critical with = and a ratio"),
            ("low", "thresholds: \"low\" is not one of low, medium, high, critical with = and a ratio"),
            ("mid=2", "thresholds: \"mid=2\" is not one of low, medium, high, critical with = and a ratio"),
            ("low=x", "thresholds: low is a ratio from 1 to 1000000, not \"x\""),
            ("low=nan", "thresholds: low is a ratio from 1 to 1000000, not \"nan\""),
            ("low=0.5", "thresholds: low is a ratio from 1 to 1000000, not \"0.5\""), ("low=2,low=3", "thresholds: low is there twice"),
            ("low=3,high=2", "thresholds: low must not be above high"),
        ])
    func thresholds(text: String, result: String) {
        let read: String
        do {
            let overrides = try ThresholdOverrides(parsing: text)
            read = [overrides.low, overrides.medium, overrides.high, overrides.critical].map { $0.map { "\($0)" } ?? "-" }
                .joined(separator: " ")
        } catch { read = error.message }
        #expect(read == result)
    }

    @Test(
        "a plan's bounds",
        arguments: [
            (0, 3600, 300, "12"), (0, 3601, 300, "13"), (0, 1, 86_400, "1"), (0, 0, 300, "a backtest begins before it ends"),
            (0, 200 * 86_400, 60, "288000"), (0, 200 * 86_400 + 1, 60, "a backtest goes over 200 days at most"),
            (0, 3600, 59, "a backtest's step is from one minute to one day, in whole seconds"),
            (0, 3600, 86_401, "a backtest's step is from one minute to one day, in whole seconds"),
        ])
    func plan(from: Int, to: Int, step: Int, result: String) {
        let made: String
        do {
            let plan = try BacktestPlan(
                from: Date(timeIntervalSince1970: Double(from)), to: Date(timeIntervalSince1970: Double(to)), step: .seconds(step))
            made = "\(plan.count)"
        } catch { made = error.message }
        #expect(made == result)
    }

    @Test("the report is written as interface.md has it")
    func json() throws {
        let moment = Date(timeIntervalSince1970: 1_771_660_800)
        let report = BacktestReport(
            from: moment, to: moment.addingTimeInterval(300), stepSeconds: 300, evaluations: 1,
            alerts: [
                BacktestAlert(
                    alertType: "error_spike", severity: .high, metricName: "error_rate", openedAt: moment, resolvedAt: nil,
                    peakSeverity: .critical, currentValue: 0.5, baselineValue: nil, deviationRatio: 3,
                    affected: .init(model: "m", backend: nil, agent: nil, version: nil),
                    transitions: [.init(at: moment, transition: .opened, severity: .critical)])
            ])
        let bytes = try MonitoringJSON.encode(report)
        let text = """
            {"alerts":[{"affected":{"agent":null,"backend":null,"model":"m","version":null},"alert_type":"error_spike","baseline_value":null,\
            "current_value":0.5,"deviation_ratio":3,"metric_name":"error_rate","opened_at":"2026-02-21T08:00:00Z","peak_severity":"critical",\
            "resolved_at":null,"severity":"high","transitions":[{"at":"2026-02-21T08:00:00Z","severity":"critical","transition":"opened"}]}],\
            "evaluations":1,"from":"2026-02-21T08:00:00Z","not_armed":[],"step_seconds":300,"to":"2026-02-21T08:05:00Z"}
            """
        #expect(String(decoding: bytes, as: UTF8.self) == text)
        let read = try MonitoringJSON.decode(BacktestReport.self, from: bytes)
        #expect(read == report)
    }
}

@Suite("Backtest on PostgreSQL", .enabled(if: TestDatabase.isAvailable, TestDatabase.hint))
struct BacktestTests {
    private static let from = Date(timeIntervalSince1970: 1_771_632_000)  // 2026-02-21T00:00:00Z
    private static let to = from.addingTimeInterval(86_400)

    /// Ten quiet days, and fallbacks from 10:00 to 13:00 of the last.
    private func history(_ client: PostgresClient) async throws {
        let fixture = EvaluationFixture(client: client)
        try await fixture.fill("2026-02-11 00:00+00", "2026-02-22 00:00+00")
        try await fixture.fill("2026-02-21 10:00+00", "2026-02-21 13:00+00", .init(fallback: 20))
    }

    /// Everything of ours but what a roll-up's run notes, the functions as they were made.
    private func live(_ client: PostgresClient) async throws -> [String] {
        try await client.query(
            """
            SELECT concat_ws(' ', n.nspname, c.relname, (xpath('/row/n/text()', query_to_xml(
                format('SELECT count(*) || '' '' || coalesce(md5(string_agg(t::text, '''' ORDER BY t::text)), '''') AS n FROM %I.%I t',
                       n.nspname, c.relname), false, true, '')))[1]::text) AS line
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND c.relname <> 'monitoring_rollup_state'
            UNION ALL
            SELECT concat_ws(' ', p.pronamespace::regnamespace, p.oid::regprocedure, p.oid)
            FROM pg_proc p
            WHERE p.pronamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema')
            ORDER BY 1
            """
        ).map { try $0.decode("line") }
    }

    private func steps(_ report: BacktestReport) -> [String] {
        report.alerts.flatMap { alert in
            alert.transitions.map { "\(alert.metricName) \(MonitoringJSON.timestamp($0.at)) \($0.transition) \($0.severity)" }
        }
    }

    @Test("finds the incident as a live walk does, and changes nothing")
    func incident() async throws {
        try await withTestDatabase(schema: true) { database in
            try await history(database.client)
            let before = try await live(database.client)
            let backtest = Backtest(client: database.client) { Self.to }
            let told = Told()
            let report = try await backtest.run(from: Self.from, to: Self.to) { await told.add($0) }
            let after = try await live(database.client)
            #expect(after == before)
            #expect(report.evaluations == 288)
            let last = await told.last
            #expect(last?.evaluations == 288)
            #expect(last?.transitions == steps(report).count)

            let fallback = try #require(report.alerts.first { $0.alertType == "fallback_spike" })
            #expect(fallback.openedAt > Self.from.addingTimeInterval(10 * 3600))
            #expect(fallback.openedAt <= Self.from.addingTimeInterval(10.5 * 3600))
            #expect(try #require(fallback.resolvedAt) > Self.from.addingTimeInterval(13 * 3600))
            #expect(fallback.transitions.first?.transition == .opened)
            #expect(fallback.transitions.last?.transition == .resolved)

            // The same steps, applied to the live schema.
            try await database.client.query(
                """
                SELECT count(a.*) FROM generate_series($1::timestamptz, $2::timestamptz - interval '5 minutes', interval '5 minutes') t,
                LATERAL monitoring_apply_evaluation(t) a
                """, [.timestamp(Self.from), .timestamp(Self.to)], timeout: .seconds(120))
            let lived = try await database.client.query(
                """
                SELECT concat_ws(' ', a.metric_name, to_char(t.occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), t.transition,
                                 t.to_severity) AS line
                FROM monitoring_alerts a JOIN monitoring_alert_transitions t ON t.alert_id = a.id
                ORDER BY a.opened_at, a.alert_type, a.metric_name, t.sequence
                """
            ).map { try $0.decode("line", as: String.self) }
            #expect(steps(report) == lived)
        }
    }

    @Test("says what had nothing to compare with, and at how many moments: no alert says nothing then")
    func unarmed() async throws {
        try await withTestDatabase(schema: true) { database in
            let fixture = EvaluationFixture(client: database.client)
            try await fixture.fill("2026-02-11 00:00+00", "2026-02-22 00:00+00")
            // Four full days and one of distance: from the 16th on there is a baseline. These events name no model.
            let first = Date(timeIntervalSince1970: 1_770_854_400)  // 2026-02-12T00:00:00Z
            let early = try await Backtest(client: database.client) { Self.to }
                .run(from: first, to: first.addingTimeInterval(6 * 86_400), step: .seconds(3600))
            #expect(early.evaluations == 144)
            let rates = early.unarmed.filter { $0.metricName != "total_events" }
            #expect(
                rates.map { "\($0.metricName) \($0.evaluations)" } == [
                    "duplicate_rate 96", "error_rate 96", "fallback_rate 96", "health_score 96", "latency_p95 96", "model_mix 144",
                ])
            let late = try await Backtest(client: database.client) { Self.to }
                .run(from: Self.from, to: Self.from.addingTimeInterval(7200), step: .seconds(600))
            #expect(late.unarmed == [.init(metricName: "model_mix", evaluations: 12)])
        }
    }

    @Test("higher thresholds find less, and impossible ones are refused")
    func thresholds() async throws {
        try await withTestDatabase(schema: true) { database in
            try await history(database.client)
            let backtest = Backtest(client: database.client) { Self.to }
            var high = ThresholdOverrides()
            high.low = 50
            high.medium = 50
            high.high = 50
            high.critical = 50
            let report = try await backtest.run(from: Self.from, to: Self.to, step: .seconds(3600), thresholds: high)
            #expect(report.evaluations == 24)
            #expect(report.alerts.filter { $0.alertType == "fallback_spike" } == [])
            high.critical = nil
            let error = await #expect(throws: PostgresError.self) {
                try await backtest.run(from: Self.from, to: Self.to, thresholds: high)
            }
            #expect(error?.sqlState == "TMSET")
        }
    }

    @Test("drops what a dead process left, and nothing that is in use")
    func leftovers() async throws {
        try await withTestDatabase(schema: true) { database in
            let client = database.client
            let dead = BacktestScratch.prefix + "00000000000000000000000000000001"
            try await client.query("CREATE SCHEMA \(dead)")
            try await client.query("CREATE SCHEMA monitoring_backtest_notes")
            let running = try await BacktestScratch(client: client, id: UUID())
            let held = try await running.whileLocked { checkLock in
                try await client.query("CREATE SCHEMA \(running.name)")
                try await BacktestScratch.dropLeftovers(client)
                try await checkLock()
                return try await client.query(
                    """
                    SELECT backend_xmin::text AS line FROM pg_stat_activity
                    WHERE datname = current_database() AND state = 'idle in transaction'
                    """
                ).map { try $0.decode("line", as: String?.self) }
            }
            #expect(held == [nil], "a lock that holds a snapshot is waited for by every CREATE INDEX CONCURRENTLY")
            let names = try await client.query(
                "SELECT nspname::text AS name FROM pg_namespace WHERE nspname LIKE 'monitoring_%' ORDER BY 1"
            )
            .map { try $0.decode("name", as: String.self) }
            #expect(names == [running.name, "monitoring_backtest_notes"].sorted())
        }
    }

    @Test("a cancelled one leaves no schema behind")
    func cancelled() async throws {
        try await withTestDatabase(schema: true) { database in
            try await history(database.client)
            let backtest = Backtest(client: database.client) { Self.to }
            let task = Task {
                try await backtest.run(from: Self.from.addingTimeInterval(-5 * 86_400), to: Self.to) { _ in
                    withUnsafeCurrentTask { $0?.cancel() }
                }
            }
            await #expect(throws: (any Error).self) { try await task.value }
            let left = try await database.client.query("SELECT FROM pg_namespace WHERE nspname LIKE 'monitoring_backtest_%'").count
            #expect(left == 0)
        }
    }

    private actor Told {
        private(set) var last: BacktestProgress?

        func add(_ progress: BacktestProgress) { last = progress }
    }
}
