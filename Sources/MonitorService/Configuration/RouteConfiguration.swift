/// Which alerts go to which receivers, as the configuration writes it.
public struct RouteConfiguration: Sendable, Hashable {
    /// Further receivers for what stays open and unacknowledged.
    public struct Escalation: Sendable, Hashable {
        /// How long after the alert was opened.
        public var after: Duration
        /// Names of the receivers told then.
        public var receivers: [String]

        /// Describes a step.
        public init(after: Duration, receivers: [String]) {
            self.after = after
            self.receivers = receivers
        }
    }

    /// All must match; none matches everything. `label=value`, `!=`, `=~`, `!~`, and `>=` for severity.
    public var matchers: [String] = []

    /// Names of the receivers, in the order written.
    public var receivers: [String]

    /// Whether the routes after this one are looked at too.
    public var `continue` = false

    /// How often to tell again while open and not acknowledged. nil: once.
    public var repeatInterval: Duration?

    /// Whom to tell later. nil: nobody else.
    public var escalate: Escalation?

    /// Labels whose values make a group, none making one of all; nil: each alert on its own.
    public var groupBy: [String]?

    /// How long a new group waits for more of its kind.
    public var groupWait: Duration = .seconds(30)

    /// How long a group waits before it is told of what joined.
    public var groupInterval: Duration = .seconds(300)

    /// Names of time intervals in which it tells nothing.
    public var muteTimeIntervals: [String] = []

    /// Names of the time intervals in which alone it tells; nil: always.
    public var activeTimeIntervals: [String]?

    /// A route of everything to these receivers, to be narrowed.
    public init(receivers: [String]) {
        self.receivers = receivers
    }
}
