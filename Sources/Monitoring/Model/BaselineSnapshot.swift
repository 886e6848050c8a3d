public import Foundation
import Postgres

/// What the metrics were in the window that evaluations compare with.
public struct BaselineSnapshot: Sendable, Hashable, Codable {
    /// `7day_rolling`, or another that `update_baseline` was called with.
    public var baselineName: String
    /// How many days it looks back.
    public var baselineWindowDays: Int
    /// Fallback events over all events of the window.
    public var baselineFallbackRate: Double?
    /// Failed events over all.
    public var baselineErrorRate: Double?
    /// Retried events over all.
    public var baselineDuplicateRate: Double?
    /// Milliseconds, of all the window's events together.
    public var baselineLatencyP50: Double?
    /// 95th percentile in milliseconds.
    public var baselineLatencyP95: Double?
    /// 99th percentile in milliseconds.
    public var baselineLatencyP99: Double?
    /// Health of the window, 0 to 100.
    public var baselineHealthScore: Double?
    /// Events in the window.
    public var totalEvents: Int
    /// The same figures for each model.
    public var modelBaselines: JSONValue
    /// The same figures for each backend.
    public var backendBaselines: JSONValue
    /// First day in it.
    public var baselineStartDate: Day
    /// Last day in it.
    public var baselineEndDate: Day
    /// Nothing before it counts: since then it has been the normal, as a person said; nil where nobody did.
    public var acceptedFrom: Date?
    /// Who said so.
    public var acceptedBy: String?
    /// Why.
    public var acceptedReason: String?
    /// When it was computed.
    public var computedAt: Date
    /// When it is due to be computed again.
    public var validUntil: Date

    enum CodingKeys: String, CodingKey {
        case baselineName = "baseline_name"
        case baselineWindowDays = "baseline_window_days"
        case baselineFallbackRate = "baseline_fallback_rate"
        case baselineErrorRate = "baseline_error_rate"
        case baselineDuplicateRate = "baseline_duplicate_rate"
        case baselineLatencyP50 = "baseline_latency_p50"
        case baselineLatencyP95 = "baseline_latency_p95"
        case baselineLatencyP99 = "baseline_latency_p99"
        case baselineHealthScore = "baseline_health_score"
        case totalEvents = "total_events"
        case modelBaselines = "model_baselines"
        case backendBaselines = "backend_baselines"
        case baselineStartDate = "baseline_start_date"
        case baselineEndDate = "baseline_end_date"
        case acceptedFrom = "accepted_from"
        case acceptedBy = "accepted_by"
        case acceptedReason = "accepted_reason"
        case computedAt = "computed_at"
        case validUntil = "valid_until"
    }
}

extension BaselineSnapshot {
    /// Every key is written, null where there is no value.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(baselineName, forKey: .baselineName)
        try container.encode(baselineWindowDays, forKey: .baselineWindowDays)
        try container.encode(baselineFallbackRate, forKey: .baselineFallbackRate)
        try container.encode(baselineErrorRate, forKey: .baselineErrorRate)
        try container.encode(baselineDuplicateRate, forKey: .baselineDuplicateRate)
        try container.encode(baselineLatencyP50, forKey: .baselineLatencyP50)
        try container.encode(baselineLatencyP95, forKey: .baselineLatencyP95)
        try container.encode(baselineLatencyP99, forKey: .baselineLatencyP99)
        try container.encode(baselineHealthScore, forKey: .baselineHealthScore)
        try container.encode(totalEvents, forKey: .totalEvents)
        try container.encode(modelBaselines, forKey: .modelBaselines)
        try container.encode(backendBaselines, forKey: .backendBaselines)
        try container.encode(baselineStartDate, forKey: .baselineStartDate)
        try container.encode(baselineEndDate, forKey: .baselineEndDate)
        try container.encode(acceptedFrom, forKey: .acceptedFrom)
        try container.encode(acceptedBy, forKey: .acceptedBy)
        try container.encode(acceptedReason, forKey: .acceptedReason)
        try container.encode(computedAt, forKey: .computedAt)
        try container.encode(validUntil, forKey: .validUntil)
    }

    /// The columns of a row of its table.
    init(row: PostgresRow) throws {
        baselineName = try row.decode("baseline_name")
        baselineWindowDays = try row.decode("baseline_window_days")
        baselineFallbackRate = try row.decode("baseline_fallback_rate")
        baselineErrorRate = try row.decode("baseline_error_rate")
        baselineDuplicateRate = try row.decode("baseline_duplicate_rate")
        baselineLatencyP50 = try row.decode("baseline_latency_p50")
        baselineLatencyP95 = try row.decode("baseline_latency_p95")
        baselineLatencyP99 = try row.decode("baseline_latency_p99")
        baselineHealthScore = try row.decode("baseline_health_score")
        totalEvents = try row.decode("total_events")
        modelBaselines = try JSONValue(parsing: row.decode("model_baselines"))
        backendBaselines = try JSONValue(parsing: row.decode("backend_baselines"))
        baselineStartDate = try row.decodeDay("baseline_start_date")
        baselineEndDate = try row.decodeDay("baseline_end_date")
        acceptedFrom = try row.decode("accepted_from")
        acceptedBy = try row.decode("accepted_by")
        acceptedReason = try row.decode("accepted_reason")
        computedAt = try row.decode("computed_at")
        validUntil = try row.decode("valid_until")
    }
}
