public import Notifications

/// A destination of messages as the configuration writes it.
public struct ReceiverConfiguration: Sendable, Hashable {
    /// The formats that can be named.
    public typealias Kind = ReceiverKind

    /// What routes call it; unique, letters, digits, `-`, `_` and `.`.
    public var name: String

    /// The format of its messages.
    public var type: Kind

    /// Where they are sent to; http or https. A secret, since chat webhooks carry their credential in it. nil for `log`, and for
    /// `pagerduty` where it is the usual one.
    public var url: Secret?

    /// The key of a `pagerduty` service.
    public var routingKey: Secret?

    /// Signs the messages of a `webhook`. nil: not signed.
    public var secret: Secret?

    /// What they were signed with before: while a key is replaced, messages bear both signatures.
    public var previousSecret: Secret?

    /// How fast it may be sent to. nil: the format's own limit (Slack: 1/s).
    public var rateLimit: RateLimit?

    /// How many requests it may have at the same time. nil: the format's own number.
    public var maximumInFlight: Int?

    /// Whether its URL may lead to a private, loopback or link-local address.
    public var allowPrivateNetwork: Bool

    /// Whether it is told when an alert of which it was told is over.
    public var sendResolved: Bool

    /// Whether it is told when somebody takes an alert in hand.
    public var tellAcknowledged: Bool

    /// Whether a newer message of an alert replaces one that waits. nil: the format's own way.
    public var supersede: Bool?

    /// Whether a `slack` message's buttons tell the listener of a press instead of opening a page.
    public var interactive: Bool

    /// What replaces the first line of its messages, and the rest.
    public var templates: MessageTemplates?

    /// Describes a receiver.
    ///
    /// - Parameter tellAcknowledged: nil: the format's own way.
    public init(
        name: String, type: Kind, url: Secret? = nil, routingKey: Secret? = nil, secret: Secret? = nil, previousSecret: Secret? = nil,
        rateLimit: RateLimit? = nil, maximumInFlight: Int? = nil, allowPrivateNetwork: Bool = false, sendResolved: Bool = true,
        tellAcknowledged: Bool? = nil, supersede: Bool? = nil, interactive: Bool = false, templates: MessageTemplates? = nil
    ) {
        self.name = name
        self.type = type
        self.url = url
        self.routingKey = routingKey
        self.secret = secret
        self.previousSecret = previousSecret
        self.rateLimit = rateLimit
        self.maximumInFlight = maximumInFlight
        self.allowPrivateNetwork = allowPrivateNetwork
        self.sendResolved = sendResolved
        self.tellAcknowledged = tellAcknowledged ?? type.tellsAcknowledgedByDefault
        self.supersede = supersede
        self.interactive = interactive
        self.templates = templates
    }
}
