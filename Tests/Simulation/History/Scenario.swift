public import Foundation

/// What a history is drawn from. The same scenario gives the same events, always.
public struct Scenario: Sendable, Hashable {
    /// What is drawn follows from it.
    public var seed: UInt64
    /// Mean over a week.
    public var eventsPerHour: Double
    /// The first moment, at a full hour.
    public var start: Date
    /// How long it goes on.
    public var days: Int
    /// Hours and days.
    public var shape = WeeklyShape()
    /// Beyond chance.
    public var noise = Noise.none
    /// Who takes part.
    public var population = Population.console
    /// How often what goes wrong, and how long answers take, when all is well.
    public var normal = Normal()
    /// What happens; no two at once of one kind.
    public var incidents: [Incident] = []

    /// Rates are shares of all events. 3 % of the events have no reward, 2 % have it as a string; 1 % have no duration.
    public struct Normal: Sendable, Hashable {
        /// Events that fell back.
        public var fallback = 0.04
        /// Rewards of 0.3 and below.
        public var failed = 0.01
        /// Events that were retried.
        public var duplicate = 0.02
        /// Rewards above 0.3 and not above 0.5.
        public var mediocre = 0.07
        /// Events without a reward.
        public var unrewarded = 0.03
        /// Milliseconds. With the scatter, p95 is about 2.5 s.
        public var medianLatency = 1090.0
        /// Standard deviation of the durations' logarithm.
        public var latencyScatter = 0.5

        /// The rates above.
        public init() {}
    }

    /// A Monday.
    public static let monday = Date(timeIntervalSince1970: 1_767_571_200)  // 2026-01-05T00:00:00Z

    /// - Parameters:
    ///   - eventsPerHour: Mean over a week.
    ///   - start: A full hour.
    public init(seed: UInt64, eventsPerHour: Double, start: Date = Scenario.monday, days: Int = 28) {
        self.seed = seed
        self.eventsPerHour = eventsPerHour
        self.start = start
        self.days = days
    }

    /// The first moment after it.
    public var end: Date { start.addingTimeInterval(Double(days) * 86_400) }

    /// How many five-minute buckets it has.
    var bucketCount: Int { days * 288 }

    /// Events expected in a stretch without incidents and noise.
    ///
    /// - Parameter seconds: Since 1970, its middle.
    func expectedEvents(at seconds: Double, in duration: Double) -> Double {
        eventsPerHour * shape.factor(at: seconds) * duration / 3600
    }
}
