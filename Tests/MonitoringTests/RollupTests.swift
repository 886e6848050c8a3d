import Monitoring
import Postgres
import TestSupport
import Testing

@Suite("Roll-up", .enabled(if: TestDatabase.isAvailable, TestDatabase.hint))
struct RollupTests {
    private func withRollup(_ body: @Sendable (RollupFixture) async throws -> Void) async throws {
        try await withTestDatabase(schema: true) { try await body(RollupFixture(client: $0.client)) }
    }

    @Test("a backfill goes on where it was stopped, and shows how much is left")
    func backfill() async throws {
        try await withRollup { rollup in
            try await rollup.insertMany(720, from: "2026-02-20T00:00:00Z", every: 60)
            #expect(try await rollup.step(5) == [5, 7, 300])
            #expect(try await rollup.text("SELECT hours_pending FROM monitoring_rollup_state") == "7")
            #expect(try await rollup.step(5) == [5, 2, 300])
            #expect(try await rollup.step(5) == [2, 0, 120])
            #expect(try await rollup.step(5) == [0, 0, 0])
            let stepwise = try await rollup.figures()
            try await rollup.forget()
            #expect(try await rollup.step(48) == [12, 0, 720])
            #expect(try await rollup.figures() == stepwise)
        }
    }

    @Test("with nothing new nothing is written")
    func calm() async throws {
        try await withRollup { rollup in
            try await rollup.insertMany(100, from: "2026-02-20T00:00:00Z")
            try await rollup.rollUp()
            let version = try await rollup.text("SELECT data_version FROM monitoring_rollup_state")
            let rows = "SELECT string_agg(xmin::text, ',' ORDER BY bucket_start) FROM monitoring_rollup"
            let written = try await rollup.text(rows)
            #expect(try await rollup.step() == [0, 0, 0])
            #expect(try await rollup.text("SELECT data_version FROM monitoring_rollup_state") == version)
            #expect(try await rollup.text(rows) == written)
        }
    }

