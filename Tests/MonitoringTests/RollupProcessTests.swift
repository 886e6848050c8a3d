import Postgres
import TestSupport
import Testing

@Suite("Roll-up by several, and in parts", .enabled(if: TestDatabase.isAvailable, TestDatabase.hint))
struct RollupProcessTests {
    private func withRollup(_ body: @Sendable (RollupFixture) async throws -> Void) async throws {
        try await withTestDatabase(schema: true) { try await body(RollupFixture(client: $0.client)) }
    }

    @Test("while one session rolls up, another does nothing and says how much is left")
    func busy() async throws {
        try await withRollup { rollup in
            try await rollup.insertMany(120, from: "2026-02-20T00:00:00Z", every: 60)
            try await rollup.step(1)
            try await rollup.client.transaction { holder in
                try await holder.query("SELECT * FROM monitoring_roll_up(1)")
                #expect(try await rollup.step() == [0, 1, 0])
            }
            #expect(try await rollup.step() == [0, 0, 0])
            #expect(try await rollup.text("SELECT sum(total_events) FROM monitoring_rollup") == "120")
        }
    }

    @Test("a step that is undone is done again")
    func undone() async throws {
        struct Stop: Error {}
        try await withRollup { rollup in
            try await rollup.insertMany(180, from: "2026-02-20T00:00:00Z", every: 60)
            #expect(try await rollup.step(1) == [1, 2, 60])
            await #expect(throws: Stop.self) {
                try await rollup.client.transaction { connection in
                    try await connection.query("SELECT * FROM monitoring_roll_up(1)")
                    throw Stop()
                }
            }
            #expect(try await rollup.text("SELECT hours_pending FROM monitoring_rollup_state") == "2")
            #expect(try await rollup.step(1) == [1, 1, 60])
            #expect(try await rollup.step(1) == [1, 0, 60])
            #expect(try await rollup.text("SELECT total_events FROM monitoring_metrics WHERE metric_hour IS NULL") == "180")
        }
    }

    @Test("dates computed while others roll up count everything once")
    func computing() async throws {
        try await withRollup { rollup in
            try await rollup.insertMany(2400, from: "2026-02-20T00:00:00Z", every: 60)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<2 {
                    group.addTask { for _ in 0..<10 { try await rollup.step(5) } }
                    group.addTask {
                        for day in ["2026-02-20", "2026-02-21"] { try await rollup.client.query("SELECT compute_daily_metrics('\(day)')") }
                    }
                }
                try await group.waitForAll()
            }
            try await rollup.rollUp()
            let figures = try await rollup.figures()
            #expect(try await rollup.text("SELECT sum(total_events) FROM monitoring_metrics WHERE metric_hour IS NULL") == "2400")
            try await rollup.forget()
            for day in ["2026-02-20", "2026-02-21"] { try await rollup.client.query("SELECT compute_daily_metrics('\(day)')") }
            #expect(try await rollup.figures() == figures)
        }
    }

    @Test("hours far apart and days in parts come to the same as all at once", arguments: ["UTC", "Asia/Kolkata"])
    func parts(zone: String) async throws {
        try await withRollup { rollup in
            try await rollup.client.query("SELECT set_config('timezone', $1, false)", [.text(zone)])
            for (prefix, time) in [("a", "2026-02-18T03:10:00Z"), ("b", "2026-02-18T21:50:00Z"), ("c", "2026-02-20T23:30:00Z")] {
                try await rollup.insertMany(90, from: time, prefix: prefix)
            }
            try await rollup.rollUp()
            let figures = try await rollup.figures()
            try await rollup.forget()
            for _ in 0..<10 { try await rollup.step(1) }
            #expect(try await rollup.figures() == figures)
            let days = try await rollup.text(
                "SELECT string_agg(total_events::text, ' ' ORDER BY metric_date) FROM monitoring_metrics WHERE metric_hour IS NULL")
            #expect(days == "180 60 30")
        }
    }

    @Test(
        "every dimension is folded by itself, and no event is lost",
        arguments: ["model", "backend", "agent", "version", "event_type", "reason"])
    func folding(dimension: String) async throws {
        try await withRollup { rollup in
            let value = { (name: String) in dimension == name ? "'v' || n % 250" : "'v'" }
            try await rollup.client.query(
                """
                INSERT INTO learning_events (event_id, event_type, source_agent, occurred_at, event_data)
                SELECT
                    'e' || n, \(value("event_type")), \(value("agent")), timestamptz '2026-02-20T00:00:00Z' + n * interval '1 minute',
                    jsonb_build_object('model', \(value("model")), 'backend', \(value("backend")), 'telemetry', jsonb_build_object('request_chain',
                        jsonb_build_array(jsonb_build_object('version', \(value("version")), 'fallback_reason', \(value("reason"))))))
                FROM generate_series(0, 749) AS n
                """)
            try await rollup.rollUp()
            let kept = try await rollup.text("SELECT count(*) FROM monitoring_rollup_values WHERE dimension = $1", [.text(dimension)])
            #expect(kept == "200")
            #expect(try await rollup.text("SELECT sum(total_events) FROM monitoring_rollup_slices") == "750")
            let figures = try await rollup.figures()
            // The hours without events get their rows.
            #expect(try await rollup.text("SELECT metrics_inserted FROM compute_daily_metrics('2026-02-20')") == "11")
            #expect(Set(figures).isSubset(of: Set(try await rollup.figures())))
        }
    }
}
