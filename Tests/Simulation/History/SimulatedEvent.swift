/// An event of a history.
public struct SimulatedEvent: Sendable, Hashable {
    /// Milliseconds since 1970.
    public var occurredAt: Int
    /// 128 bits that no other event of the history has; these are the first 64.
    var identityHigh: UInt64
    /// The last 64.
    var identityLow: UInt64
    /// `chat_interaction`, or a rarer one.
    public var eventType: String
    /// One of the population's, as are the next three.
    public var model: String
    /// Where it was answered.
    public var backend: String
    /// Who answered.
    public var agent: String
    /// `service:version`.
    public var version: String
    /// Why it fell back, nil when it did not.
    public var fallbackReason: String?
    /// In hundredths, 0 to 100; nil when it has none.
    public var reward: Int?
    /// Whether the reward is a JSON string.
    public var isRewardText: Bool
    /// Milliseconds, nil when it has none.
    public var duration: Int?
    /// Over 1: it was retried.
    public var duplicateCount: Int

    /// Its value in a dimension.
    public subscript(dimension: Slice.Dimension) -> String {
        switch dimension {
        case .model: model
        case .backend: backend
        case .agent: agent
        case .version: version
        }
    }
}
