/// A duration as configuration and command line write it.
public struct DurationArgument: Sendable, Hashable {
    /// How long.
    public var duration: Duration

    /// Reads `90s`, `30m`, `1h30m` or `7d`; nil for anything else.
    public init?(_ text: String) {
        guard let duration = ConfigurationDuration.parse(text) else { return nil }
        self.duration = duration
    }
}
