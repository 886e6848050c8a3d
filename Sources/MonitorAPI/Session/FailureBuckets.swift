import DequeModule

/// How often clients may get a secret wrong: a bucket of tokens for each, from which every failure takes one. Pure: the time comes in.
///
/// Bounded: where there are more clients than room, those that failed longest ago are forgotten.
struct FailureBuckets: Sendable {
    /// What a full bucket has.
    static let capacity = 20.0
    /// How fast it fills again: with one in so many seconds.
    static let secondsPerToken = 1.0

    private struct Bucket: Sendable {
        var tokens: Double
        /// Seconds on the clock.
        var at: Double
    }

    private let room: Int
    private var buckets: [ClientNetwork: Bucket] = [:]
    /// In the order of their first failure.
    private var order: Deque<ClientNetwork> = []

    /// - Parameter room: Most clients that are remembered.
    init(room: Int = 10_000) {
        self.room = room
    }

    /// Clients that are remembered.
    var count: Int { buckets.count }

    /// Seconds until the client may try again, at least 1; nil where it may now.
    func wait(_ client: ClientNetwork, at now: Double) -> Int? {
        guard let bucket = buckets[client] else { return nil }
        let tokens = Self.tokens(bucket, now)
        guard tokens < 1 else { return nil }
        return max(1, Int(((1 - tokens) * Self.secondsPerToken).rounded(.up)))
    }

    /// It got a secret wrong. One that may not try has nothing to lose: trying on does not make its wait longer.
    mutating func failed(_ client: ClientNetwork, at now: Double) {
        if let bucket = buckets[client] {
            buckets[client] = Bucket(tokens: max(0, Self.tokens(bucket, now) - 1), at: now)
            return
        }
        while buckets.count >= room, let oldest = order.popFirst() { buckets[oldest] = nil }
        buckets[client] = Bucket(tokens: Self.capacity - 1, at: now)
        order.append(client)
    }

    private static func tokens(_ bucket: Bucket, _ now: Double) -> Double {
        min(capacity, bucket.tokens + max(0, now - bucket.at) / secondsPerToken)
    }
}
