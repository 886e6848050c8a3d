public import Foundation

/// The alerts that would have been raised.
public struct BacktestReport: Sendable, Hashable, Codable {
    /// A metric that had nothing to compare with (`not_armed`): no alert of it says nothing.
    public struct Unarmed: Sendable, Hashable, Codable {
        /// `latency_p95`, …
        public var metricName: String
        /// At so many of the moments.
        public var evaluations: Int

        enum CodingKeys: String, CodingKey {
            case evaluations
            case metricName = "metric_name"
        }
    }

    /// The first moment that was evaluated.
    public var from: Date
    /// Where it ended: no moment from here on was evaluated.
    public var to: Date
    /// Seconds from one evaluation to the next.
    public var stepSeconds: Int
    /// How many moments were evaluated.
    public var evaluations: Int
    /// In the order of their opening.
    public var alerts: [BacktestAlert]
    /// By metric; empty where each could be judged at each moment.
    public var unarmed: [Unarmed] = []

    enum CodingKeys: String, CodingKey {
        case from, to, evaluations, alerts
        case stepSeconds = "step_seconds"
        case unarmed = "not_armed"
    }
}

/// An alert of a backtest, as it stood at the end.
public struct BacktestAlert: Sendable, Hashable, Codable {
    /// The slice that explains most of the excess; each nil where none does.
    public struct Affected: Sendable, Hashable, Codable {
        /// A model.
        public var model: String?
        /// A backend.
        public var backend: String?
        /// An agent.
        public var agent: String?
        /// `service:version`.
        public var version: String?

        /// Every key is written, null where there is no value.
        public func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(model, forKey: .model)
            try container.encode(backend, forKey: .backend)
            try container.encode(agent, forKey: .agent)
            try container.encode(version, forKey: .version)
        }
    }

    /// A step of it.
    public struct Step: Sendable, Hashable, Codable {
        /// The moment whose evaluation led to it.
        public var at: Date
        /// What happened.
        public var transition: AlertTransition.Kind
        /// The severity after it.
        public var severity: Severity
    }

    /// `error_spike`, …
    public var alertType: String
    /// The last one.
    public var severity: Severity
    /// `error_rate`, …
    public var metricName: String
    /// When it was first opened.
    public var openedAt: Date
    /// nil when it was open at the end.
    public var resolvedAt: Date?
    /// The worst one.
    public var peakSeverity: Severity
    /// What was last seen of it, in the metric's unit.
    public var currentValue: Double?
    /// What was expected then.
    public var baselineValue: Double?
    /// Current over baseline.
    public var deviationRatio: Double?
    /// Who caused it.
    public var affected: Affected
    /// First to last.
    public var transitions: [Step]

    enum CodingKeys: String, CodingKey {
        case severity, affected, transitions
        case alertType = "alert_type"
        case metricName = "metric_name"
        case openedAt = "opened_at"
        case resolvedAt = "resolved_at"
        case peakSeverity = "peak_severity"
        case currentValue = "current_value"
        case baselineValue = "baseline_value"
        case deviationRatio = "deviation_ratio"
    }

    /// Every key is written, null where there is no value.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(alertType, forKey: .alertType)
        try container.encode(severity, forKey: .severity)
        try container.encode(metricName, forKey: .metricName)
        try container.encode(openedAt, forKey: .openedAt)
        try container.encode(resolvedAt, forKey: .resolvedAt)
        try container.encode(peakSeverity, forKey: .peakSeverity)
        try container.encode(currentValue, forKey: .currentValue)
        try container.encode(baselineValue, forKey: .baselineValue)
        try container.encode(deviationRatio, forKey: .deviationRatio)
        try container.encode(affected, forKey: .affected)
        try container.encode(transitions, forKey: .transitions)
    }
}
