import Foundation
import Postgres
import TestSupport

/// Buckets of steady traffic, written straight into the roll-up, so that a test says exactly what was counted.
struct EvaluationFixture: Sendable {
    /// What every five minutes of a stretch hold.
    struct Bucket: Sendable {
        var total = 100
        var fallback = 4
        var failed = 1
        var duplicate = 2
        var unsuccessful = 15
        /// Every duration is multiplied by it: 900, 1000 and 2000 ms, the last of one event in twenty.
        var slowness = 1.0
    }

    let client: PostgresClient

    /// Writes the buckets of a stretch over what is there.
    func fill(_ from: String, _ until: String, _ bucket: Bucket = Bucket()) async throws {
        try await client.query(
            """
            INSERT INTO monitoring_rollup
            SELECT
                start, $3::int, $3::int - $7::int, $5::int, $4::int, $6::int, $3::int, 0, '{}', $3::int, $3::bigint * 1000,
                ARRAY[900 * $8::float8, 1000 * $8::float8, 2000 * $8::float8]::int[],
                ARRAY[$3::int / 2, $3::int - $3::int / 2 - $3::int / 20, $3::int / 20], start
            FROM generate_series($1::timestamptz, $2::timestamptz - interval '5 minutes', interval '5 minutes') start
            ON CONFLICT (bucket_start) DO UPDATE SET
                total_events = excluded.total_events, successful_events = excluded.successful_events,
                failed_events = excluded.failed_events, fallback_events = excluded.fallback_events,
                duplicate_events = excluded.duplicate_events,
                latency_events = excluded.latency_events, latency_values = excluded.latency_values,
                latency_counts = excluded.latency_counts
            """,
            [
                .text(from), .text(until), .int(bucket.total), .int(bucket.fallback), .int(bucket.failed), .int(bucket.duplicate),
                .int(bucket.unsuccessful), .double(bucket.slowness),
            ])
    }

    /// Writes hourly slices of one model, backend, agent and version over what is there, with the same in every five minutes.
    func slice(
        _ from: String, _ until: String, model: String, backend: String = "railway", version: String = "railway:1.0.8", total: Int = 600,
        fallback: Int = 24
    ) async throws {
        try await client.query(
            """
            DELETE FROM monitoring_rollup_slices
            WHERE hour_start >= $1::timestamptz AND hour_start < $2::timestamptz
                AND (model, backend, agent, version) = ($3, $4, 'prince_flowers', $5)
            """, [.text(from), .text(until), .text(model), .text(backend), .text(version)])
        try await client.query(
            """
            INSERT INTO monitoring_rollup_slices
                (hour_start, model, backend, agent, version, total_events, successful_events, failed_events, fallback_events,
                 duplicate_events, scored_events, latency_events, latency_sum, mark_values, mark_counts)
            SELECT
                start, $3, $4, 'prince_flowers', $5, $6::int, $6::int - 90, 6, $7::int, 12, $6::int, $6::int, $6::bigint * 1000,
                ARRAY(SELECT place * 16 + kind FROM generate_series(0, 11) place, unnest('{0,2}'::int[]) kind ORDER BY 1)::smallint[],
                ARRAY(
                    SELECT CASE kind WHEN 0 THEN $6::int - $7::int ELSE $7::int END / 12
                    FROM generate_series(0, 11) place, unnest('{0,2}'::int[]) kind ORDER BY place, kind)
            FROM generate_series($1::timestamptz, $2::timestamptz - interval '1 hour', interval '1 hour') start
            """,
            [.text(from), .text(until), .text(model), .text(backend), .text(version), .int(total), .int(fallback)])
    }

    /// Applies evaluations every five minutes; the transitions of that time, as `DD HH:MM metric transition severity`.
    @discardableResult
    func walk(_ from: String, _ until: String, settings: String? = nil) async throws -> [String] {
        try await client.query(
            """
            SELECT count(*)
            FROM generate_series($1::timestamptz, $2::timestamptz, interval '5 minutes') at, monitoring_apply_evaluation(at, $3::jsonb)
            """, [.text(from), .text(until), .json(settings)])
        return try await lines(
            """
            SELECT to_char(t.occurred_at AT TIME ZONE 'UTC', 'DD HH24:MI') || ' ' || a.metric_name || ' ' || t.transition || ' ' || t.to_severity AS line
            FROM monitoring_alert_transitions t JOIN monitoring_alerts a ON a.id = t.alert_id
            WHERE t.occurred_at BETWEEN $1::timestamptz AND $2::timestamptz AND t.actor = 'monitor'
            ORDER BY t.id
            """, [.text(from), .text(until)])
    }

    /// The alerts' present state, as `metric status severity`.
    func alerts() async throws -> [String] {
        try await lines(
            "SELECT concat_ws(' ', metric_name, status, severity) AS line FROM monitoring_alerts ORDER BY opened_at, metric_name")
    }

    /// The column `line` of a query.
    func lines(_ sql: String, _ parameters: [PostgresValue] = []) async throws -> [String] {
        try await client.query(sql, parameters).map { try $0.decode("line") }
    }

    /// What a person does to the only alert there is: outcome, status before, status after.
    func act(_ action: String, at moment: String, until: String? = nil, note: String? = nil) async throws -> String {
        try await lines(
            """
            SELECT concat_ws(' ', outcome, from_status, to_status) AS line
            FROM monitoring_act_on_alert((SELECT id FROM monitoring_alerts), $1, 'ann', 'cli', $2, $3::timestamptz, $4::timestamptz)
            """, [.text(action), .text(note), .text(until), .text(moment)]
        )[0]
    }
}

/// A database with the schema and a fixture for it.
func withEvaluationFixture<R: Sendable>(
    poolSize: Int = 4, _ body: @Sendable (EvaluationFixture) async throws -> R
) async throws -> R {
    try await withTestDatabase(schema: true, poolSize: poolSize) { database in
        try await body(EvaluationFixture(client: database.client))
    }
}
