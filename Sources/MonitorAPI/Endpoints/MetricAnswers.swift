import Foundation
import Monitoring

/// GET and POST /api/monitor/baseline.
struct BaselineAnswer: Encodable, Sendable {
    var baselineName: String
    var windowDays: Int
    @Nullable var fallbackRate: Double?
    @Nullable var errorRate: Double?
    @Nullable var duplicateRate: Double?
    @Nullable var latencyP50: Double?
    @Nullable var latencyP95: Double?
    @Nullable var latencyP99: Double?
    @Nullable var healthScore: Double?
    var totalEvents: Int
    var baselineStartDate: Day
    var baselineEndDate: Day
    @Nullable var acceptedFrom: Date?
    @Nullable var acceptedBy: String?
    @Nullable var acceptedReason: String?
    var validUntil: Date
    var lastComputed: Date

    init(_ baseline: BaselineSnapshot) {
        baselineName = baseline.baselineName
        windowDays = baseline.baselineWindowDays
        fallbackRate = baseline.baselineFallbackRate
        errorRate = baseline.baselineErrorRate
        duplicateRate = baseline.baselineDuplicateRate
        latencyP50 = baseline.baselineLatencyP50
        latencyP95 = baseline.baselineLatencyP95
        latencyP99 = baseline.baselineLatencyP99
        healthScore = baseline.baselineHealthScore
        totalEvents = baseline.totalEvents
        baselineStartDate = baseline.baselineStartDate
        baselineEndDate = baseline.baselineEndDate
        acceptedFrom = baseline.acceptedFrom
        acceptedBy = baseline.acceptedBy
        acceptedReason = baseline.acceptedReason
        validUntil = baseline.validUntil
        lastComputed = baseline.computedAt
    }

    enum CodingKeys: String, CodingKey {
        case baselineName = "baseline_name"
        case windowDays = "window_days"
        case fallbackRate = "fallback_rate"
        case errorRate = "error_rate"
        case duplicateRate = "duplicate_rate"
        case latencyP50 = "latency_p50"
        case latencyP95 = "latency_p95"
        case latencyP99 = "latency_p99"
        case healthScore = "health_score"
        case totalEvents = "total_events"
        case baselineStartDate = "baseline_start_date"
        case baselineEndDate = "baseline_end_date"
        case acceptedFrom = "accepted_from"
        case acceptedBy = "accepted_by"
        case acceptedReason = "accepted_reason"
        case validUntil = "valid_until"
        case lastComputed = "last_computed"
    }
}

/// GET /api/monitor/metrics/daily and /hourly: newest first.
struct MetricListAnswer: Encodable, Sendable {
    var metrics: [MetricSnapshot]
    var count: Int
    var startDate: Day
    var endDate: Day
    @Nullable var nextCursor: String?

    init(metrics: [MetricSnapshot], startDate: Day, endDate: Day, nextCursor: String?) {
        self.metrics = metrics
        _nextCursor = Nullable(wrappedValue: nextCursor)
        self.startDate = startDate
        self.endDate = endDate
        count = metrics.count
    }

    enum CodingKeys: String, CodingKey {
        case metrics, count
        case startDate = "start_date"
        case endDate = "end_date"
        case nextCursor = "next_cursor"
    }
}

/// The window that figures are of: the roll-up's buckets from `from` up to `to`.
struct WindowAnswer: Encodable, Sendable {
    var window: String
    var from: Date
    var to: Date

    init(_ window: Window, _ span: RollupSpan) {
        self.window = window.text
        from = span.start
        to = span.end
    }
}

/// GET /api/monitor/metrics/breakdown.
struct BreakdownAnswer: Encodable, Sendable {
    var by: String
    var window: WindowAnswer
    var breakdown: [SliceFigures]
    var count: Int
}

/// GET /api/monitor/fallback-reasons: most frequent first.
struct ReasonsAnswer: Encodable, Sendable {
    var window: WindowAnswer
    var reasons: [FallbackReason]
    var count: Int
}

/// GET /api/monitor/latency.
struct LatencyAnswer: Encodable, Sendable {
    var window: WindowAnswer
    var figures: LatencyFigures

    enum CodingKeys: String, CodingKey { case window }

    func encode(to encoder: any Encoder) throws {
        try figures.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(window, forKey: .window)
    }
}
