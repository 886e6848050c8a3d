import Foundation

/// The events of a scenario, in the order of their time, made as they are asked for.
///
/// What is drawn for a bucket of five minutes follows from the seed and the bucket alone: an incident changes nothing outside of its
/// span.
public struct EventHistory: Sequence, Sendable {
    /// What it is drawn from.
    public let scenario: Scenario
    private let buckets: Range<Int>

    /// The history of a scenario.
    public init(_ scenario: Scenario) {
        self.scenario = scenario
        buckets = 0..<scenario.bucketCount
    }

    /// The part of it in some buckets, counted from the scenario's start.
    init(_ scenario: Scenario, buckets: Range<Int>) {
        self.scenario = scenario
        self.buckets = buckets.clamped(to: 0..<scenario.bucketCount)
    }

    /// From the first event to the last.
    public func makeIterator() -> Iterator {
        Iterator(scenario, buckets)
    }

    /// Makes one bucket after the other.
    public struct Iterator: IteratorProtocol {
        private var draw: EventDraw
        private var bucket: Int
        private let endBucket: Int
        private var events: [SimulatedEvent] = []
        private var position = 0

        init(_ scenario: Scenario, _ buckets: Range<Int>) {
            draw = EventDraw(scenario)
            bucket = buckets.lowerBound
            endBucket = buckets.upperBound
        }

        /// The next event, nil after the last.
        public mutating func next() -> SimulatedEvent? {
            while position == events.count {
                guard bucket < endBucket else { return nil }
                draw.events(ofBucket: bucket, into: &events)
                position = 0
                bucket += 1
            }
            position += 1
            return events[position - 1]
        }
    }
}
