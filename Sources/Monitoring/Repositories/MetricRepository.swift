public import Foundation
public import Postgres

/// Figures of hours and days, as the roll-up computed them.
public struct MetricRepository: Sendable {
    private let client: PostgresClient

    /// - Parameter client: Of a database with the monitor's schema.
    public init(client: PostgresClient) {
        self.client = client
    }

    /// Days from `start` to `end`, both included, newest first.
    ///
    /// - Parameter limit: 1 to 1001.
    public func daily(from start: Day, to end: Day, limit: Int = 30) async throws -> [MetricSnapshot] {
        guard (1...1001).contains(limit) else { throw MonitoringError(.invalidArgument, "limit is 1 to 1001") }
        return try await client.query(Self.days, [.text(start.description), .text(end.description), .int(limit)])
            .map(MetricSnapshot.init(row:))
    }

    /// Hours of the days from `start` to `end`, both included, that have begun at `moment`, newest first; hours without events have
    /// their row or none.
    ///
    /// - Parameter limit: 1 to 1001.
    public func hourly(from start: Day, to end: Day, begunBy moment: Date, limit: Int = 1000) async throws -> [MetricSnapshot] {
        guard (1...1001).contains(limit) else { throw MonitoringError(.invalidArgument, "limit is 1 to 1001") }
        return try await client.query(
            Self.hours, [.text(start.description), .text(end.description), .timestamp(moment), .int(limit)]
        ).map(MetricSnapshot.init(row:))
    }

    static let columns = """
        metric_date, metric_hour, window_start, window_end, total_events, successful_events, failed_events, fallback_events,
        duplicate_events, scored_events, malformed_events, malformed_fields, fallback_rate, error_rate, duplicate_rate,
        latency_p50, latency_p75, latency_p90, latency_p95, latency_p99, latency_avg, latency_max, latency_min,
        model_distribution, service_versions, fallback_reasons, backend_distribution, agent_distribution,
        event_type_distribution, health_score, computed_at, data_source
        """

    private static let days = """
        SELECT \(columns)
        FROM monitoring_metrics
        WHERE metric_hour IS NULL AND metric_date BETWEEN $1::date AND $2::date
        ORDER BY metric_date DESC
        LIMIT $3::integer
        """

    private static let hours = """
        SELECT \(columns)
        FROM monitoring_metrics
        WHERE metric_hour IS NOT NULL AND metric_date BETWEEN $1::date AND $2::date AND window_start <= $3::timestamptz
        ORDER BY metric_date DESC, metric_hour DESC
        LIMIT $4::integer
        """
}
