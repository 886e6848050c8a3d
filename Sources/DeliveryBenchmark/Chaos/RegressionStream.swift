import Foundation
import Postgres

/// Events of eight models, of which one after the other falls back, on a clock of which a minute passes in a second.
struct RegressionStream: Sendable {
    static let models = 8
    /// Events of each model in a minute.
    static let rate = 3
    /// Minutes from one regression to the next, and how long each lasts: no two at a time, which would be one of all models.
    static let interval = 20, length = 15
    static let minutesASecond = 60.0

    let client: PostgresClient

    /// Seven days of events, and evaluations that stand on the fast clock, which starts now.
    func prepare() async throws {
        try await client.query("CREATE TABLE chaos_clock AS SELECT clock_timestamp() AS start", timeout: .seconds(10))
        try await write("-7 * 1440", "0")
        try await client.query("ANALYZE learning_events", timeout: .seconds(60))
        try await client.withConnection { connection in
            try await connection.executeScript(Self.fastClock)
            while true {
                let row = try await connection.query("SELECT hours_pending FROM monitoring_roll_up()", timeout: .seconds(300))[0]
                if try row.decode("hours_pending", as: Int.self) == 0 { break }
            }
            try await connection.executeScript("UPDATE chaos_clock SET start = clock_timestamp()")
        }
    }

    /// Writes what has happened since, again and again, until it is cancelled.
    func flow() async throws {
        var written = 0.0
        while !Task.isCancelled {
            let minutes: Double = try await client.query(
                "SELECT (extract(epoch FROM clock_timestamp() - start) * $1::double precision / 60)::double precision AS minutes FROM chaos_clock",
                [.double(Self.minutesASecond)])[0].decode("minutes")
            let until = minutes.rounded(.down)
            if until > written { try await write("\(Int(written))", "\(Int(until))") }
            written = max(written, until)
            try? await Task.sleep(for: .milliseconds(500))
        }
    }

    private func write(_ from: String, _ until: String) async throws {
        try await client.query(
            """
            INSERT INTO learning_events (event_id, event_type, source_agent, occurred_at, event_data)
            SELECT
                'chaos-' || minute || '-' || model || '-' || number, 'chat_interaction', 'agent',
                start + make_interval(mins => minute, secs => number),
                jsonb_build_object(
                    'reward', 0.9, 'duration_ms', 1000 + (minute * 37 + number) % 500, 'backend', 'railway', 'model', 'model-' || model,
                    'telemetry', jsonb_build_object('request_chain', jsonb_build_array(jsonb_build_object(
                        'service', 'railway', 'version', '1.0.8', 'fallback_reason',
                        CASE WHEN (minute * 7 + model * 3 + number * 13) % 10 = 0
                                OR minute > 0 AND minute % \(Self.interval) < \(Self.length)
                                    AND minute / \(Self.interval) % \(Self.models) = model AND number % 3 <> 0
                            THEN 'timeout' END))))
            FROM chaos_clock, generate_series(\(from), \(until) - 1) AS minute, generate_series(0, \(Self.models - 1)) AS model,
                generate_series(1, \(Self.rate)) AS number
            ON CONFLICT DO NOTHING
            """, timeout: .seconds(300))
    }

    /// The evaluation itself is the product's; the moment it is given is another one.
    private static let fastClock = """
        ALTER FUNCTION monitoring_apply_evaluation(timestamptz, jsonb) RENAME TO monitoring_chaos_apply;
        CREATE FUNCTION monitoring_apply_evaluation(p_at timestamptz DEFAULT now(), p_settings jsonb DEFAULT NULL)
        RETURNS TABLE (alert_id uuid, transition text, severity text)
        LANGUAGE sql AS $$
            SELECT applied.*
            FROM chaos_clock,
                monitoring_chaos_apply(start + (clock_timestamp() - start) * \(minutesASecond), p_settings) AS applied
        $$;
        """
}
