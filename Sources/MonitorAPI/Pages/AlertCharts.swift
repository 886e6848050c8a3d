import Foundation
import Monitoring
import Postgres

/// The picture of an alert: its metric before, while and after it stood.
struct AlertCharts: Sendable {
    private let trends: TrendQueries

    init(client: PostgresClient) {
        trends = TrendQueries(client: client)
    }

    /// Markup; empty for a metric that has no course.
    func chart(of alert: Alert, now: Date) async throws -> String {
        let span = Self.span(of: alert, now: now)
        let slice = Self.slice(of: alert)
        let steps = try await trends.steps(from: span.start, until: span.end, seconds: span.seconds, of: slice)
        let marks = try await trends.marks(from: span.start, until: span.end, of: alert.id)
        let chart = Chart(
            metric: alert.metricName, steps: steps, from: span.start, until: span.end, seconds: span.seconds,
            baseline: Self.expected(of: alert, seconds: span.seconds), marks: marks, hasAxes: true)
        return chart.points.contains { $0.value != nil } ? chart.html : ""
    }

    /// Events are expected in a window; a step of the picture has its part of them.
    static func expected(of alert: Alert, seconds: Int) -> Double? {
        guard alert.metricName == "total_events" else { return alert.baselineValue }
        guard let window = alert.contextData["window_seconds"]?.double, window > 0 else { return nil }
        return alert.baselineValue.map { $0 * Double(seconds) / window }
    }

    /// What an alert on one slice is drawn of.
    static func slice(of alert: Alert) -> TrendQueries.Slice? {
        guard let dimension = alert.sliceDimension.flatMap(SliceDimension.init(rawValue:)), let value = alert.sliceValue else { return nil }
        return TrendQueries.Slice(dimension: dimension, value: value)
    }

    /// From six hours (or as long as it stood, up to three days) before the alert to an hour after it, in at most 48 steps; slices are held by the hour.
    static func span(of alert: Alert, now: Date) -> (start: Date, end: Date, seconds: Int) {
        let end = min(now, (alert.resolvedAt ?? now).addingTimeInterval(3600))
        let stood = (alert.resolvedAt ?? now).timeIntervalSince(alert.openedAt)
        let start = max(alert.openedAt.addingTimeInterval(-min(max(21_600, stood), 259_200)), end.addingTimeInterval(-1_209_600))
        let length = end.timeIntervalSince(start)
        let shortest = alert.sliceDimension == nil ? 300 : 3600
        let seconds = [300, 600, 900, 1800, 3600, 7200, 14_400, 28_800].first { $0 >= shortest && length / Double($0) <= 48 } ?? 28_800
        return (start, end, seconds)
    }
}
