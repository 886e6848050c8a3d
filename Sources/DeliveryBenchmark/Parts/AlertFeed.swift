import Postgres

/// Opens alerts as the monitor does, many at a time.
struct AlertFeed: Sendable {
    /// What a number of an alert follows in its model's name, by which receivers tell alerts apart.
    static let mark = "bench-"

    let client: PostgresClient

    /// Opens alerts in one transaction.
    ///
    /// - Parameters:
    ///   - numbers: Of the alerts.
    ///   - backend: What a route may look at.
    /// - Returns: The moments before and after COMMIT.
    @discardableResult
    func open(_ numbers: Range<Int>, backend: String = "all") async throws -> (before: Double, after: Double) {
        try await client.withConnection { connection in
            try await connection.query("BEGIN")
            try await connection.query(Self.alerts, [.int(numbers.lowerBound), .int(numbers.upperBound - 1), .text(backend)])
            try await connection.query(Self.transitions, [.int(numbers.lowerBound), .int(numbers.upperBound - 1)])
            try await connection.query("SELECT pg_notify('monitoring_transitions', 'benchmark')")
            let before = Moment.now
            try await connection.query("COMMIT")
            return (before, Moment.now)
        }
    }

    /// The size of what the detector writes.
    private static let alerts = """
        INSERT INTO monitoring_alerts
            (fingerprint, alert_type, severity, peak_severity, metric_name, current_value, baseline_value, deviation_ratio,
             metric_date, opened_at, last_evidence_at, live_since, affected_model, affected_backend, summary, context_data, sequence)
        SELECT
            'bench-' || n, 'fallback_spike', 'high', 'high', 'fallback_rate', 0.312, 0.04, 7.8,
            current_date, now(), now(), now(), 'bench-' || n, $3::text,
            'Fallback rate 31.2 %, 7.8 times the expected 4.0 %',
            jsonb_build_object(
                'window', '1h', 'events', 1204, 'bad_events', 376, 'lower_bound', 0.291,
                'slices', jsonb_build_array(
                    jsonb_build_object('model', 'bench-' || n, 'share', 0.81), jsonb_build_object('backend', $3::text, 'share', 0.64))),
            1
        FROM generate_series($1::integer, $2::integer) AS n
        """

    private static let transitions = """
        INSERT INTO monitoring_alert_transitions (alert_id, sequence, transition, to_status, to_severity, actor, occurred_at)
        SELECT a.id, 1, 'opened', 'open', 'high', 'monitor', now()
        FROM monitoring_alerts a
        WHERE a.fingerprint IN (SELECT 'bench-' || n FROM generate_series($1::integer, $2::integer) AS n)
        """
}
