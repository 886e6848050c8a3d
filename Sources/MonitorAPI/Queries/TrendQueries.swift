import Foundation
import Monitoring
import Postgres

/// Courses over time, for the charts of the pages.
struct TrendQueries: Sendable {
    /// What the events of one stretch of time came to.
    struct Step: Sendable, Hashable {
        var start: Date
        var totalEvents: Int
        var successfulEvents: Int
        var failedEvents: Int
        var fallbackEvents: Int
        var duplicateEvents: Int
        /// Milliseconds; nil where no event has a duration.
        var latencyP95: Double?
    }

    /// An alert's time, for marking it in charts.
    struct Mark: Sendable, Hashable {
        var metricName: String
        var span: Chart.Span
    }

    let client: any QuerySource

    /// Steps of equal length that have events, oldest first.
    ///
    /// - Parameter seconds: Length of a step; a multiple of 300.
    func steps(from start: Date, until end: Date, seconds: Int) async throws -> [Step] {
        try await client.query(Self.steps, [.timestamp(start), .timestamp(end), .int(seconds)], timeout: .seconds(10)).map { row in
            Step(
                start: try row.decode("step_start"), totalEvents: try row.decode("total_events"),
                successfulEvents: try row.decode("successful_events"), failedEvents: try row.decode("failed_events"),
                fallbackEvents: try row.decode("fallback_events"), duplicateEvents: try row.decode("duplicate_events"),
                latencyP95: try row.decode("p95"))
        }
    }

    /// Alerts that stood at some time between the two moments, at most 200.
    func marks(from start: Date, until end: Date) async throws -> [Mark] {
        try await client.query(Self.marks, [.timestamp(start), .timestamp(end)], timeout: .seconds(10)).map { row in
            Mark(
                metricName: try row.decode("metric_name"),
                span: Chart.Span(
                    start: try row.decode("opened_at"), end: try row.decode("resolved_at"), severity: try row.decode("severity")))
        }
    }

    private static let steps = """
        WITH buckets AS (
            SELECT to_timestamp(floor(extract(epoch FROM bucket_start) / $3::integer) * $3::integer) AS step_start, rollup.*
            FROM monitoring_rollup AS rollup
            WHERE bucket_start >= $1::timestamptz AND bucket_start < $2::timestamptz
        ),
        totals AS (
            SELECT step_start, sum(total_events) AS total_events, sum(successful_events) AS successful_events,
                   sum(failed_events) AS failed_events, sum(fallback_events) AS fallback_events, sum(duplicate_events) AS duplicate_events
            FROM buckets
            GROUP BY step_start
        ),
        histogram AS (
            SELECT step_start, value, sum(events) AS events
            FROM buckets, unnest(latency_values, latency_counts) AS bar (value, events)
            GROUP BY step_start, value
        ),
        cumulated AS (
            SELECT step_start, value, sum(events) OVER (PARTITION BY step_start ORDER BY value) AS upto,
                   sum(events) OVER (PARTITION BY step_start) AS n
            FROM histogram
        ),
        percentiles AS (
            SELECT step_start, \(RollupQueries.percentile(0.95)) AS p95
            FROM cumulated
            GROUP BY step_start
        )
        SELECT step_start, total_events, successful_events, failed_events, fallback_events, duplicate_events, p95
        FROM totals LEFT JOIN percentiles USING (step_start)
        ORDER BY step_start
        """

    private static let marks = """
        SELECT metric_name, severity, opened_at, resolved_at
        FROM monitoring_alerts
        WHERE opened_at < $2::timestamptz AND (resolved_at IS NULL OR resolved_at > $1::timestamptz)
        ORDER BY opened_at
        LIMIT 200
        """
}

extension TrendQueries.Step {
    /// The metric of that name; nil where there is nothing to measure, and for a metric that has no course.
    func value(of metric: String) -> Double? {
        guard totalEvents > 0 else { return nil }
        return switch metric {
        case "fallback_rate": Double(fallbackEvents) / Double(totalEvents)
        case "error_rate": Double(failedEvents) / Double(totalEvents)
        case "duplicate_rate": Double(duplicateEvents) / Double(totalEvents)
        case "latency_p95": latencyP95
        case "health_score": health
        case "total_events": Double(totalEvents)
        default: nil
        }
    }

    /// The seed's composite, 0 to 100.
    private var health: Double {
        let total = Double(totalEvents)
        let fallback = min(1, Double(fallbackEvents) / total * 5)
        let duplicate = min(1, Double(duplicateEvents) / total * 3)
        return Double(successfulEvents) / total * 50 + (1 - fallback) * 30 + (1 - duplicate) * 20
    }

    /// Steps together as one; its latency is unknown.
    static func total(of steps: [TrendQueries.Step], from start: Date) -> TrendQueries.Step {
        steps.reduce(
            into: TrendQueries.Step(
                start: start, totalEvents: 0, successfulEvents: 0, failedEvents: 0, fallbackEvents: 0, duplicateEvents: 0, latencyP95: nil)
        ) { sum, step in
            sum.totalEvents += step.totalEvents
            sum.successfulEvents += step.successfulEvents
            sum.failedEvents += step.failedEvents
            sum.fallbackEvents += step.fallbackEvents
            sum.duplicateEvents += step.duplicateEvents
        }
    }
}

extension Chart {
    /// The course of a metric, with gaps where nothing was measured.
    ///
    /// - Parameter seconds: Length of a step.
    init(
        metric: String, steps: [TrendQueries.Step], from start: Date, until end: Date, seconds: Int, baseline: Double?,
        marks: [TrendQueries.Mark],
        hasAxes: Bool
    ) {
        let byStart = Dictionary(steps.map { ($0.start, $0) }) { first, _ in first }
        let length = Double(seconds)
        var moment = Date(timeIntervalSince1970: (start.timeIntervalSince1970 / length).rounded(.down) * length)
        var points: [Point] = []
        while moment < end {
            points.append(Point(at: min(max(moment.addingTimeInterval(length / 2), start), end), value: byStart[moment]?.value(of: metric)))
            moment.addTimeInterval(length)
        }
        self.init(
            metric: metric, start: start, end: end, points: points, baseline: baseline,
            spans: marks.filter { $0.metricName == metric }.map(\.span), hasAxes: hasAxes)
    }
}

extension BaselineSnapshot {
    /// What is usual for the metric of that name.
    func value(of metric: String) -> Double? {
        switch metric {
        case "fallback_rate": baselineFallbackRate
        case "error_rate": baselineErrorRate
        case "duplicate_rate": baselineDuplicateRate
        case "latency_p95": baselineLatencyP95
        case "health_score": baselineHealthScore
        default: nil
        }
    }
}
