/// How many messages a receiver takes in a time: `1/s`, `30/m`, `500/h`.
public struct RateLimit: Sendable, Hashable, CustomStringConvertible {
    /// Messages in `interval`, 1 to 10,000; as many may come at once.
    public let count: Int
    /// The time for `count` messages.
    public let interval: Duration

    /// One message a second: what Slack takes for a webhook.
    public static let onePerSecond = RateLimit(uncheckedCount: 1, interval: .seconds(1))

    /// So many a second, 1 to 10,000.
    static func perSecond(_ count: Int) -> RateLimit { RateLimit(uncheckedCount: min(10_000, max(1, count)), interval: .seconds(1)) }

    /// - Parameter text: A count from 1 to 10,000, a slash, and `s`, `m` or `h`.
    /// - Throws: `.invalidReceiver` for anything else.
    public init(parsing text: String) throws(NotificationConfigurationError) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        let intervals: [Substring: Duration] = ["s": .seconds(1), "m": .seconds(60), "h": .seconds(3600)]
        guard parts.count == 2, let count = Int(parts[0]), (1...10_000).contains(count), let interval = intervals[parts[1]] else {
            throw NotificationConfigurationError(.invalidReceiver, "a rate limit is written like 1/s, 30/m or 500/h")
        }
        self.init(uncheckedCount: count, interval: interval)
    }

    private init(uncheckedCount count: Int, interval: Duration) {
        self.count = count
        self.interval = interval
    }

    /// As it is written: `1/s`.
    public var description: String {
        switch interval {
        case .seconds(1): "\(count)/s"
        case .seconds(60): "\(count)/m"
        default: "\(count)/h"
        }
    }
}
