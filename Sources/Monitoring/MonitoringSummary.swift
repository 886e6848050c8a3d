public import Foundation
public import Postgres

/// The state of the agents over the last days, with trends and alerts, as the API's summary shows it.
public struct MonitoringSummary: Sendable {
    private let client: PostgresClient
    private let baselineName: String?
    private let clock: @Sendable () -> Date

    /// - Parameters:
    ///   - client: Of a database with the monitor's schema.
    ///   - baselineName: Of the baseline beside the figures; nil for the one that the settings name.
    ///   - clock: What the present is.
    public init(client: PostgresClient, baselineName: String? = nil, clock: @escaping @Sendable () -> Date = { Date() }) {
        self.client = client
        self.baselineName = baselineName
        self.clock = clock
    }

    /// Looks at the dates from `windowDays` before today to today.
    ///
    /// - Parameters:
    ///   - windowDays: 1 to 90.
    ///   - includeHourly: With the hours of the window that had begun, oldest first.
    public func getSummary(windowDays: Int = 7, includeHourly: Bool = false) async throws -> Summary {
        guard (1...90).contains(windowDays) else { throw MonitoringError(.invalidArgument, "a window is 1 to 90 days") }
        let now = clock()
        let end = Day(containing: now)
        let start = end.advanced(by: -windowDays)
        return try await client.transaction(readOnly: true) { connection in
            let totals = try await connection.query(Self.totals, [.text(start.description), .text(end.description)])[0]
            let latest = try await connection.query(Self.latest, [.text(start.description), .text(end.description)]).first
            let baseline = try await connection.query(BaselineRepository.selection, [.text(baselineName)])
                .first.map(BaselineSnapshot.init(row:))
            let open = try await connection.query(Self.open)[0]
            let recent = try await connection.query(Self.recent).map(Alert.init(row:))
            let hours =
                includeHourly
                ? try await connection.query(Self.hours, [.text(start.description), .text(end.description), .timestamp(now)])
                    .map(MetricSnapshot.init(row:)) : nil
            return Summary(
                window: .init(startDate: start, endDate: end, days: try totals.decode("days")),
                metrics: .init(
                    totalEvents: try totals.decode("total_events"), avgFallbackRate: try totals.decode("fallback_rate"),
                    avgErrorRate: try totals.decode("error_rate"), avgHealthScore: try totals.decode("health_score"),
                    latest: try latest.map(MetricSnapshot.init(row:))),
                baseline: baseline.map {
                    .init(
                        fallbackRate: $0.baselineFallbackRate, errorRate: $0.baselineErrorRate, latencyP95: $0.baselineLatencyP95,
                        validUntil: $0.validUntil)
                },
                trends: .init(fallbackRate: try totals.decodeEnum("fallback_trend"), latencyP95: try totals.decodeEnum("latency_trend")),
                alerts: .init(
                    totalOpen: try open.decode("total_open"), bySeverity: try open.decodeJSON("by_severity"), recent: recent),
                generatedAt: now, hourly: hours)
        }
    }

    /// Pooled rates over the window; the last three days with events against the three before them, ±10 % being stable.
    private static let totals = """
        WITH days AS (
            SELECT *, row_number() OVER (ORDER BY metric_date DESC) AS age
            FROM monitoring_metrics
            WHERE metric_hour IS NULL AND total_events > 0 AND metric_date BETWEEN $1::date AND $2::date
        ),
        halves AS (
            SELECT sum(fallback_events) FILTER (WHERE age <= 3)::float8 / sum(total_events) FILTER (WHERE age <= 3) AS fallback_now,
                   sum(fallback_events) FILTER (WHERE age > 3)::float8 / sum(total_events) FILTER (WHERE age > 3) AS fallback_before,
                   avg(latency_p95) FILTER (WHERE age <= 3)::float8 AS latency_now,
                   avg(latency_p95) FILTER (WHERE age > 3)::float8 AS latency_before,
                   count(*) = 6 AS enough
            FROM days
            WHERE age <= 6
        ),
        trends AS (
            SELECT name,
                   CASE WHEN NOT enough OR value IS NULL OR before IS NULL THEN 'unknown'
                        WHEN value > before * 1.1 THEN 'up'
                        WHEN value < before * 0.9 THEN 'down'
                        ELSE 'stable' END AS trend
            FROM halves, LATERAL (VALUES ('fallback', fallback_now, fallback_before), ('latency', latency_now, latency_before))
                 AS figure (name, value, before)
        )
        SELECT count(*) AS days,
               coalesce(sum(total_events), 0) AS total_events,
               round(sum(fallback_events)::numeric / sum(total_events), 4) AS fallback_rate,
               round(sum(failed_events)::numeric / sum(total_events), 4) AS error_rate,
               round(avg(health_score), 2) AS health_score,
               (SELECT trend FROM trends WHERE name = 'fallback') AS fallback_trend,
               (SELECT trend FROM trends WHERE name = 'latency') AS latency_trend
        FROM days
        """

    private static let latest = """
        SELECT \(MetricRepository.columns)
        FROM monitoring_metrics
        WHERE metric_hour IS NULL AND total_events > 0 AND metric_date BETWEEN $1::date AND $2::date
        ORDER BY metric_date DESC
        LIMIT 1
        """

    private static let open = """
        SELECT coalesce(sum(alerts), 0) AS total_open, coalesce(jsonb_object_agg(severity, alerts), '{}') AS by_severity
        FROM (SELECT severity, count(*) AS alerts FROM monitoring_alerts WHERE status = 'open' GROUP BY severity) AS counted
        """

    private static let recent = """
        SELECT \(AlertRepository.columns)
        FROM monitoring_alerts
        ORDER BY opened_at DESC, id
        LIMIT 5
        """

    private static let hours = """
        SELECT \(MetricRepository.columns)
        FROM monitoring_metrics
        WHERE metric_hour IS NOT NULL AND metric_date BETWEEN $1::date AND $2::date AND window_start <= $3::timestamptz
        ORDER BY window_start
        """
}

/// A summary maker for the database at `databaseURL`; the connection is made when it is first needed.
///
/// - Throws: `PostgresError` where the URL is none.
public func makeSummary(databaseURL: String) throws -> MonitoringSummary {
    MonitoringSummary(client: PostgresClient(try PostgresConfiguration(databaseURL), poolSize: 2))
}
