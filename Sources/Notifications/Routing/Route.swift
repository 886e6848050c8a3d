/// Which alerts go to which receivers.
public struct Route: Sendable, Hashable {
    /// All of them must match; none: every alert matches.
    public let matchers: [Matcher]
    /// Names of receivers; none: nobody is told.
    public let receivers: [String]
    /// Whether the routes after this one are looked at as well.
    public let continues: Bool

    /// - Parameter receivers: Names; none: what matches is told to nobody.
    public init(matchers: [Matcher], receivers: [String], continues: Bool = false) {
        self.matchers = matchers
        self.receivers = receivers
        self.continues = continues
    }

    func matches(_ labels: AlertLabels) -> Bool {
        matchers.allSatisfy { $0.matches(labels) }
    }
}
