public import Foundation
import Postgres

/// What an hour or a day of learning events came to. Hours and days are UTC, closed at the start and open at the end.
public struct MetricSnapshot: Sendable, Hashable, Codable {
    /// The day, UTC.
    public var metricDate: Day
    /// 0 to 23; nil for the whole day.
    public var metricHour: Int?
    /// Its first moment.
    public var windowStart: Date
    /// The first moment after it.
    public var windowEnd: Date
    /// Events that occurred in it.
    public var totalEvents: Int
    /// Those with a reward over 0.5.
    public var successfulEvents: Int
    /// Those with a reward of 0.3 or less.
    public var failedEvents: Int
    /// Those that were answered by a fallback.
    public var fallbackEvents: Int
    /// Those that were retried.
    public var duplicateEvents: Int
    /// Those with a reward that can be read.
    public var scoredEvents: Int
    /// Those with a field that cannot be read.
    public var malformedEvents: Int
    /// How many of each field.
    public var malformedFields: [String: Int]
    /// Fallback over total events, 4 decimals; nil without events.
    public var fallbackRate: Double?
    /// Failed over total events.
    public var errorRate: Double?
    /// Retried over total events.
    public var duplicateRate: Double?
    /// Milliseconds, 2 decimals, as percentile_cont gives it; nil where no event has a duration.
    public var latencyP50: Double?
    /// 75th percentile in milliseconds.
    public var latencyP75: Double?
    /// 90th percentile in milliseconds.
    public var latencyP90: Double?
    /// 95th percentile in milliseconds.
    public var latencyP95: Double?
    /// 99th percentile in milliseconds.
    public var latencyP99: Double?
    /// Mean in milliseconds.
    public var latencyAvg: Double?
    /// Longest in milliseconds.
    public var latencyMax: Double?
    /// Shortest in milliseconds.
    public var latencyMin: Double?
    /// Events of each model.
    public var modelDistribution: [String: Int]
    /// Events of each `service:version`.
    public var serviceVersions: [String: Int]
    /// Most frequent first.
    public var fallbackReasons: [FallbackReason]
    /// Events of each backend.
    public var backendDistribution: [String: Int]
    /// Events of each agent.
    public var agentDistribution: [String: Int]
    /// Events of each type.
    public var eventTypeDistribution: [String: Int]
    /// 0 to 100, 2 decimals; nil without events.
    public var healthScore: Double?
    /// When these figures last changed.
    public var computedAt: Date
    /// `learning_events`.
    public var dataSource: String

    enum CodingKeys: String, CodingKey {
        case metricDate = "metric_date"
        case metricHour = "metric_hour"
        case windowStart = "window_start"
        case windowEnd = "window_end"
        case totalEvents = "total_events"
        case successfulEvents = "successful_events"
        case failedEvents = "failed_events"
        case fallbackEvents = "fallback_events"
        case duplicateEvents = "duplicate_events"
        case scoredEvents = "scored_events"
        case malformedEvents = "malformed_events"
        case malformedFields = "malformed_fields"
        case fallbackRate = "fallback_rate"
        case errorRate = "error_rate"
        case duplicateRate = "duplicate_rate"
        case latencyP50 = "latency_p50"
        case latencyP75 = "latency_p75"
        case latencyP90 = "latency_p90"
        case latencyP95 = "latency_p95"
        case latencyP99 = "latency_p99"
        case latencyAvg = "latency_avg"
        case latencyMax = "latency_max"
        case latencyMin = "latency_min"
        case modelDistribution = "model_distribution"
        case serviceVersions = "service_versions"
        case fallbackReasons = "fallback_reasons"
        case backendDistribution = "backend_distribution"
        case agentDistribution = "agent_distribution"
        case eventTypeDistribution = "event_type_distribution"
        case healthScore = "health_score"
        case computedAt = "computed_at"
        case dataSource = "data_source"
    }
}

