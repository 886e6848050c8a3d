/// How long an answer holds.
enum Freshness: Sendable, Hashable {
    /// As long as the data stand as they are, and no boundary of so many seconds has passed: midnights, hours and the buckets of
    /// five minutes lie on such boundaries.
    case data(secondsPerStep: Int = 60)
    /// A second: what the data version does not tell of.
    case brief
    /// As long as the process lives.
    case fixed
}
