/// When a message that failed is sent again: each wait three times the one before, up to an hour, for a day.
///
/// With the defaults and no jitter:
///
/// | failures | wait | since the first attempt |
/// | --- | --- | --- |
/// | 1 | 2 s | 2 s |
/// | 2 | 6 s | 8 s |
/// | 3 | 18 s | 26 s |
/// | 4 | 54 s | 1 min 20 s |
/// | 5 | 162 s | 4 min |
/// | 6 | 486 s | 12 min |
/// | 7 | 1,458 s | 36 min |
/// | 8, 9, … | 1 h | 1 h 36 min, 2 h 36 min, … |
/// | 31 | none: it is dead | 24 h |
public struct Backoff: Sendable, Hashable {
    /// The wait after the first failure.
    public let first: Duration
    /// How many times longer each wait is than the one before.
    public let factor: Double
    /// The longest wait.
    public let most: Duration
    /// The share by which a wait may be shorter or longer, 0 to 1.
    public let jitter: Double
    /// How long a message is tried, from the moment it was written.
    public let giveUpAfter: Duration

    /// - Parameters:
    ///   - factor: 1 or more.
    ///   - jitter: 0 to 1; 0.2 is 20 % either way.
    public init(
        first: Duration = .seconds(2), factor: Double = 3, most: Duration = .seconds(3600), jitter: Double = 0.2,
        giveUpAfter: Duration = .seconds(86_400)
    ) {
        self.first = first
        self.factor = max(1, factor)
        self.most = max(first, most)
        self.jitter = min(1, max(0, jitter))
        self.giveUpAfter = giveUpAfter
    }

    /// The wait after so many failures in a row.
    ///
    /// - Parameters:
    ///   - failures: 1 or more, this one included.
    ///   - timeLeft: Until the message is given up.
    ///   - unit: Chance, 0 to 1; 0.5 is no jitter.
    /// - Returns: At most `timeLeft`, so that the last try comes at its end; nil when there is no time left.
    func wait(afterFailures failures: Int, timeLeft: Duration, unit: Double) -> Duration? {
        guard timeLeft > .zero else { return nil }
        var seconds = first.seconds
        for _ in 1..<max(2, failures) where failures > 1 && seconds < most.seconds { seconds *= factor }
        seconds = min(seconds, most.seconds) * (1 + jitter * (2 * min(1, max(0, unit)) - 1))
        return min(.seconds(seconds), timeLeft)
    }
}
