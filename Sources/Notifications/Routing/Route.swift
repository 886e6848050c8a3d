/// Which alerts go to which receivers, and how.
public struct Route: Sendable, Hashable {
    /// All of them must match; none: every alert matches.
    public let matchers: [Matcher]
    /// Names of receivers; none: nobody is told.
    public let receivers: [String]
    /// Whether the routes after this one are looked at as well.
    public let continues: Bool
    /// What is told together; nil: each alert by itself.
    public let grouping: Grouping?
    /// How long until an alert that is open and not acknowledged is told again; nil: it is not.
    public let repeatInterval: Duration?
    /// Whom to tell when nobody has acknowledged an alert for a time; nil: nobody else.
    public let escalation: Escalation?
    /// When it tells; it is quiet at all other times.
    public let schedule: Schedule

    /// - Parameters:
    ///   - receivers: Names; none: what matches is told to nobody.
    ///   - repeatInterval: A second at least.
    public init(
        matchers: [Matcher], receivers: [String], continues: Bool = false, grouping: Grouping? = nil, repeatInterval: Duration? = nil,
        escalation: Escalation? = nil, schedule: Schedule = Schedule()
    ) {
        self.matchers = matchers
        self.receivers = receivers
        self.continues = continues
        self.grouping = grouping
        self.repeatInterval = repeatInterval.map { max(.seconds(1), $0) }
        self.escalation = escalation
        self.schedule = schedule
    }

    func matches(_ labels: AlertLabels) -> Bool {
        matchers.allSatisfy { $0.matches(labels) }
    }
}

/// Further receivers for what nobody takes in hand.
public struct Escalation: Sendable, Hashable {
    /// How long after the opening; a second at least.
    public let after: Duration
    /// Names of the receivers told then.
    public let receivers: [String]

    /// A step.
    public init(after: Duration, receivers: [String]) {
        self.after = max(.seconds(1), after)
        self.receivers = receivers
    }
}
