/// Keeps a rate: `count` at once, and then one each `interval / count`.
struct TokenBucket: Sendable, Hashable {
    private let capacity: Double
    private let perSecond: Double
    private(set) var tokens: Double
    private var seenAt: Duration

    /// - Parameters:
    ///   - tokens: In it then; nil: it is full.
    ///   - now: On any clock that does not go back.
    init(_ limit: RateLimit, tokens: Double? = nil, at now: Duration) {
        capacity = Double(limit.count)
        perSecond = capacity / limit.interval.seconds
        self.tokens = min(capacity, tokens ?? capacity)
        seenAt = now
    }

    /// How many may go now, at most `most`.
    mutating func available(_ most: Int, at now: Duration) -> Int {
        refill(at: now)
        return min(most, Int(tokens + 1e-9))
    }

    /// So many have gone.
    mutating func take(_ count: Int, at now: Duration) {
        refill(at: now)
        tokens -= Double(count)
    }

    /// How long until the next one may go; zero where one may go now.
    mutating func wait(at now: Duration) -> Duration {
        refill(at: now)
        return tokens >= 1 - 1e-9 ? .zero : .seconds((1 - tokens) / perSecond)
    }

    private mutating func refill(at now: Duration) {
        guard now > seenAt else { return }
        tokens = min(capacity, tokens + (now - seenAt).seconds * perSecond)
        seenAt = now
    }
}
