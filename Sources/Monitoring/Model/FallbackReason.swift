/// How often events fell back for one reason.
public struct FallbackReason: Sendable, Hashable, Codable {
    /// The console's word for it: `timeout`, `rate_limit`, …
    public var reason: String
    /// Events with it.
    public var count: Int

    /// - Parameter count: Events with the reason, 0 or more.
    public init(reason: String, count: Int) {
        self.reason = reason
        self.count = count
    }
}
