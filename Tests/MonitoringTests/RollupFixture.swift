import Postgres
import Testing

/// What the tests of the SQL engine ask a database for.
struct RollupFixture: Sendable {
    let client: PostgresClient

    /// Inserts events one after another: `event_id`, time, `event_data`, retries.
    func insert(_ id: String, at time: String, data: String = "{}", retries: Int = 1, agent: String? = "prince_flowers") async throws {
        try await client.query(
            """
            INSERT INTO learning_events (event_id, event_type, source_agent, occurred_at, event_data, duplicate_count)
            VALUES ($1, 'chat_interaction', $2, $3::timestamptz, $4::jsonb, $5::integer)
            """, [.text(id), .text(agent), .text(time), .json(data), .int(retries)])
    }

    /// Inserts `count` events, `seconds` apart, with whole durations, some failures and some fallbacks.
    func insertMany(_ count: Int, from time: String, every seconds: Double = 30, prefix: String = "e") async throws {
        try await client.query(
            """
            INSERT INTO learning_events (event_id, event_type, source_agent, occurred_at, event_data, duplicate_count)
            SELECT
                $4 || n, 'chat_interaction', 'prince_flowers', $1::timestamptz + n * $2::float8 * interval '1 second',
                jsonb_build_object(
                    'reward', n % 10 / 10.0, 'duration_ms', 500 + n * 7919 % 3000, 'model', 'model-' || n % 3, 'backend', 'railway',
                    'telemetry', jsonb_build_object('request_chain', jsonb_build_array(jsonb_build_object(
                        'service', 'railway', 'version', '1.0.8', 'fallback_reason', CASE WHEN n % 20 = 0 THEN 'timeout' END)))),
                CASE WHEN n % 25 = 0 THEN 2 ELSE 1 END
            FROM generate_series(0, $3::integer - 1) AS n
            """, [.text(time), .double(seconds), .int(count), .text(prefix)])
    }

    /// One step; `[hours_changed, hours_pending, events_read]`.
    @discardableResult
    func step(_ hours: Int = 48) async throws -> [Int] {
        let row = try #require(try await client.query("SELECT * FROM monitoring_roll_up($1::integer)", [.int(hours)]).first)
        return [try row.decode("hours_changed"), try row.decode("hours_pending"), try row.decode("events_read")]
    }

    /// Steps until nothing is pending.
    func rollUp() async throws {
        for _ in 0..<1000 where try await step()[1] == 0 { return }
        Issue.record("the roll-up does not come to an end")
    }

    /// The one column of the one row as text; nil for NULL.
    func text(_ sql: String, _ parameters: [PostgresValue] = []) async throws -> String? {
        try #require(try await client.query("SELECT (\(sql))::text AS answer", parameters).first).decode("answer")
    }

    /// Every row of what was computed but for the times of writing, so that two states can be compared whole.
    func figures() async throws -> [String] {
        try await client.query(
            """
            SELECT (to_jsonb(m) - '{id,computed_at}'::text[])::text AS line FROM monitoring_metrics AS m
            UNION ALL SELECT (to_jsonb(b) - 'rolled_up_at')::text FROM monitoring_rollup AS b
            UNION ALL SELECT to_jsonb(s)::text FROM monitoring_rollup_slices AS s
            ORDER BY 1
            """
        ).map { try $0.decode("line") }
    }

    /// Throws away what was computed, so that the next roll-up begins again.
    func forget() async throws {
        try await client.withConnection {
            try await $0.executeScript(
                """
                TRUNCATE monitoring_rollup, monitoring_rollup_slices, monitoring_rollup_pending, monitoring_rollup_values, monitoring_metrics;
                UPDATE monitoring_rollup_state SET watermark = '-infinity', seen = '{}';
                """)
        }
    }
}
