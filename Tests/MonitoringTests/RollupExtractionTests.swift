import Postgres
import TestSupport
import Testing

@Suite("Reading event_data", .enabled(if: TestDatabase.isAvailable, TestDatabase.hint))
struct RollupExtractionTests {
    /// event_data, and what is said of it that differs from what is said of an empty object.
    static let cases: [(data: String, fields: String)] = [
        ("{}", "{}"),
        (#"{"reward": 0.6, "duration_ms": 2314}"#, #"{"reward": "successful", "duration_ms": 2314}"#),
        (#"{"reward": "0.6", "duration_ms": "2314"}"#, #"{"reward": "successful", "duration_ms": 2314}"#),
        (#"{"reward": null, "duration_ms": null, "model": null, "backend": null, "telemetry": null}"#, "{}"),
        (#"{"reward": "n/a", "duration_ms": "2.3s"}"#, #"{"bad_reward": true, "bad_duration": true}"#),
        (#"{"reward": true, "duration_ms": -1}"#, #"{"bad_reward": true, "bad_duration": true}"#),
        (#"{"reward": "1e3", "duration_ms": 2147483648}"#, #"{"bad_reward": true, "bad_duration": true}"#),
        (#"{"reward": [], "duration_ms": 1e400}"#, #"{"bad_reward": true, "bad_duration": true}"#),
        (#"{"reward": "0.6\n", "duration_ms": " 1"}"#, #"{"bad_reward": true, "bad_duration": true}"#),
        (#"{"reward": "", "duration_ms": {}}"#, #"{"bad_reward": true, "bad_duration": true}"#),
        (#"{"reward": 0.5}"#, #"{"reward": "between"}"#),
        (#"{"reward": 0.50000000000000000000000001}"#, #"{"reward": "successful"}"#),
        (#"{"reward": "0.30"}"#, #"{"reward": "failed"}"#),
        (#"{"reward": "+0.30000000000000000000000001"}"#, #"{"reward": "between"}"#),
        (#"{"duration_ms": 2147483647.4}"#, #"{"bad_duration": true}"#),
        (#"{"duration_ms": -0.4}"#, #"{"bad_duration": true}"#),
        (#"{"duration_ms": 0}"#, #"{"duration_ms": 0}"#),
        (#"{"telemetry": {"request_chain": [{"service": 5, "version": "1.0"}]}}"#, #"{"version": "1.0"}"#),
        (#"{"telemetry": {"request_chain": [{"service": "s", "version": 1.5}]}}"#, "{}"),
        (#"{"telemetry": {"request_chain": [{"service": "s", "version": [1, "a.b.c"]}]}}"#, "{}"),
        (#"{"telemetry": {"request_chain": [{"service": "", "version": "1.2.3"}]}}"#, #"{"version": "1.2.3"}"#),
        (#"{"telemetry": {"request_chain": [{"service": true, "version": "1.2.3"}]}}"#, #"{"version": "1.2.3"}"#),
        (#"{"telemetry": {"request_chain": [{"service": "s:t", "version": 5}]}}"#, "{}"),
        (#"{"telemetry": {"request_chain": [{"service": "s", "version": {"v": "1.2.3"}}]}}"#, "{}"),
        (#"{"telemetry": {"request_chain": [{"service": "s", "version": ""}]}}"#, "{}"),
        (#"{"telemetry": {"request_chain": [{"service": "s:t", "version": "v:5"}]}}"#, #"{"version": "s:t:v:5"}"#),
        (#"{"model": "fable", "backend": "tango"}"#, #"{"model": "fable", "backend": "tango"}"#),
        (#"{"backend": "b", "telemetry": {"request_chain": [{"service": "b", "version": "5"}]}}"#, #"{"backend": "b", "version": "b:5"}"#),
        (
            #"{"backend": 7, "telemetry": {"request_chain": [{"service": "7", "version": "5"}]}}"#,
            #"{"bad_backend": true, "version": "7:5"}"#
        ),
        (#"{"telemetry": {"request_chain": 5}}"#, #"{"bad_telemetry": true}"#),
        (#"{"duration_ms": 2.5}"#, #"{"duration_ms": 3}"#),
        (#"{"duration_ms": 2147483647}"#, #"{"duration_ms": 2147483647}"#),
        (#"{"model": "", "backend": ""}"#, "{}"),
        (#"{"model": "true", "backend": "5"}"#, #"{"model": "true", "backend": "5"}"#),
        (#"{"model": true, "backend": 5}"#, #"{"bad_model": true, "bad_backend": true}"#),
        (#"{"model": {"a": 1}, "backend": ["x"]}"#, #"{"bad_model": true, "bad_backend": true}"#),
        (#"{"model": "<!channel> \"q\"\n😀"}"#, #"{"model": "<!channel> \"q\"\n😀"}"#),
        (#"{"telemetry": "x"}"#, #"{"bad_telemetry": true}"#),
        (#"{"telemetry": []}"#, #"{"bad_telemetry": true}"#),
        (#"{"telemetry": {}}"#, "{}"),
        (#"{"telemetry": {"request_chain": null}}"#, "{}"),
        (#"{"telemetry": {"request_chain": []}}"#, "{}"),
        (#"{"telemetry": {"request_chain": {}}}"#, #"{"bad_telemetry": true}"#),
        (#"{"telemetry": {"request_chain": [null]}}"#, #"{"bad_telemetry": true}"#),
        (#"{"telemetry": {"request_chain": ["x"]}}"#, #"{"bad_telemetry": true}"#),
        (
            #"{"telemetry": {"request_chain": [{"fallback_reason": "", "service": "railway", "version": "1.0.8"}]}}"#,
            #"{"is_fallback": true, "reason": "", "version": "railway:1.0.8"}"#
        ),
        (#"{"telemetry": {"request_chain": [{"fallback_reason": false}]}}"#, #"{"is_fallback": true, "reason": "false"}"#),
        (#"{"telemetry": {"request_chain": [{"fallback_reason": null, "version": 5}]}}"#, "{}"),
        ("[]", #"{"readable": false}"#),
        ("null", #"{"readable": false}"#),
        ("5", #"{"readable": false}"#),
        (#""{}""#, #"{"readable": false}"#),
    ]

    @Test("every field, whatever it holds")
    func fields() async throws {
        try await withTestDatabase(schema: true) { database in
            for (data, fields) in Self.cases {
                try await database.client.query("TRUNCATE learning_events, monitoring_rollup, monitoring_rollup_slices, monitoring_metrics")
                try await database.client.query(
                    "INSERT INTO learning_events (event_id, event_type, occurred_at, event_data) VALUES ('e', 'x', $1::timestamptz, $2::jsonb)",
                    [.text("2026-02-20T10:00:00Z"), .json(data)])
                try await database.client.query("SELECT compute_hourly_metrics('2026-02-20', 10)")
                let rows = try await database.client.query(Self.said, [.json(fields)])
                let row = try #require(rows.first)
                let agrees = try row.decode("agrees", as: Bool.self)
                let said = try row.decode("said", as: String.self)
                #expect(agrees, "\(data) gave \(said)")
            }
        }
    }

    /// What the roll-up made of the one event there is, in the words of `cases`.
    private static let said = """
        SELECT said = empty || $1::jsonb AS agrees, said::text AS said
        FROM (
            SELECT jsonb_build_object(
                'readable', coalesce(bucket.malformed_fields -> 'event_data' IS NULL, true),
                'reward', CASE WHEN bucket.scored_events > 0
                    THEN CASE WHEN bucket.successful_events > 0 THEN 'successful' WHEN bucket.failed_events > 0 THEN 'failed' ELSE 'between' END END,
                'duration_ms', bucket.latency_values[1], 'model', slice.model, 'backend', slice.backend, 'version', slice.version,
                'is_fallback', bucket.fallback_events > 0, 'reason', (SELECT key FROM jsonb_each(slice.fallback_reasons)),
                'bad_reward', bucket.malformed_fields ? 'reward', 'bad_duration', bucket.malformed_fields ? 'duration_ms',
                'bad_model', bucket.malformed_fields ? 'model', 'bad_backend', bucket.malformed_fields ? 'backend',
                'bad_telemetry', bucket.malformed_fields ? 'telemetry') AS said
            FROM monitoring_rollup AS bucket, monitoring_rollup_slices AS slice
        ) AS computed
        CROSS JOIN (
            SELECT jsonb_build_object(
                'readable', true, 'reward', NULL, 'duration_ms', NULL, 'model', '', 'backend', '', 'version', '', 'is_fallback', false,
                'reason', NULL, 'bad_reward', false, 'bad_duration', false, 'bad_model', false, 'bad_backend', false,
                'bad_telemetry', false) AS empty
        ) AS nothing
        """

    @Test("long texts are cut at 200 characters, and four of them make a slice all the same")
    func long() async throws {
        try await withTestDatabase(schema: true) { database in
            let rollup = RollupFixture(client: database.client)
            let long = (0..<40).map { "😀\($0)💥\($0 * 7919)" }.joined() + String(repeating: "é", count: 100)
            let chain = #"[{"service": "s", "version": "\#(long)", "fallback_reason": "\#(long)"}]"#
            try await rollup.insert(
                "e", at: "2026-02-20T00:00:00Z",
                data: #"{"model": "\#(long)", "backend": "\#(long)", "telemetry": {"request_chain": \#(chain)}}"#, agent: long)
            try await rollup.rollUp()
            let lengths = try await rollup.text(
                "SELECT ARRAY[length(model), length(backend), length(agent), length(version)] FROM monitoring_rollup_slices")
            #expect(lengths == "{201,201,201,201}")
        }
    }
}
