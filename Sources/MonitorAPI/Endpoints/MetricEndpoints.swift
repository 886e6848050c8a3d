import Foundation
import Hummingbird
import Monitoring
import Postgres

/// Figures: the summary, hours and days, and the seed's sample queries, served from the roll-up.
struct MetricEndpoints: Sendable {
    private static let window = QueryParameter<Window>.window()
    private static let lastDay = QueryParameter<Window>.window(default: "24h")
    private static let includeHourly = QueryParameter<Bool>.flag("include_hourly", "Whether the hours of the window come as well.")
    private static let startDate = QueryParameter<Day>.day("start_date", "The first date, UTC.", example: "2026-02-20")
    private static let endDate = QueryParameter<Day>.day("end_date", "The last date, UTC.", example: "2026-02-21")
    private static let dimension = QueryParameter<SliceDimension>.choice(
        "by", of: SliceDimension.self, isRequired: true, "What the figures are split by.")
    private static let days = QueryParameter<Int>.integer("limit", in: 1...1000, default: 30, "How many a page holds at most.")
    private static let hours = QueryParameter<Int>.integer("limit", in: 1...1000, default: 1000, "How many a page holds at most.")
    private static let values = QueryParameter<Int>.integer("limit", in: 1...1000, default: 50, "How many values at most.")
    private static let causes = QueryParameter<Int>.integer("limit", in: 1...1000, default: 10, "How many reasons at most.")
    private static let dayCursor = QueryParameter<Day>(
        "cursor", "The `next_cursor` of the page before; absent for the first page.", schema: Day.schema, example: "2026-02-20",
        allowed: "the next_cursor of an answer"
    ) { given in Day(given).flatMap { Day.allowed.contains($0) ? $0 : nil } }
    private static let hourCursor = QueryParameter<HourPlace>.hourPlace

    private let client: PostgresClient
    private let metrics: MetricRepository
    private let rollup: RollupQueries

    init(client: PostgresClient) {
        self.client = client
        metrics = MetricRepository(client: client)
        rollup = RollupQueries(client: client)
    }

    var all: [Endpoint] {
        let dates = [Self.startDate.declaration, Self.endDate.declaration]
        let reversed = "start_date 2026-03-02 lies after end_date 2026-03-01."
        return [
            .get(
                "/api/monitor/summary",
                Operation(
                    id: "summary", tag: .metrics, summary: "The state of the agents over the last days",
                    query: [Self.window.declaration, Self.includeHourly.declaration], answer: .json(Summary.self))
            ) { try await summary($0) },
            .get(
                "/api/monitor/metrics/daily",
                Operation(
                    id: "dailyMetrics", tag: .metrics, summary: "Days, newest first",
                    detail: "Without dates, the last 30 days; with one, the 30 days up to `end_date`, or all since `start_date`.",
                    query: dates + [Self.days.declaration, Self.dayCursor.declaration], answer: .json(MetricListAnswer.self),
                    problems: [.contradiction: reversed])
            ) { try await daily($0) },
            .get(
                "/api/monitor/metrics/hourly",
                Operation(
                    id: "hourlyMetrics", tag: .metrics, summary: "Hours, newest first",
                    detail: "Without dates, yesterday and today; 92 days at most.",
                    query: dates + [Self.hours.declaration, Self.hourCursor.declaration], answer: .json(MetricListAnswer.self),
                    problems: [.contradiction: reversed])
            ) { try await hourly($0) },
            .get(
                "/api/monitor/metrics/breakdown",
                Operation(
                    id: "breakdown", tag: .metrics, summary: "Figures of each model, backend, agent or version",
                    query: [Self.dimension.declaration, Self.window.declaration, Self.values.declaration],
                    answer: .json(BreakdownAnswer.self))
            ) { try await breakdown($0) },
            .get(
                "/api/monitor/fallback-reasons",
                Operation(
                    id: "fallbackReasons", tag: .metrics, summary: "Why events fell back, most frequent first",
                    query: [Self.window.declaration, Self.causes.declaration], answer: .json(ReasonsAnswer.self))
            ) { try await reasons($0) },
            .get(
                "/api/monitor/latency",
                Operation(
                    id: "latency", tag: .metrics, summary: "Percentiles of the durations", query: [Self.lastDay.declaration],
                    answer: .json(LatencyAnswer.self))
            ) { try await latency($0) },
        ]
    }

