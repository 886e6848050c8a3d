import Foundation
import Monitoring
import Postgres

/// Courses over time, for the charts of the pages.
struct TrendQueries: Sendable {
    /// What the events of one stretch of time came to, as the engine computes it.
    struct Step: Sendable, Hashable {
        var start: Date
        var totalEvents: Int
        var fallbackRate: Double?
        var errorRate: Double?
        var duplicateRate: Double?
        /// 0 to 100.
        var healthScore: Double?
        /// Milliseconds; nil where no event has a duration.
        var latencyP95: Double?
    }

    /// Events of one value of a dimension alone.
    struct Slice: Sendable, Hashable {
        var dimension: SliceDimension
        var value: String
    }

    /// An alert's time, for marking it in charts.
    struct Mark: Sendable, Hashable {
        var metricName: String
        var span: Chart.Span
    }

    let client: any QuerySource

    /// Steps of equal length that have events, oldest first.
    ///
    /// - Parameters:
    ///   - seconds: Length of a step; a multiple of 300, or of 3600 for a slice.
    ///   - slice: nil for all events.
    func steps(from start: Date, until end: Date, seconds: Int, of slice: Slice? = nil) async throws -> [Step] {
        let step = "to_timestamp(floor(extract(epoch FROM start) / $3::integer) * $3::integer)"
        return try await client.query(
            Self.figures(step: step, of: slice),
            [.timestamp(start), .timestamp(end), .int(seconds)] + (slice.map { [.text($0.value)] } ?? []),
            timeout: .seconds(10)
        ).map(Step.init(row:))
    }

    /// All events of a stretch of time together; nil where there are none.
    func total(from start: Date, until end: Date) async throws -> Step? {
        try await client.query(
            Self.figures(step: "$1::timestamptz", of: nil), [.timestamp(start), .timestamp(end)], timeout: .seconds(10)
        ).first.map(Step.init(row:))
    }

    /// The times between the two moments in which alerts stood, each from an opening to the end of it: those of the latest 200 alerts
    /// that were found here.
    ///
    /// - Parameter alert: Of this one alone; nil for all.
    func marks(from start: Date, until end: Date, of alert: UUID? = nil) async throws -> [Mark] {
        try await client.query(
            Self.marks(of: alert == nil ? Self.between : Self.single),
            [.timestamp(start), .timestamp(end)] + (alert.map { [.uuid($0)] } ?? []), timeout: .seconds(10)
        ).map { row in
            Mark(
                metricName: try row.decode("metric_name"),
                span: Chart.Span(start: try row.decode("began_at"), end: try row.decode("ended_at"), severity: try row.decode("severity")))
        }
    }

    /// The step that a bucket belongs to is an expression over its `start`; a slice's dimension is one of an enumeration's words.
    private static func figures(step: String, of slice: Slice?) -> String {
        let source = slice.map {
            "monitoring_rollup_slices AS bucket, LATERAL (SELECT hour_start AS start, \($0.dimension.rawValue) AS slice) AS key"
        }
        return """
            WITH buckets AS (
                SELECT \(step) AS step_start, total_events, successful_events, failed_events, fallback_events, duplicate_events,
                       latency_values, latency_counts
                FROM \(source ?? "monitoring_rollup AS bucket, LATERAL (SELECT bucket_start AS start) AS key")
                WHERE start >= $1::timestamptz AND start < $2::timestamptz\(slice == nil ? "" : " AND slice = $4::text")
            ),
            totals AS (
                SELECT step_start, sum(total_events) AS total_events,
                       sum(successful_events)::float8 / nullif(sum(total_events), 0) AS success_rate,
                       sum(failed_events)::float8 / nullif(sum(total_events), 0) AS error_rate,
                       sum(fallback_events)::float8 / nullif(sum(total_events), 0) AS fallback_rate,
                       sum(duplicate_events)::float8 / nullif(sum(total_events), 0) AS duplicate_rate
                FROM buckets
                GROUP BY step_start
            ),
            histogram AS (
                SELECT step_start, value, sum(coalesce(events, 1)) AS events
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
            SELECT step_start, total_events, fallback_rate, error_rate, duplicate_rate,
                   monitoring_health_score(success_rate, fallback_rate, duplicate_rate) AS health_score, p95
            FROM totals LEFT JOIN percentiles USING (step_start)
            ORDER BY step_start
            """
    }

