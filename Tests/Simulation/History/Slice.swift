/// The events that have one value in one dimension.
public struct Slice: Sendable, Hashable, Codable {
    /// What events are told apart by.
    public enum Dimension: String, Sendable, Hashable, Codable, CaseIterable {
        case model, backend, agent, version
    }

    /// Which dimension.
    public var dimension: Dimension
    /// Its value, as events have it.
    public var value: String

    /// The events with `value` as their `dimension`.
    public init(_ dimension: Dimension, _ value: String) {
        self.dimension = dimension
        self.value = value
    }
}