    private func summary(_ call: Call) async throws -> Response {
        let now = call.now
        return try .json(
            try await MonitoringSummary(client: client, clock: { now }).getSummary(
                windowDays: try call.query.get(Self.window).days, includeHourly: try call.query.get(Self.includeHourly)))
    }

    private func daily(_ call: Call) async throws -> Response {
        let limit = try call.query.get(Self.days)
        let days = try Self.days(30, of: call)
        let last = try call.query.value(Self.dayCursor).map { min($0.advanced(by: -1), days.upperBound) } ?? days.upperBound
        let rows = try await metrics.daily(from: days.lowerBound, to: last, limit: limit + 1)
        let page = Array(rows.prefix(limit))
        return try .json(
            MetricListAnswer(
                metrics: page, startDate: days.lowerBound, endDate: days.upperBound,
                nextCursor: rows.count > limit ? page.last?.metricDate.description : nil))
    }

    private func hourly(_ call: Call) async throws -> Response {
        let limit = try call.query.get(Self.hours)
        let days = try Self.days(2, of: call)
        guard days.upperBound.number - days.lowerBound.number < 92 else {
            throw Problem(.contradiction, "start_date to end_date may be 92 days.", members: ["parameter": .string("start_date")])
        }
        // What has begun by the hour before the cursor's.
        let moment = min(call.now, try call.query.value(Self.hourCursor)?.hourBefore ?? .distantFuture)
        let rows = try await metrics.hourly(from: days.lowerBound, to: days.upperBound, begunBy: moment, limit: limit + 1)
        let page = Array(rows.prefix(limit))
        return try .json(
            MetricListAnswer(
                metrics: page, startDate: days.lowerBound, endDate: days.upperBound,
                nextCursor: rows.count > limit ? page.last.map { HourPlace(day: $0.metricDate, hour: $0.metricHour ?? 0).text } : nil))
    }

    private func breakdown(_ call: Call) async throws -> Response {
        let dimension = try call.query.get(Self.dimension)
        let window = try call.query.get(Self.window)
        let span = RollupSpan(window, hourly: true, until: call.now)
        let rows = try await rollup.breakdown(by: dimension, over: span, limit: try call.query.get(Self.values))
        return try .json(BreakdownAnswer(by: dimension.rawValue, window: WindowAnswer(window, span), breakdown: rows, count: rows.count))
    }

    private func reasons(_ call: Call) async throws -> Response {
        let window = try call.query.get(Self.window)
        let span = RollupSpan(window, hourly: true, until: call.now)
        let rows = try await rollup.fallbackReasons(over: span, limit: try call.query.get(Self.causes))
        return try .json(ReasonsAnswer(window: WindowAnswer(window, span), reasons: rows, count: rows.count))
    }

    private func latency(_ call: Call) async throws -> Response {
        let window = try call.query.get(Self.lastDay)
        let span = RollupSpan(window, hourly: false, until: call.now)
        return try .json(LatencyAnswer(window: WindowAnswer(window, span), figures: try await rollup.latency(over: span)))
    }

    /// Two dates, both included: by default the `count` days up to today.
    private static func days(_ count: Int, of call: Call) throws(Problem) -> ClosedRange<Day> {
        let today = Day(containing: call.now)
        let end = try call.query.value(endDate)
        let start = try call.query.value(startDate) ?? max(Day(number: 0), (end ?? today).advanced(by: 1 - count))
        let last = end ?? max(today, start)
        guard start <= last else {
            throw Problem(.contradiction, "start_date \(start) lies after end_date \(last).", members: ["parameter": .string("start_date")])
        }
        return start...last
    }
}
