import Monitoring
import Postgres
import TestSupport
import Testing

/// What the marks of slices say of every five minutes is what the five-minute totals say.
@Suite("Marks of slices", .enabled(if: TestDatabase.isAvailable, TestDatabase.hint))
struct RollupMarksTests {
    /// Events of two hours that differ in everything a mark holds, unreadable ones and one at the very end of an hour among them.
    private static let events = """
        INSERT INTO learning_events (event_id, event_type, source_agent, duplicate_count, occurred_at, event_data)
        SELECT
            'e' || n, 'chat_interaction', CASE WHEN n % 5 = 0 THEN 'scout' ELSE 'prince_flowers' END, 1 + (n % 7 = 0)::integer,
            '2026-03-10T10:00Z'::timestamptz + n * interval '7.2 seconds',
            CASE WHEN n % 41 = 0 THEN '[]'::jsonb ELSE jsonb_build_object(
                'reward', (ARRAY[0.1, 0.4, 0.9, 0.8])[1 + n % 4], 'duration_ms', 100 + n, 'model', (ARRAY['opus', 'haiku'])[1 + n % 2],
                'telemetry', jsonb_build_object('request_chain', jsonb_build_array(jsonb_build_object(
                    'service', 'railway', 'version', '1.0.8', 'fallback_reason', CASE WHEN n % 9 = 0 THEN 'timeout' END))))
            END
        FROM generate_series(0, 999) n
        """

    private static let differences = """
        SELECT concat_ws(' ', bucket_start, marked, totals) AS line
        FROM (
            SELECT bucket_start, concat_ws(' ', total_events, total_events - successful_events, failed_events, fallback_events, duplicate_events) AS totals
            FROM monitoring_rollup
        ) held
        FULL JOIN (
            SELECT
                bucket_start,
                concat_ws(' ', sum(total_events), sum(unsuccessful_events), sum(failed_events), sum(fallback_events), sum(duplicate_events)) AS marked
            FROM monitoring_slice_buckets('2026-03-10T00:00Z', '2026-03-11T00:00Z')
            WHERE dimension = 'model'
            GROUP BY bucket_start
        ) said USING (bucket_start)
        WHERE marked IS DISTINCT FROM totals
        """

    @Test("they add up to the totals of every five minutes, in every dimension, and after events were pruned as well")
    func totals() async throws {
        try await withTestDatabase(schema: true) { database in
            func lines(_ sql: String) async throws -> [String] {
                try await database.client.query(sql).map { try $0.decode("line") }
            }
            try await database.client.query(Self.events)
            try await database.client.query("SELECT * FROM monitoring_roll_up(48, '2026-03-10T12:00Z')")
            #expect(try await lines("SELECT sum(total_events)::text AS line FROM monitoring_rollup") == ["1000"])
            #expect(try await lines(Self.differences) == [])
            let sums = try await lines(
                """
                SELECT DISTINCT concat_ws(' ', sum(total_events), sum(fallback_events), sum(duplicate_events)) AS line
                FROM monitoring_slice_buckets('2026-03-10T00:00Z', '2026-03-11T00:00Z') GROUP BY dimension
                """)
            #expect(sums.count == 1)

            // Half of the events of the first hour are gone; new ones are added to what is known.
            try await database.client.query("DELETE FROM learning_events WHERE occurred_at < '2026-03-10T10:30Z'")
            try await database.client.query(
                """
                INSERT INTO learning_events (event_id, event_type, occurred_at, event_data, created_at, updated_at)
                SELECT 'late' || n, 'chat_interaction', '2026-03-10T10:02Z', '{"reward": 0.1, "model": "opus"}', now() + interval '1 hour', now()
                FROM generate_series(1, 3) n
                """)
            try await database.client.query("SELECT * FROM compute_hourly_metrics('2026-03-10', 10, '2026-03-10T12:00Z')")
            #expect(try await lines("SELECT sum(total_events)::text AS line FROM monitoring_rollup") == ["1003"])
            #expect(try await lines(Self.differences) == [])
        }
    }
}
