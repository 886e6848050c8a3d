public import Foundation

/// The answer to `GET /api/monitor/summary`.
public struct Summary: Sendable, Hashable, Codable {
    /// The dates looked at.
    public var window: Window
    /// Figures over them.
    public var metrics: Metrics
    /// nil while there is none.
    public var baseline: Baseline?
    /// Where the figures go.
    public var trends: Trends
    /// What is open.
    public var alerts: Alerts
    /// When this was put together.
    public var generatedAt: Date
    /// The hours of the window, oldest first; left out unless asked for.
    public var hourly: [MetricSnapshot]?

    enum CodingKeys: String, CodingKey {
        case window, metrics, baseline, trends, alerts, hourly
        case generatedAt = "generated_at"
    }

    /// Every key is written, null where there is no value.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(window, forKey: .window)
        try container.encode(metrics, forKey: .metrics)
        try container.encode(baseline, forKey: .baseline)
        try container.encode(trends, forKey: .trends)
        try container.encode(alerts, forKey: .alerts)
        try container.encode(generatedAt, forKey: .generatedAt)
        try container.encodeIfPresent(hourly, forKey: .hourly)
    }

    /// The dates looked at, both included.
    public struct Window: Sendable, Hashable, Codable {
        /// First date.
        public var startDate: Day
        /// Last date.
        public var endDate: Day
        /// How many of them have data.
        public var days: Int

        enum CodingKeys: String, CodingKey {
            case days
            case startDate = "start_date"
            case endDate = "end_date"
        }
    }

    /// Figures over the window.
    public struct Metrics: Sendable, Hashable, Codable {
        /// Events in it.
        public var totalEvents: Int
        /// Fallback over all events of the window, 4 decimals; nil without events.
        public var avgFallbackRate: Double?
        /// Failed over all events of the window, 4 decimals.
        public var avgErrorRate: Double?
        /// Mean over the days that have one, 2 decimals.
        public var avgHealthScore: Double?
        /// The last day with events.
        public var latest: MetricSnapshot?

        enum CodingKeys: String, CodingKey {
            case latest
            case totalEvents = "total_events"
            case avgFallbackRate = "avg_fallback_rate"
            case avgErrorRate = "avg_error_rate"
            case avgHealthScore = "avg_health_score"
        }

        /// Every key is written, null where there is no value.
        public func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(totalEvents, forKey: .totalEvents)
            try container.encode(avgFallbackRate, forKey: .avgFallbackRate)
            try container.encode(avgErrorRate, forKey: .avgErrorRate)
            try container.encode(avgHealthScore, forKey: .avgHealthScore)
            try container.encode(latest, forKey: .latest)
        }
    }

    /// What the figures are compared with.
    public struct Baseline: Sendable, Hashable, Codable {
        /// Share of events, 0 to 1.
        public var fallbackRate: Double?
        /// Share of events, 0 to 1.
        public var errorRate: Double?
        /// Milliseconds.
        public var latencyP95: Double?
        /// When it is due to be computed again.
        public var validUntil: Date

        enum CodingKeys: String, CodingKey {
            case fallbackRate = "fallback_rate"
            case errorRate = "error_rate"
            case latencyP95 = "latency_p95"
            case validUntil = "valid_until"
        }

        /// Every key is written, null where there is no value.
        public func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(fallbackRate, forKey: .fallbackRate)
            try container.encode(errorRate, forKey: .errorRate)
            try container.encode(latencyP95, forKey: .latencyP95)
            try container.encode(validUntil, forKey: .validUntil)
        }
    }

    /// Where the figures go.
    public struct Trends: Sendable, Hashable, Codable {
        /// Of the pooled rate.
        public var fallbackRate: Trend
        /// Of the mean of the days' 95th percentiles.
        public var latencyP95: Trend

        enum CodingKeys: String, CodingKey {
            case fallbackRate = "fallback_rate"
            case latencyP95 = "latency_p95"
        }
    }

    /// What is open.
    public struct Alerts: Sendable, Hashable, Codable {
        /// Alerts with status open.
        public var totalOpen: Int
        /// How many of them of each severity; no key for none.
        public var bySeverity: [String: Int]
        /// The five that were opened last, whatever their status.
        public var recent: [Alert]

        enum CodingKeys: String, CodingKey {
            case recent
            case totalOpen = "total_open"
            case bySeverity = "by_severity"
        }
    }
}
