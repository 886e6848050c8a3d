import Foundation
import Logging
import Monitoring
import Postgres

/// The last day of metrics, for the line of bars in messages.
///
/// What has been read is kept for a minute, so that a burst of messages costs one query; at most 64 days of 16 metrics are kept.
actor MetricHistory {
    private let client: PostgresClient
    private let logger: Logger
    private let now: @Sendable () -> ContinuousClock.Instant
    private var kept: [Date: Kept] = [:]
    private var failedAt: ContinuousClock.Instant?

    private struct Kept {
        var values: [String: [Double?]]
        /// What was asked for, whether or not there was something.
        var metrics: Set<String>
        var readAt: ContinuousClock.Instant
    }

    /// - Parameters:
    ///   - client: Where the metrics are.
    ///   - now: What the age of what is kept is measured by.
    init(client: PostgresClient, logger: Logger, now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }) {
        self.client = client
        self.logger = logger
        self.now = now
    }

    /// The hourly values of each metric over the 24 hours up to a moment, oldest first; the last is the hour that the moment is in.
    ///
    /// nil stands where nothing was measured, and for the traffic of an hour that is not over: half an hour's events are no fall.
    ///
    /// - Parameters:
    ///   - metrics: Names such as `fallback_rate`; what has no hourly value is left out of the answer, as is what has none in that day.
    ///   - moment: The hour it is in counts.
    /// - Returns: 24 values a metric; nothing where the database does not answer within two seconds. It never throws: a message
    ///   without its line of bars is better than none.
    func lastDay(of metrics: Set<String>, until moment: Date) async -> [String: [Double?]] {
        let known = metrics.intersection(Self.columns)
        guard !known.isEmpty else { return [:] }
        let hour = Date(timeIntervalSince1970: (moment.timeIntervalSince1970 / 3600).rounded(.down) * 3600)
        let present = now()
        kept = kept.filter { present - $0.value.readAt < .seconds(60) }
        var values = kept[hour]?.values ?? [:]
        let missing = known.subtracting(kept[hour]?.metrics ?? [])
        // A database that did not answer is not waited for by each message.
        if !missing.isEmpty, failedAt.map({ present - $0 > .seconds(15) }) ?? true {
            do {
                values.merge(try await read(missing, hour: hour)) { $1 }
                failedAt = nil
            } catch {
                failedAt = now()
                logger.debug("the last day cannot be read", metadata: ["error": "\(error)"])
                return values.filter { known.contains($0.key) }
            }
            keep(values, metrics: missing, hour: hour, readAt: present)
        }
        return values.filter { known.contains($0.key) }
    }

    private func keep(_ values: [String: [Double?]], metrics: Set<String>, hour: Date, readAt: ContinuousClock.Instant) {
        if let old = kept[hour] {
            // What was there before ages as it did.
            kept[hour] = Kept(
                values: old.values.merging(values) { $1 }, metrics: old.metrics.union(metrics), readAt: min(old.readAt, readAt))
        } else {
            if kept.count >= 64, let oldest = kept.min(by: { $0.value.readAt < $1.value.readAt })?.key { kept[oldest] = nil }
            kept[hour] = Kept(values: values, metrics: metrics, readAt: readAt)
        }
    }

    private func read(_ metrics: Set<String>, hour: Date) async throws -> [String: [Double?]] {
        let names = metrics.sorted()
        let rows = try await client.query(
            Self.query(names), [.timestamp(hour.addingTimeInterval(-23 * 3600)), .timestamp(hour)], timeout: .seconds(2))
        var values: [String: [Double?]] = [:]
        for row in rows {
            let start: Date = try row.decode("window_start")
            let index = 23 - Int((hour.timeIntervalSince(start) / 3600).rounded())
            guard (0..<24).contains(index) else { continue }
            for name in names where !(name == "total_events" && index == 23) {
                let value: Double? = try row.decode(name)
                if let value { values[name, default: Array(repeating: nil, count: 24)][index] = value }
            }
        }
        return values
    }

    /// The names are those of columns, from the list below. Date and hour are those of the table's unique index.
    static func query(_ names: [String]) -> String {
        """
        SELECT window_start, \(names.map { "\($0)::float8 AS \($0)" }.joined(separator: ", "))
        FROM monitoring_metrics
        WHERE metric_date >= ($1::timestamptz AT TIME ZONE 'UTC')::date AND metric_date <= ($2::timestamptz AT TIME ZONE 'UTC')::date
            AND metric_hour IS NOT NULL AND window_start >= $1::timestamptz AND window_start <= $2::timestamptz
        ORDER BY metric_date, metric_hour
        LIMIT 24
        """
    }

    static let columns: Set<String> = [
        "fallback_rate", "error_rate", "duplicate_rate", "latency_p50", "latency_p75", "latency_p90", "latency_p95", "latency_p99",
        "health_score", "total_events",
    ]
}
