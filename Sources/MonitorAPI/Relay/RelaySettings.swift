public import Notifications

/// How alerts from elsewhere are taken in.
public struct RelaySettings: Sendable, Hashable {
    /// Routes and what inhibits what, as they are shown; nil: none.
    public var notifications: NotificationConfiguration?
    /// What the severities of other systems mean.
    public var severities = SeverityMap()
    /// How long an alert of Alertmanager's API stands that names no end and is not seen again.
    public var resolveTimeout: Duration = .seconds(300)
    /// One that comes back within it is reopened, not new.
    public var reopenWithin: Duration = .seconds(86_400)
    /// So many from elsewhere may stand at a time.
    public var maximumAlerts = 100_000
    /// Who may send webhooks.
    public var sources: [RelaySource] = []

    /// The defaults.
    public init() {}
}

/// A system that sends webhooks to `/relay/{name}`.
public struct RelaySource: Sendable, Hashable {
    /// What the webhooks of a system look like.
    public enum Format: Sendable, Hashable {
        /// Alertmanager's webhook, version 4.
        case alertmanager
        /// Grafana's alerting.
        case grafana
        /// Any JSON.
        case generic(GenericRelayFormat)
    }

    /// How it shows that it is the one.
    public enum Proof: Sendable, Hashable {
        /// `Authorization: Bearer`.
        case token(ListenerToken)
        /// Standard Webhooks: webhook-id, webhook-timestamp, webhook-signature.
        case standardWebhooks(SigningSecret)
        /// X-Slack-Request-Timestamp and X-Slack-Signature.
        case slack(Secret)
    }

    /// In its path.
    public var name: String
    /// What it sends.
    public var format: Format
    /// nil: whoever reaches a listener without tokens, on the loopback address.
    public var proof: Proof?
    /// How long its alerts stand that it does not name again; nil: until it says that they are over.
    public var resolveTimeout: Duration?

    /// A source.
    public init(name: String, format: Format, proof: Proof? = nil, resolveTimeout: Duration? = nil) {
        self.name = name
        self.format = format
        self.proof = proof
        self.resolveTimeout = resolveTimeout
    }
}

/// Where in a JSON document stands what an alert is of: JSON Pointers (RFC 6901).
public struct GenericRelayFormat: Sendable, Hashable {
    /// An array of alerts; nil: the document is one.
    public var alerts: JSONPointer?
    /// What it is called.
    public var title: JSONPointer
    /// What is said about it.
    public var summary: JSONPointer?
    /// How bad it is.
    public var severity: JSONPointer?
    /// Whether it goes on.
    public var status: JSONPointer?
    /// What tells it from others, besides its title.
    public var identity: [JSONPointer]
    /// A URL.
    public var link: JSONPointer?
    /// Values of `status` that say that it is over, in small letters.
    public var resolvedWords: Set<String>

    /// What is usual for what says that it is over.
    public static let usualResolvedWords: Set<String> = [
        "resolved", "ok", "closed", "up", "recovered", "recovery", "success", "green", "normal", "inactive", "passed", "false", "0",
    ]

    /// Pointers count from an alert, where there are several.
    public init(
        alerts: JSONPointer? = nil, title: JSONPointer, summary: JSONPointer? = nil, severity: JSONPointer? = nil,
        status: JSONPointer? = nil, identity: [JSONPointer] = [], link: JSONPointer? = nil,
        resolvedWords: Set<String> = usualResolvedWords
    ) {
        self.alerts = alerts
        self.title = title
        self.summary = summary
        self.severity = severity
        self.status = status
        self.identity = identity
        self.link = link
        self.resolvedWords = resolvedWords
    }
}
