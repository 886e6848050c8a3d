public import Notifications

/// A destination of messages as the configuration writes it.
public struct ReceiverConfiguration: Sendable, Hashable {
    /// The formats that can be named. Which of them can be sent is the business of what builds the receivers.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        /// Slack's incoming webhooks, Block Kit.
        case slack
        /// Signed JSON of our own to any URL.
        case webhook
    }

    /// What routes call it; unique, letters, digits, `-`, `_` and `.`.
    public var name: String

    /// The format of its messages.
    public var type: Kind

    /// Where they are sent to; http or https. A secret, since chat webhooks carry their credential in it.
    public var url: Secret

    /// Signs the messages of a `webhook`. nil: not signed.
    public var secret: Secret?

    /// How fast it may be sent to. nil: the format's own limit (Slack: 1/s).
    public var rateLimit: RateLimit?

    /// Whether its URL may lead to a private, loopback or link-local address.
    public var allowPrivateNetwork: Bool

    /// Whether it is told when an alert of which it was told is over.
    public var sendResolved: Bool

    /// Whether it is told when somebody takes an alert in hand.
    public var tellAcknowledged: Bool

    /// Describes a receiver.
    public init(
        name: String, type: Kind, url: Secret, secret: Secret? = nil, rateLimit: RateLimit? = nil, allowPrivateNetwork: Bool = false,
        sendResolved: Bool = true, tellAcknowledged: Bool = false
    ) {
        self.name = name
        self.type = type
        self.url = url
        self.secret = secret
        self.rateLimit = rateLimit
        self.allowPrivateNetwork = allowPrivateNetwork
        self.sendResolved = sendResolved
        self.tellAcknowledged = tellAcknowledged
    }
}
