/// What a receiver that works again is given.
public enum Replay: String, Sendable, Hashable, Codable, CaseIterable {
    /// Everything that died, oldest first.
    case all
    /// How things stand: of each alert the newest that it missed, where that is still news.
    case present
}

/// What a replay did.
public struct ReplayOutcome: Sendable, Hashable, Codable {
    /// Notifications that are due again.
    public var replayed: Int
    /// Dead ones that a newer one stands for.
    public var superseded: Int
    /// Dead ones of the time asked for that are still dead: more than one call takes.
    public var remaining: Int
}
