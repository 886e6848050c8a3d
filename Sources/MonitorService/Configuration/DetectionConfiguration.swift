/// How alerts are found; what the database reads as the newest monitoring_settings row.
public struct DetectionConfiguration: Sendable, Hashable {
    /// When a metric counts as worse.
    public enum Rule: String, Sendable, Hashable, CaseIterable {
        /// The ratio reaches a threshold and the sample is large enough to tell.
        case evidence
        /// The ratio reaches a threshold and there are events enough for a ratio, whatever chance says of it.
        case ratio
    }

    /// What a window is compared with.
    public struct Baseline: Sendable, Hashable {
        /// Its name in monitoring_baseline.
        public var name = "7day_rolling"
        /// Days it covers; 1…28.
        public var windowDays = 7

        /// Seven days, rolling.
        public init() {}
    }

    /// Ratios (value / baseline) at which a severity begins; each at least the one before, 1 or more.
    public struct Thresholds: Sendable, Hashable {
        /// Where `low` begins.
        public var low = 1.5
        /// Where `medium` begins.
        public var medium = 2.0
        /// Where `high` begins.
        public var high = 3.0
        /// What must be held for `critical_after` to become `critical`.
        public var critical = 3.0

        /// 1.5, 2, 3, 3.
        public init() {}
    }

    /// Health scores (0…100) under which health_decline is raised.
    public struct Health: Sendable, Hashable {
        /// Under it: high.
        public var warning = 70.0
        /// Under it: critical.
        public var critical = 50.0

        /// 70 and 50.
        public init() {}
    }

    /// What differs for one metric. nil, and thresholds left out: as in general.
    public struct Metric: Sendable, Hashable {
        /// Ratios that replace the general ones.
        public struct Thresholds: Sendable, Hashable {
            /// As in general where nil.
            public var low, medium, high, critical: Double?

            /// Nothing of its own.
            public init() {}
        }

        /// Whether it is evaluated.
        public var enabled: Bool?
        /// The rule for it.
        public var rule: Rule?
        /// Its own ratios.
        public var thresholds = Thresholds()
        /// The least baseline that its ratio is taken against: a share of events 0…1, for latency of those above the baseline's p95.
        public var floor: Double?

        /// Nothing of its own.
        public init() {}
    }

    /// Alerts on one model, backend, agent or version, where it is one alone that is worse.
    public struct Slices: Sendable, Hashable {
        /// Whether they are looked at.
        public var enabled = true
        /// Events in a window from which a slice is looked at; 1 or more.
        public var leastEvents = 50

        /// From 50 events on.
        public init() {}
    }

    /// The metrics that can be configured.
    public static let metricNames = [
        "fallback_rate", "error_rate", "duplicate_rate", "latency_p95", "health_score", "model_mix", "total_events",
    ]

    /// How often is evaluated; 1 s … 1 h.
    public var evaluationInterval: Duration = .seconds(60)

    /// When a metric counts as worse.
    public var rule = Rule.evidence

    /// The windows looked at, shortest first; whole multiples of five minutes, at most 7 days.
    public var windows: [Duration] = [.seconds(3600), .seconds(21600), .seconds(86400), .seconds(259_200)]

    /// What they are compared with.
    public var baseline = Baseline()

    /// Ratios and severities.
    public var thresholds = Thresholds()

    /// How long `high` must be held to become `critical`.
    public var criticalAfter: Duration = .seconds(1800)

    /// How long it must have been calm before an alert resolves by itself.
    public var resolveAfter: Duration = .seconds(3600)

    /// How long after its end an alert that comes back is the same one.
    public var reopenWithin: Duration = .seconds(86400)

    /// Health scores and severities.
    public var health = Health()

    /// Alerts on single slices.
    public var slices = Slices()

    /// What differs, by metric name.
    public var metrics: [String: Metric] = [:]

    /// The defaults, which are those of monitoring_default_settings().
    public init() {}
}