    /// Alerts that stood between `$1` and `$2`: those that still do and those that ended since, each by an index of its own. However long
    /// the history is, none of it is looked at.
    static let between = """
        SELECT id, metric_name, severity, opened_at, resolved_at
        FROM (
            SELECT id, metric_name, severity, opened_at, resolved_at
            FROM monitoring_alerts
            WHERE labels IS NULL AND status <> 'resolved' AND opened_at < $2::timestamptz
            UNION ALL
            SELECT id, metric_name, severity, opened_at, resolved_at
            FROM monitoring_alerts
            WHERE labels IS NULL AND status = 'resolved' AND resolved_at > $1::timestamptz AND opened_at < $2::timestamptz
        ) AS standing
        ORDER BY opened_at DESC
        LIMIT 200
        """

    /// The alert `$3`, where it stood between `$1` and `$2`.
    private static let single = """
        SELECT id, metric_name, severity, opened_at, resolved_at
        FROM monitoring_alerts
        WHERE id = $3::uuid AND opened_at < $2::timestamptz AND (resolved_at IS NULL OR resolved_at > $1::timestamptz)
        """

    /// A step is a boundary where it leads from one side of resolved to the other; OFFSET 0 keeps the planner from reading them all. An alert whose steps are not kept stood all its time.
    ///
    /// - Parameter alerts: A SELECT of them with their metric, severity, opening and end.
    static func marks(of alerts: String) -> String {
        """
        WITH shown AS (
        \(alerts)
        ),
        boundaries AS (
            SELECT
                t.alert_id, t.occurred_at AS began_at, t.to_status <> 'resolved' AS begins,
                lead(t.occurred_at) OVER (PARTITION BY t.alert_id ORDER BY t.sequence) AS ended_at,
                lead(t.to_severity) OVER (PARTITION BY t.alert_id ORDER BY t.sequence) AS severity
            FROM shown
            CROSS JOIN LATERAL (SELECT * FROM monitoring_alert_transitions WHERE alert_id = shown.id OFFSET 0) t
            WHERE (coalesce(t.from_status, 'resolved') = 'resolved') <> (t.to_status = 'resolved')
        )
        SELECT
            shown.metric_name, coalesce(boundaries.severity, shown.severity) AS severity,
            coalesce(boundaries.began_at, shown.opened_at) AS began_at,
            CASE WHEN boundaries.alert_id IS NULL THEN shown.resolved_at ELSE boundaries.ended_at END AS ended_at
        FROM shown
        LEFT JOIN boundaries ON boundaries.alert_id = shown.id AND boundaries.begins
        WHERE boundaries.alert_id IS NULL
           OR boundaries.began_at < $2::timestamptz AND coalesce(boundaries.ended_at > $1::timestamptz, true)
        ORDER BY began_at DESC
        LIMIT 500
        """
    }
}

extension TrendQueries.Step {
    init(row: PostgresRow) throws {
        start = try row.decode("step_start")
        totalEvents = try row.decode("total_events")
        fallbackRate = try row.decode("fallback_rate")
        errorRate = try row.decode("error_rate")
        duplicateRate = try row.decode("duplicate_rate")
        healthScore = try row.decode("health_score")
        latencyP95 = try row.decode("p95")
    }

    /// The metric of that name; nil where there is nothing to measure, and for a metric that has no course.
    func value(of metric: String) -> Double? {
        switch metric {
        case "fallback_rate": fallbackRate
        case "error_rate": errorRate
        case "duplicate_rate": duplicateRate
        case "latency_p95": latencyP95
        case "health_score": healthScore
        case "total_events": Double(totalEvents)
        default: nil
        }
    }
}

extension Chart {
    /// The course of a metric, with gaps where nothing was measured. No events are something measured for traffic, part of a step is not;
    /// a last step of which less than a third is over says nothing of anything.
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
            var value = byStart[moment]?.value(of: metric)
            if metric == "total_events" { value = moment < start || moment.addingTimeInterval(length) > end ? nil : value ?? 0 }
            if end.timeIntervalSince(moment) < length / 3 { value = nil }
            points.append(Point(at: min(max(moment.addingTimeInterval(length / 2), start), end), value: value))
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
