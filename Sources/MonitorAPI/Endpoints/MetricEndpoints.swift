import Foundation
import Hummingbird
import Monitoring
import Postgres

/// Figures: the summary, hours and days, and the seed's sample queries, served from the roll-up.
struct MetricEndpoints: Sendable {
    private let client: PostgresClient
    private let metrics: MetricRepository
    private let rollup: RollupQueries

    init(client: PostgresClient) {
        self.client = client
        metrics = MetricRepository(client: client)
        rollup = RollupQueries(client: client)
    }

    var all: [Endpoint] {
        [
            .get("/api/monitor/summary", query: ["window", "include_hourly"]) { try await summary($0) },
            .get("/api/monitor/metrics/daily", query: ["start_date", "end_date", "limit"]) { try await daily($0) },
            .get("/api/monitor/metrics/hourly", query: ["start_date", "end_date", "limit"]) { try await hourly($0) },
            .get("/api/monitor/metrics/breakdown", query: ["by", "window", "limit"]) { try await breakdown($0) },
            .get("/api/monitor/fallback-reasons", query: ["window", "limit"]) { try await reasons($0) },
            .get("/api/monitor/latency", query: ["window"]) { try await latency($0) },
        ]
    }

    private func summary(_ call: Call) async throws -> Response {
        let window = try call.query.window()
        let includeHourly = try call.query.flag("include_hourly")
        let now = call.now
        return try .json(
            try await MonitoringSummary(client: client, clock: { now }).getSummary(windowDays: window.days, includeHourly: includeHourly))
    }

    private func daily(_ call: Call) async throws -> Response {
        let limit = try call.query.integer("limit", in: 1...1000, default: 30)
        let days = try call.query.days(30, until: Day(containing: call.now))
        let rows = try await metrics.daily(from: days.lowerBound, to: days.upperBound, limit: limit)
        return try .json(MetricListAnswer(metrics: rows, startDate: days.lowerBound, endDate: days.upperBound))
    }

    private func hourly(_ call: Call) async throws -> Response {
        let limit = try call.query.integer("limit", in: 1...1000, default: 1000)
        let days = try call.query.days(2, until: Day(containing: call.now))
        guard days.upperBound.number - days.lowerBound.number < 92 else {
            throw Problem(.invalidParameter, "start_date to end_date may be 92 days.", members: ["parameter": .string("start_date")])
        }
        let rows = try await metrics.hourly(from: days.lowerBound, to: days.upperBound, begunBy: call.now, limit: limit)
        return try .json(MetricListAnswer(metrics: rows, startDate: days.lowerBound, endDate: days.upperBound))
    }

    private func breakdown(_ call: Call) async throws -> Response {
        guard let dimension = try call.query.choice("by", of: SliceDimension.self) else {
            throw Problem(
                .invalidParameter, "by is missing; allowed is \(QueryParameters.list(SliceDimension.allCases.map(\.rawValue))).",
                members: ["parameter": .string("by")])
        }
        let window = try call.query.window()
        let limit = try call.query.integer("limit", in: 1...1000, default: 50)
        let span = RollupSpan(window, hourly: true, until: call.now)
        let rows = try await rollup.breakdown(by: dimension, over: span, limit: limit)
        return try .json(BreakdownAnswer(by: dimension.rawValue, window: WindowAnswer(window, span), breakdown: rows, count: rows.count))
    }

    private func reasons(_ call: Call) async throws -> Response {
        let window = try call.query.window()
        let limit = try call.query.integer("limit", in: 1...1000, default: 10)
        let span = RollupSpan(window, hourly: true, until: call.now)
        let rows = try await rollup.fallbackReasons(over: span, limit: limit)
        return try .json(ReasonsAnswer(window: WindowAnswer(window, span), reasons: rows, count: rows.count))
    }

    private func latency(_ call: Call) async throws -> Response {
        let window = try call.query.window(default: "24h")
        let span = RollupSpan(window, hourly: false, until: call.now)
        return try .json(LatencyAnswer(window: WindowAnswer(window, span), figures: try await rollup.latency(over: span)))
    }
}