    @Test("late events and retries change their own hour, and the result is that of a computation from nothing")
    func late() async throws {
        try await withRollup { rollup in
            try await rollup.insertMany(600, from: "2026-02-20T22:00:00Z")
            try await rollup.rollUp()
            try await rollup.insert("late", at: "2026-02-20T22:59:59.999999Z", data: #"{"reward": 0.9, "duration_ms": 12}"#)
            #expect(try await rollup.step() == [1, 0, 121])
            try await rollup.client.query("UPDATE learning_events SET duplicate_count = 7 WHERE event_id = 'e599'")
            #expect(try await rollup.step() == [1, 0, 120])
            let incremental = try await rollup.figures()
            try await rollup.forget()
            try await rollup.rollUp()
            #expect(try await rollup.figures() == incremental)
        }
    }

    @Test("an event with a count of retries that makes no sense is an event like others", arguments: [0, -1, -7, Int(Int32.min)])
    func senselessRetries(retries: Int) async throws {
        try await withRollup { rollup in
            try await rollup.insert("plain", at: "2026-02-20T10:00:00Z", data: #"{"reward": 0.9}"#)
            try await rollup.insert("odd", at: "2026-02-20T10:01:00Z", data: #"{"reward": 0.9}"#, retries: retries)
            try await rollup.rollUp()
            let counted = "SELECT concat_ws(' ', total_events, duplicate_events) FROM monitoring_metrics WHERE metric_hour = 10"
            #expect(try await rollup.text(counted) == "2 0")
        }
    }

    @Test("what is new in an hour that has lost events is added, also where nothing fell back")
    func prunedWithoutFallbacks() async throws {
        try await withRollup { rollup in
            for name in ["a", "b", "c"] { try await rollup.insert(name, at: "2026-02-20T10:00:00Z", data: #"{"reward": 0.9}"#) }
            try await rollup.rollUp()
            try await rollup.client.query("DELETE FROM learning_events WHERE event_id = 'a'")
            try await rollup.insert("d", at: "2026-02-20T10:30:00Z", data: #"{"reward": 0.9}"#)
            try await rollup.rollUp()
            let total = "SELECT total_events FROM monitoring_metrics WHERE metric_hour = 10"
            #expect(try await rollup.text(total) == "4")
        }
    }

    @Test(
        "an event at the end of time stops nothing",
        arguments: ["294276-12-31T23:59:59Z", "infinity", "-infinity", "4713-01-01 00:00:00+00 BC"])
    func endOfTime(moment: String) async throws {
        try await withRollup { rollup in
            try await rollup.insert("a", at: "2026-02-20T10:00:00Z", data: #"{"reward": 0.9}"#)
            try await rollup.insert("b", at: moment, data: "{}")
            try await rollup.rollUp()
            #expect(try await rollup.text("SELECT total_events FROM monitoring_metrics WHERE metric_hour = 10") == "1")
            try await rollup.insert("c", at: moment, data: "{}")
            try await rollup.insert("d", at: "2026-02-20T10:01:00Z", data: "{}")
            try await rollup.rollUp()
            #expect(try await rollup.text("SELECT total_events FROM monitoring_metrics WHERE metric_hour = 10") == "2")
        }
    }

    @Test("models whose names differ only in how an accent is written are counted together and lose nothing")
    func accents() async throws {
        try await withRollup { rollup in
            try await rollup.insert("a", at: "2026-02-20T10:00:00Z", data: #"{"model": "\u00e9"}"#)
            try await rollup.insert("b", at: "2026-02-20T10:00:00Z", data: #"{"model": "e\u0301"}"#)
            try await rollup.rollUp()
            let hours = try await MetricRepository(client: rollup.client).hourly(
                from: Day(number: 20504), to: Day(number: 20504), begunBy: Day(number: 20505).start)
            #expect(hours.flatMap { $0.modelDistribution.values } == [2])
        }
    }

    @Test("an event whose transaction commits long after later ones is found")
    func commitsLate() async throws {
        try await withRollup { rollup in
            try await rollup.client.transaction { slow in
                try await slow.query(
                    "INSERT INTO learning_events (event_id, event_type, occurred_at) VALUES ('slow', 'success', '2026-02-20T05:00:00Z')")
                try await rollup.insertMany(10, from: "2026-02-20T08:00:00Z")
                #expect(try await rollup.step() == [1, 0, 10])
                #expect(try await rollup.step() == [0, 0, 0])
                let held = try await rollup.text(
                    "SELECT watermark <= (SELECT min(xact_start) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%') "
                        + "FROM monitoring_rollup_state")
                #expect(held == "true")
            }
            #expect(try await rollup.step() == [1, 0, 1])
            #expect(try await rollup.text("SELECT sum(total_events) FROM monitoring_rollup") == "11")
        }
    }

    @Test("pruned raw events stay counted, and what comes later is added once")
    func pruned() async throws {
        try await withRollup { rollup in
            try await rollup.insertMany(120, from: "2026-02-20T08:00:00Z")
            try await rollup.rollUp()
            let before = try await rollup.figures()
            try await rollup.client.query("DELETE FROM learning_events WHERE event_id <> 'e119'")
            try await rollup.client.query("SELECT compute_daily_metrics('2026-02-20')")
            let day = "SELECT total_events FROM monitoring_metrics WHERE metric_hour IS NULL"
            #expect(try await rollup.text(day) == "120")
            #expect(Set(before).isSubset(of: Set(try await rollup.figures())))

            try await rollup.insert("new", at: "2026-02-20T08:30:00Z", data: #"{"reward": 0.1, "duration_ms": 99999, "model": "model-1"}"#)
            try await rollup.rollUp()
            try await rollup.client.query("SELECT compute_daily_metrics('2026-02-20')")
            #expect(try await rollup.text(day) == "121")
            #expect(try await rollup.text("SELECT latency_max FROM monitoring_metrics WHERE metric_hour IS NULL") == "99999.00")
            #expect(try await rollup.text("SELECT sum(total_events) FROM monitoring_rollup_slices") == "121")
            #expect(
                try await rollup.text("SELECT model_distribution FROM monitoring_metrics WHERE metric_hour = 8")
                    == #"{"model-0": 40, "model-1": 41, "model-2": 40}"#)
        }
    }

    @Test("several at once count everything once")
    func concurrent() async throws {
        try await withRollup { rollup in
            try await rollup.insertMany(2400, from: "2026-02-20T00:00:00Z", every: 60)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<4 {
                    group.addTask { for _ in 0..<10 { try await rollup.step(5) } }
                }
                try await group.waitForAll()
            }
            try await rollup.rollUp()
            #expect(try await rollup.text("SELECT sum(total_events) FROM monitoring_rollup") == "2400")
            #expect(try await rollup.text("SELECT sum(total_events) FROM monitoring_metrics WHERE metric_hour IS NULL") == "2400")
        }
    }

    @Test("beyond 200 values a day the commonest stay, the rest is other, and computing again changes nothing")
    func folding() async throws {
        try await withRollup { rollup in
            try await rollup.client.query(
                """
                INSERT INTO learning_events (event_id, event_type, occurred_at, event_data)
                SELECT 'e' || model || '-' || n, 'success', '2026-02-20T10:00:00Z', jsonb_build_object('model', 'm' || model)
                FROM generate_series(1, 300) AS model, generate_series(1, CASE WHEN model > 100 THEN 3 ELSE 1 END) AS n
                """)
            try await rollup.rollUp()
            let models = "SELECT model_distribution FROM monitoring_metrics WHERE metric_hour IS NULL"
            #expect(try await rollup.text("SELECT count(*) FROM jsonb_object_keys((\(models)))") == "201")
            #expect(try await rollup.text("SELECT (\(models)) -> 'other'") == "100")
            #expect(try await rollup.text("SELECT (\(models)) -> 'm300'") == "3")
            let figures = try await rollup.figures()

            try await rollup.insert("unheard", at: "2026-02-20T11:00:00Z", data: #"{"model": "unheard-of"}"#)
            try await rollup.rollUp()
            #expect(try await rollup.text("SELECT (\(models)) -> 'other'") == "101")
            try await rollup.client.query("DELETE FROM learning_events WHERE event_id = 'unheard'")
            #expect(try await rollup.text("SELECT metrics_inserted FROM compute_hourly_metrics('2026-02-20', 10)") == "0")
            #expect(figures.count > 200)
        }
    }

    @Test("the marks of an hour's slices are those of its events")
    func marks() async throws {
        try await withRollup { rollup in
            try await rollup.insertMany(720, from: "2026-02-20T22:00:00Z")
            try await rollup.insert("array", at: "2026-02-20T22:31:00Z", data: "[]", retries: 3)
            try await rollup.rollUp()
            let slices = "SELECT count(*) FROM monitoring_rollup_slices"
            #expect(try #require(try await rollup.text(slices)) != "0")
            let sums = "(SELECT sum(mark) FROM unnest(mark_counts) AS mark)"
            #expect(try await rollup.text("\(slices) WHERE total_events IS DISTINCT FROM \(sums)") == "0")
            let differing = """
                WITH slice AS (
                    SELECT hour_start, model, mark, sum(events) AS events
                    FROM monitoring_rollup_slices, unnest(mark_values, mark_counts) AS bar (mark, events)
                    GROUP BY hour_start, model, mark
                ),
                event AS (
                    SELECT
                        date_bin('1 hour', occurred_at, '2000-01-01 00:00:00+00') AS hour_start,
                        said.model,
                        (extract(minute FROM occurred_at)::integer / 5 * 16 + CASE WHEN said.reward > 0.5 THEN 0 ELSE 8 END
                            + CASE WHEN said.reward <= 0.3 THEN 4 ELSE 0 END + CASE WHEN said.is_fallback THEN 2 ELSE 0 END
                            + CASE WHEN said.readable AND duplicate_count > 1 THEN 1 ELSE 0 END)::smallint AS mark,
                        count(*)::numeric AS events
                    FROM learning_events, monitoring_extract(event_data) AS said
                    GROUP BY 1, 2, 3
                )
                SELECT count(*)
                FROM slice FULL JOIN event USING (hour_start, model, mark)
                WHERE slice.events IS DISTINCT FROM event.events
                """
            #expect(try await rollup.text(differing) == "0")
        }
    }

    @Test("up to 256 durations are listed, more are counted, and both read the same")
    func listedAndCounted() async throws {
        try await withRollup { rollup in
            try await rollup.insertMany(256, from: "2026-02-20T08:00:00Z", every: 1)
            try await rollup.insertMany(257, from: "2026-02-20T08:05:00Z", every: 1, prefix: "f")
            try await rollup.client.query(
                "UPDATE learning_events SET event_data = event_data || jsonb_build_object('duration_ms', 500 + ascii(right(event_id, 1)) * 10)"
            )
            try await rollup.rollUp()
            let held = try await rollup.client.query(
                "SELECT concat_ws(' ', cardinality(latency_values), cardinality(latency_counts)) AS held FROM monitoring_rollup ORDER BY bucket_start"
            ).map { try $0.decode("held", as: String.self) }
            #expect(held == ["256 0", "10 10"])
            #expect(
                try await rollup.text("SELECT count(*) FROM monitoring_rollup_slices WHERE latency_events <> cardinality(latency_values)")
                    == "0")
            let exact = """
                SELECT percentile_cont(0.95) WITHIN GROUP (ORDER BY (event_data ->> 'duration_ms')::integer)
                    - monitoring_window_latency('2026-02-20T08:00:00Z', '2026-02-20T08:10:00Z')
                FROM learning_events
                """
            #expect(try await rollup.text(exact) == "0")
            let above = """
                SELECT sum(monitoring_count_above(latency_values, latency_counts, 1030))
                    - (SELECT count(*) FROM learning_events WHERE (event_data ->> 'duration_ms')::integer > 1030)
                FROM monitoring_rollup
                """
            #expect(try await rollup.text(above) == "0")
        }
    }

    @Test("finding changes never reads the whole of learning_events")
    func plan() async throws {
        try await withRollup { rollup in
            try await rollup.insertMany(2000, from: "2026-02-20T00:00:00Z")
            try await rollup.client.query("ANALYZE learning_events")
            let plan = try await rollup.client.transaction { connection in
                try await connection.query("SET LOCAL enable_seqscan = off")
                return try await connection.query(
                    """
                    EXPLAIN (COSTS OFF) SELECT * FROM monitoring_ingested(now() - interval '1 minute', now())
                    """
                ).map { try $0.decode("QUERY PLAN", as: String.self) }
            }
            #expect(plan.contains { $0.contains("monitoring_learning_events_updated_at") })
            #expect(!plan.contains { $0.contains("Seq Scan on learning_events") })
        }
    }
}
