import Foundation
import Monitoring
import Postgres

/// The seed's sample queries, over the roll-up: no raw event is read.
struct RollupQueries: Sendable {
    let client: any QuerySource

    /// Figures of each value of a dimension: the worst fallback rate first, then the busiest.
    func breakdown(by dimension: SliceDimension, over span: RollupSpan, limit: Int) async throws -> [SliceFigures] {
        try await client.query(
            Self.breakdown(by: dimension), [.timestamp(span.start), .timestamp(span.end), .int(limit)], timeout: .seconds(10)
        ).map(SliceFigures.init(row:))
    }

    /// Reasons for fallbacks, most frequent first.
    func fallbackReasons(over span: RollupSpan, limit: Int) async throws -> [FallbackReason] {
        try await client.query(
            Self.reasons, [.timestamp(span.start), .timestamp(span.end), .int(limit)], timeout: .seconds(10)
        ).map { FallbackReason(reason: try $0.decode("reason"), count: try $0.decode("count")) }
    }

    /// Percentiles of the merged histogram.
    func latency(over span: RollupSpan) async throws -> LatencyFigures {
        try LatencyFigures(
            row: try await client.query(Self.latency, [.timestamp(span.start), .timestamp(span.end)], timeout: .seconds(10))[0])
    }

    /// percentile_cont over a histogram that is cumulated as `upto` of `n` values: the two values that the position p(n − 1) lies
    /// between, and the way from one to the other.
    ///
    /// | histogram | p | position | result |
    /// | --- | --- | --- | --- |
    /// | 10 ×1, 20 ×1 | 0.5 | 0.5 | 15 |
    /// | 10 ×3, 40 ×1 | 0.95 | 2.85 | 35.5 |
    static func percentile(_ fraction: Double) -> String {
        let position = "\(fraction) * (max(n) - 1)"
        return """
            round((min(value) FILTER (WHERE upto > floor(\(fraction) * (n - 1)))
                + (\(position) - floor(\(position)))
                * (min(value) FILTER (WHERE upto > ceil(\(fraction) * (n - 1))) - min(value) FILTER (WHERE upto > floor(\(fraction) * (n - 1))))
            )::numeric, 2)
            """
    }

    /// The dimension's name is one of an enumeration's words: a column, never a client's text.
    private static func breakdown(by dimension: SliceDimension) -> String {
        """
        WITH slices AS (
            SELECT \(dimension.rawValue) AS slice, total_events, successful_events, failed_events, fallback_events, duplicate_events,
                   latency_values, latency_counts
            FROM monitoring_rollup_slices
            WHERE hour_start >= $1::timestamptz AND hour_start < $2::timestamptz
        ),
        totals AS (
            SELECT slice, sum(total_events) AS total_events, sum(successful_events) AS successful_events, sum(failed_events) AS failed_events,
                   sum(fallback_events) AS fallback_events, sum(duplicate_events) AS duplicate_events
            FROM slices
            GROUP BY slice
            ORDER BY sum(fallback_events)::float8 / nullif(sum(total_events), 0) DESC NULLS LAST, sum(total_events) DESC, slice
            LIMIT $3::integer
        ),
        histogram AS (
            SELECT slice, value, sum(coalesce(events, 1)) AS events
            FROM slices JOIN totals USING (slice), unnest(latency_values, latency_counts) AS bar (value, events)
            GROUP BY slice, value
        ),
        cumulated AS (
            SELECT slice, value, sum(events) OVER (PARTITION BY slice ORDER BY value) AS upto, sum(events) OVER (PARTITION BY slice) AS n
            FROM histogram
        ),
        percentiles AS (
            SELECT slice, \(percentile(0.5)) AS p50, \(percentile(0.95)) AS p95, \(percentile(0.99)) AS p99
            FROM cumulated
            GROUP BY slice
        )
        SELECT nullif(slice, '') AS value, total_events, successful_events, failed_events, fallback_events, duplicate_events,
               round(fallback_events::numeric / nullif(total_events, 0), 4) AS fallback_rate,
               round(failed_events::numeric / nullif(total_events, 0), 4) AS error_rate,
               round(duplicate_events::numeric / nullif(total_events, 0), 4) AS duplicate_rate,
               p50 AS latency_p50, p95 AS latency_p95, p99 AS latency_p99
        FROM totals LEFT JOIN percentiles USING (slice)
        ORDER BY fallback_events::float8 / nullif(total_events, 0) DESC NULLS LAST, total_events DESC, slice
        """
    }

    private static let reasons = """
        SELECT reason, sum(events::bigint) AS count
        FROM monitoring_rollup_slices, jsonb_each_text(fallback_reasons) AS told (reason, events)
        WHERE hour_start >= $1::timestamptz AND hour_start < $2::timestamptz
        GROUP BY reason
        ORDER BY count DESC, reason
        LIMIT $3::integer
        """

    private static let latency = """
        WITH histogram AS (
            SELECT value, sum(coalesce(events, 1)) AS events
            FROM monitoring_rollup, unnest(latency_values, latency_counts) AS bar (value, events)
            WHERE bucket_start >= $1::timestamptz AND bucket_start < $2::timestamptz
            GROUP BY value
        ),
        cumulated AS (
            SELECT value, events, sum(events) OVER (ORDER BY value) AS upto, sum(events) OVER () AS n
            FROM histogram
        )
        SELECT coalesce(sum(events), 0) AS events,
               \(percentile(0.5)) AS p50, \(percentile(0.75)) AS p75, \(percentile(0.9)) AS p90, \(percentile(0.95)) AS p95,
               \(percentile(0.99)) AS p99,
               round(sum(value::numeric * events) / nullif(sum(events), 0), 2) AS avg, min(value) AS min, max(value) AS max
        FROM cumulated
        """
}
