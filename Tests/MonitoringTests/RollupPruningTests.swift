import Postgres
import TestSupport
import Testing

@Suite("Roll-up of hours that lost raw events", .enabled(if: TestDatabase.isAvailable, TestDatabase.hint))
struct RollupPruningTests {
    private func withRollup(_ body: @Sendable (RollupFixture) async throws -> Void) async throws {
        try await withTestDatabase(schema: true) { try await body(RollupFixture(client: $0.client)) }
    }

    private static let total = "SELECT total_events FROM monitoring_metrics WHERE metric_hour = 10"
    private static let slices = "SELECT sum(total_events) FROM monitoring_rollup_slices"

    @Test("a retry of an event that is left makes it a duplicate, once")
    func retry() async throws {
        try await withRollup { rollup in
            for name in ["a", "b", "c"] {
                try await rollup.insert(name, at: "2026-02-20T10:00:00Z", data: #"{"reward": 0.9, "duration_ms": 5, "model": "m"}"#)
            }
            try await rollup.rollUp()
            try await rollup.client.query("DELETE FROM learning_events WHERE event_id = 'a'")
            try await rollup.client.query("UPDATE learning_events SET duplicate_count = 2 WHERE event_id = 'b'")
            try await rollup.rollUp()
            let figures = "SELECT concat_ws('/', total_events, duplicate_events, successful_events, latency_events) FROM monitoring_rollup"
            #expect(try await rollup.text(figures) == "3/1/3/3")
            #expect(try await rollup.text("SELECT sum(duplicate_events) FROM monitoring_rollup_slices") == "1")
            try await rollup.client.query("UPDATE learning_events SET duplicate_count = 3 WHERE event_id = 'b'")
            try await rollup.rollUp()
            try await rollup.client.query("SELECT compute_hourly_metrics('2026-02-20', 10)")
            #expect(try await rollup.text(figures) == "3/1/3/3")
        }
    }

    @Test("a review of a retried event is no retry")
    func review() async throws {
        try await withRollup { rollup in
            try await rollup.insert("a", at: "2026-02-20T10:00:00Z")
            try await rollup.insert("b", at: "2026-02-20T10:01:00Z", data: #"{"reward": 0.9}"#, retries: 2)
            try await rollup.insert("c", at: "2026-02-20T10:02:00Z")
            let figures =
                "SELECT concat_ws('/', total_events, duplicate_events, duplicate_rate) FROM monitoring_metrics WHERE metric_hour = 10"
            try await rollup.client.query("UPDATE learning_events SET last_seen_at = occurred_at WHERE event_id = 'b'")
            try await rollup.rollUp()
            try await rollup.client.query("DELETE FROM learning_events WHERE event_id = 'a'")
            for status in ["approved", "rejected", "approved", "rejected"] {
                try await rollup.client.query("UPDATE learning_events SET status = $1::text", [.text(status)])
                try await rollup.rollUp()
                #expect(try await rollup.text(figures) == "3/1/0.3333")
            }
            // A producer that does not say when the retry was makes no more duplicates than there are events.
            try await rollup.client.query("UPDATE learning_events SET last_seen_at = NULL")
            for status in ["a", "b", "c", "d", "e"] {
                try await rollup.client.query("UPDATE learning_events SET status = $1::text", [.text(status)])
                try await rollup.rollUp()
            }
            #expect(try await rollup.text(figures) == "3/3/1.0000")
            try await rollup.client.query("UPDATE learning_events SET last_seen_at = now(), duplicate_count = 2 WHERE event_id = 'c'")
            try await rollup.rollUp()
            #expect(try await rollup.text("SELECT sum(duplicate_events) FROM monitoring_rollup_slices") == "3")
        }
    }

    @Test("an event that commits after the roll-up is counted where its own five minutes have lost nothing")
    func commitsLate() async throws {
        try await withRollup { rollup in
            for (name, minute) in [("a", "00"), ("b", "00"), ("c", "30")] {
                try await rollup.insert(name, at: "2026-02-20T10:\(minute):00Z", data: #"{"reward": 0.9}"#)
            }
            try await rollup.client.transaction { slow in
                try await slow.query(
                    "INSERT INTO learning_events (event_id, event_type, occurred_at) VALUES ('slow', 'success', '2026-02-20T10:31:00Z')")
                try await rollup.rollUp()
                #expect(try await rollup.text(Self.total) == "3")
                try await rollup.client.query("DELETE FROM learning_events WHERE event_id = 'a'")
            }
            try await rollup.rollUp()
            #expect(try await rollup.text(Self.total) == "4")
            #expect(try await rollup.text(Self.slices) == "4")
            try await rollup.client.query("SELECT compute_hourly_metrics('2026-02-20', 10)")
            #expect(try await rollup.text(Self.total) == "4")
        }
    }

    @Test("as many new events as were lost, in the same five minutes, are added all the same")
    func replaced() async throws {
        try await withRollup { rollup in
            for name in ["a", "b", "c"] { try await rollup.insert(name, at: "2026-02-20T10:00:00Z", data: #"{"reward": 0.9}"#) }
            try await rollup.rollUp()
            try await rollup.client.query("DELETE FROM learning_events WHERE event_id IN ('a', 'b')")
            for name in ["d", "e", "f"] { try await rollup.insert(name, at: "2026-02-20T10:01:00Z", data: #"{"reward": 0.9}"#) }
            try await rollup.rollUp()
            #expect(try await rollup.text(Self.total) == "6")
            #expect(try await rollup.text(Self.slices) == "6")
        }
    }

    @Test("an event that says it is from the future is counted once")
    func future() async throws {
        try await withRollup { rollup in
            try await rollup.insert("a", at: "2026-02-20T10:00:00Z")
            try await rollup.client.query("UPDATE learning_events SET created_at = '2126-01-01'")
            for _ in 0..<3 {
                try await rollup.client.query("SELECT compute_daily_metrics('2026-02-20')")
                #expect(try await rollup.text(Self.total) == "1")
            }
        }
    }

    @Test("where pruning ends within an hour, the five minutes that are whole may still lose and gain")
    func boundary() async throws {
        try await withRollup { rollup in
            try await rollup.insertMany(60, from: "2026-02-20T10:00:00Z", every: 60)
            try await rollup.rollUp()
            try await rollup.client.query("DELETE FROM learning_events WHERE occurred_at < '2026-02-20T10:32:00Z'")
            try await rollup.insert("late", at: "2026-02-20T10:10:00Z", data: #"{"reward": 0.9}"#)
            try await rollup.insert("later", at: "2026-02-20T10:50:00Z", data: #"{"reward": 0.9}"#)
            try await rollup.rollUp()
            for _ in 0..<2 {
                #expect(try await rollup.text(Self.total) == "62")
                #expect(try await rollup.text(Self.slices) == "62")
                try await rollup.client.query("SELECT compute_daily_metrics('2026-02-20')")
            }
        }
    }
}
