/// What a receiver speaks.
public enum ReceiverKind: String, Sendable, Hashable, CaseIterable {
    /// Slack's incoming webhooks: Block Kit.
    case slack
    /// Any HTTP endpoint: JSON with the signature of Standard Webhooks.
    case webhook
    /// No endpoint: the message becomes a line of the log.
    case log

    /// Names that will be formats of their own and are refused until they are.
    static let reserved: Set<String> = ["mattermost", "rocketchat", "discord", "teams", "googlechat", "pagerduty"]

    /// - Parameter name: As in the configuration's `type`.
    /// - Throws: `.invalidReceiver`, which names the kinds there are.
    public init(named name: String) throws(NotificationConfigurationError) {
        if let kind = ReceiverKind(rawValue: name) {
            self = kind
            return
        }
        let known = Self.allCases.map(\.rawValue).joined(separator: ", ")
        let why = Self.reserved.contains(name) ? "is not supported yet" : "is unknown"
        throw NotificationConfigurationError(.invalidReceiver, "receiver type '\(name.prefix(40))' \(why); the types are \(known)")
    }

    /// Whether a person reads it: a newer message then replaces an older one that still waits.
    var isChat: Bool { self != .webhook }

    /// Whether one message may tell of several alerts.
    var takesGroups: Bool { true }

    /// Whether there is a request to make.
    var hasEndpoint: Bool { self != .log }
}
