import Postgres
import TestSupport
import Testing

@Suite("Reading event_data", .enabled(if: TestDatabase.isAvailable, TestDatabase.hint))
struct RollupExtractionTests {
    /// event_data, and the fields of `monitoring_extract` that differ from an empty object's.
    static let cases: [(data: String, fields: String)] = [
        ("{}", "{}"),
        (#"{"reward": 0.6, "duration_ms": 2314}"#, #"{"reward": 0.6, "duration_ms": 2314}"#),
        (#"{"reward": "0.6", "duration_ms": "2314"}"#, #"{"reward": 0.6, "duration_ms": 2314}"#),
        (#"{"reward": null, "duration_ms": null, "model": null, "backend": null, "telemetry": null}"#, "{}"),
        (#"{"reward": "n/a", "duration_ms": "2.3s"}"#, #"{"bad_reward": true, "bad_duration": true}"#),
        (#"{"reward": true, "duration_ms": -1}"#, #"{"bad_reward": true, "bad_duration": true}"#),
        (#"{"reward": "1e3", "duration_ms": 2147483648}"#, #"{"bad_reward": true, "bad_duration": true}"#),
        (#"{"reward": [], "duration_ms": 1e400}"#, #"{"bad_reward": true, "bad_duration": true}"#),
        (#"{"reward": "0.6\n", "duration_ms": " 1"}"#, #"{"bad_reward": true, "bad_duration": true}"#),
        (#"{"reward": "", "duration_ms": {}}"#, #"{"bad_reward": true, "bad_duration": true}"#),
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
                let rows = try await database.client.query(
                    """
                    SELECT to_jsonb(said) = to_jsonb(empty) || $2::jsonb AS agrees, to_jsonb(said)::text AS said
                    FROM (
                        SELECT
                            readable, reward, duration_ms, model, backend, version, is_fallback, reason,
                            coalesce(bad_reward, false) AS bad_reward, coalesce(bad_duration, false) AS bad_duration,
                            coalesce(bad_model, false) AS bad_model, coalesce(bad_backend, false) AS bad_backend,
                            coalesce(bad_telemetry, false) AS bad_telemetry
                        FROM monitoring_extract($1::jsonb)
                    ) AS said
                    CROSS JOIN (
                        SELECT
                            true AS readable, NULL AS reward, NULL AS duration_ms, '' AS model, '' AS backend, '' AS version,
                            false AS is_fallback, NULL AS reason, false AS bad_reward, false AS bad_duration, false AS bad_model,
                            false AS bad_backend, false AS bad_telemetry
                    ) AS empty
                    """, [.json(data), .json(fields)])
                let row = try #require(rows.first)
                let agrees = try row.decode("agrees", as: Bool.self)
                let said = try row.decode("said", as: String.self)
                #expect(agrees, "\(data) gave \(said)")
            }
        }
    }

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
