/// When an endpoint counts as broken, and how often it is tried then.
public struct BreakerSettings: Sendable, Hashable {
    /// How far back failures count.
    public var window: Duration
    /// It takes so many, and at least half of all requests.
    public var leastFailures: Int
    /// The rest after the first opening; each one after it, without a success in between, is twice as long.
    public var firstRest: Duration
    /// No rest is longer.
    public var longestRest: Duration

    /// - Parameter leastFailures: 1 or more.
    public init(
        window: Duration = .seconds(120), leastFailures: Int = 5, firstRest: Duration = .seconds(30), longestRest: Duration = .seconds(8100)
    ) {
        self.window = window
        self.leastFailures = max(1, leastFailures)
        self.firstRest = firstRest
        self.longestRest = max(firstRest, longestRest)
    }
}
