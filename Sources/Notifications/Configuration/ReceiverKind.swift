/// What a receiver speaks.
public enum ReceiverKind: String, Sendable, Hashable, CaseIterable {
    /// Slack's incoming webhooks: Block Kit.
    case slack
    /// Mattermost's incoming webhooks: text and attachments.
    case mattermost
    /// Rocket.Chat's incoming integrations: text and attachments.
    case rocketchat
    /// Discord's webhooks: embeds.
    case discord
    /// A workflow of Microsoft Teams that takes webhooks: Adaptive Cards.
    case teams
    /// A space of Google Chat: cards.
    case googlechat
    /// PagerDuty's Events API v2: incidents that are triggered, acknowledged and resolved.
    case pagerduty
    /// Any HTTP endpoint: JSON with the signature of Standard Webhooks.
    case webhook
    /// No endpoint: the message becomes a line of the log.
    case log

    /// - Parameter name: As in the configuration's `type`.
    /// - Throws: `.invalidReceiver`, which names the kinds there are.
    public init(named name: String) throws(NotificationConfigurationError) {
        if let kind = ReceiverKind(rawValue: name) {
            self = kind
            return
        }
        let known = Self.allCases.map(\.rawValue).joined(separator: ", ")
        throw NotificationConfigurationError(.invalidReceiver, "receiver type '\(name.prefix(40))' is unknown; the types are \(known)")
    }

    /// Whether a person reads it, in a channel.
    public var isChat: Bool { self != .webhook && self != .pagerduty }

    /// Whether a newer message of an alert replaces an older one that still waits, where the configuration says nothing.
    ///
    /// For chats, so that a channel hears the present state once. For PagerDuty too: its incident follows the latest event of its
    /// `dedup_key`, an end or an acknowledgement of an incident that it never heard of does nothing, and nobody should be paged for
    /// what is over. Not for `webhook`, whose programs may count steps.
    public var supersedesByDefault: Bool { self != .webhook }

    /// Whether a message may tell of several alerts. PagerDuty's events are of one incident each.
    public var takesGroups: Bool { self != .pagerduty }

    /// Whether there is a request to make.
    public var hasEndpoint: Bool { self != .log }

    /// Whether it is told when somebody takes an alert in hand, where the configuration says nothing: PagerDuty stops paging then.
    public var tellsAcknowledgedByDefault: Bool { self == .pagerduty }

    /// Whether templates may replace its text.
    public var takesTemplates: Bool { self != .webhook }

    /// Where it is when no URL is given; nil: there must be one.
    public var standardURL: Secret? { self == .pagerduty ? Secret("https://events.pagerduty.com/v2/enqueue") : nil }

    /// Whether a message that is refused for its form may be taken as text alone, whatever the refusal says. Slack says which it is.
    var hasPlainForm: Bool {
        switch self {
        case .mattermost, .rocketchat, .discord, .teams, .googlechat: true
        case .slack, .pagerduty, .webhook, .log: false
        }
    }
}