extension MetricSnapshot {
    /// Every key is written, null where there is no value.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(metricDate, forKey: .metricDate)
        try container.encode(metricHour, forKey: .metricHour)
        try container.encode(windowStart, forKey: .windowStart)
        try container.encode(windowEnd, forKey: .windowEnd)
        try container.encode(totalEvents, forKey: .totalEvents)
        try container.encode(successfulEvents, forKey: .successfulEvents)
        try container.encode(failedEvents, forKey: .failedEvents)
        try container.encode(fallbackEvents, forKey: .fallbackEvents)
        try container.encode(duplicateEvents, forKey: .duplicateEvents)
        try container.encode(scoredEvents, forKey: .scoredEvents)
        try container.encode(malformedEvents, forKey: .malformedEvents)
        try container.encode(malformedFields, forKey: .malformedFields)
        try container.encode(fallbackRate, forKey: .fallbackRate)
        try container.encode(errorRate, forKey: .errorRate)
        try container.encode(duplicateRate, forKey: .duplicateRate)
        try container.encode(latencyP50, forKey: .latencyP50)
        try container.encode(latencyP75, forKey: .latencyP75)
        try container.encode(latencyP90, forKey: .latencyP90)
        try container.encode(latencyP95, forKey: .latencyP95)
        try container.encode(latencyP99, forKey: .latencyP99)
        try container.encode(latencyAvg, forKey: .latencyAvg)
        try container.encode(latencyMax, forKey: .latencyMax)
        try container.encode(latencyMin, forKey: .latencyMin)
        try container.encode(modelDistribution, forKey: .modelDistribution)
        try container.encode(serviceVersions, forKey: .serviceVersions)
        try container.encode(fallbackReasons, forKey: .fallbackReasons)
        try container.encode(backendDistribution, forKey: .backendDistribution)
        try container.encode(agentDistribution, forKey: .agentDistribution)
        try container.encode(eventTypeDistribution, forKey: .eventTypeDistribution)
        try container.encode(healthScore, forKey: .healthScore)
        try container.encode(computedAt, forKey: .computedAt)
        try container.encode(dataSource, forKey: .dataSource)
    }

    /// The columns of a row of its table.
    init(row: PostgresRow) throws {
        metricDate = try row.decodeDay("metric_date")
        metricHour = try row.decode("metric_hour")
        windowStart = try row.decode("window_start")
        windowEnd = try row.decode("window_end")
        totalEvents = try row.decode("total_events")
        successfulEvents = try row.decode("successful_events")
        failedEvents = try row.decode("failed_events")
        fallbackEvents = try row.decode("fallback_events")
        duplicateEvents = try row.decode("duplicate_events")
        scoredEvents = try row.decode("scored_events")
        malformedEvents = try row.decode("malformed_events")
        malformedFields = try row.decodeCounts("malformed_fields")
        fallbackRate = try row.decode("fallback_rate")
        errorRate = try row.decode("error_rate")
        duplicateRate = try row.decode("duplicate_rate")
        latencyP50 = try row.decode("latency_p50")
        latencyP75 = try row.decode("latency_p75")
        latencyP90 = try row.decode("latency_p90")
        latencyP95 = try row.decode("latency_p95")
        latencyP99 = try row.decode("latency_p99")
        latencyAvg = try row.decode("latency_avg")
        latencyMax = try row.decode("latency_max")
        latencyMin = try row.decode("latency_min")
        modelDistribution = try row.decodeCounts("model_distribution")
        serviceVersions = try row.decodeCounts("service_versions")
        fallbackReasons = try row.decodeJSON("fallback_reasons")
        backendDistribution = try row.decodeCounts("backend_distribution")
        agentDistribution = try row.decodeCounts("agent_distribution")
        eventTypeDistribution = try row.decodeCounts("event_type_distribution")
        healthScore = try row.decode("health_score")
        computedAt = try row.decode("computed_at")
        dataSource = try row.decode("data_source")
    }
}
