import Foundation

/// Who is told of what, and what messages begin and end with.
public struct NotificationConfiguration: Sendable, Hashable {
    /// Every receiver, by name.
    public let receivers: [String: Receiver]
    /// Which alerts go where.
    public let routing: RoutingTable
    /// What links in messages begin with, without a slash at its end: `https://monitor.example.com`.
    public let publicURL: String
    /// Shown in every message: `production`; nil: not shown.
    public let environment: String?
    /// What to do about an alert, by its type: URLs.
    public let runbooks: [String: String]
    /// How long a link in a message works, from the transition that it tells of.
    public let linkLifetime: Duration
    /// How long until an alert that somebody has acknowledged, and that is still there, is told again; nil: it is not.
    public let remindAcknowledgedAfter: Duration?
    /// Who is told what others could not be; nil: nobody.
    public let fallbackReceiver: String?
    /// Which alerts keep which others from being told.
    public let inhibitRules: [InhibitRule]
    /// How messages are sent and sent again.
    public let delivery: DeliverySettings

    /// - Parameters:
    ///   - receivers: With none at all, messages are logged.
    ///   - routes: In their order.
    ///   - defaultReceivers: Who is told of what matches no route; nil: every receiver.
    ///   - publicURL: http or https.
    ///   - fallbackReceiver: Is told what is dead for another, or waits for one that is disabled.
    ///   - environment: At most 64 characters.
    ///   - runbooks: http or https URLs by alert type.
    /// - Throws: `NotificationConfigurationError` for a name that is there twice, a route to an undefined receiver, a URL that is none.
    public init(
        receivers: [Receiver] = [], routes: [Route] = [], defaultReceivers: [String]? = nil, publicURL: String = "http://127.0.0.1:8080",
        environment: String? = nil, runbooks: [String: String] = [:], linkLifetime: Duration = .seconds(7 * 86_400),
        remindAcknowledgedAfter: Duration? = nil, fallbackReceiver: String? = nil, inhibitRules: [InhibitRule] = [],
        delivery: DeliverySettings = DeliverySettings()
    ) throws(NotificationConfigurationError) {
        let all = receivers.isEmpty ? [try Receiver(name: "log", kind: .log)] : receivers
        var byName: [String: Receiver] = [:]
        for receiver in all {
            guard byName.updateValue(receiver, forKey: receiver.name) == nil else {
                throw NotificationConfigurationError(.invalidReceiver, "receiver '\(receiver.name)' is defined twice")
            }
        }
        let standard = defaultReceivers ?? all.map(\.name)
        for name in routes.flatMap({ $0.receivers + ($0.escalation?.receivers ?? []) }) + standard + [fallbackReceiver].compactMap({ $0 })
        where byName[name] == nil {
            throw NotificationConfigurationError(.invalidRoute, "receiver '\(name.prefix(64))' is not defined")
        }
        guard Self.isWebAddress(publicURL) else {
            throw NotificationConfigurationError(
                .invalidSetting, "the public URL begins with http:// or https:// and has at most 500 characters")
        }
        for (type, url) in runbooks where !Self.isWebAddress(url) {
            throw NotificationConfigurationError(.invalidSetting, "the runbook of '\(type.prefix(64))' is no http or https URL")
        }
        guard linkLifetime >= .seconds(60), linkLifetime <= .seconds(90 * 86_400) else {
            throw NotificationConfigurationError(.invalidSetting, "a link works for a minute to 90 days")
        }
        self.receivers = byName
        self.routing = RoutingTable(
            routes: routes, defaultReceivers: standard, ungrouped: Set(all.filter { !$0.kind.takesGroups }.map(\.name)))
        self.publicURL = String(publicURL.reversed().drop { $0 == "/" }.reversed())
        self.environment = environment.map { String($0.prefix(64)) }
        self.runbooks = runbooks
        self.linkLifetime = linkLifetime
        self.remindAcknowledgedAfter = remindAcknowledgedAfter.map { max(.seconds(1), $0) }
        self.fallbackReceiver = fallbackReceiver
        self.inhibitRules = inhibitRules
        self.delivery = delivery
    }

    private static func isWebAddress(_ text: String) -> Bool {
        guard text.utf8.count <= 500, text.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7f && $0 != 0x3c && $0 != 0x3e && $0 != 0x7c }),
            let components = URLComponents(string: text), let scheme = components.scheme?.lowercased()
        else { return false }
        return (scheme == "https" || scheme == "http") && components.host?.isEmpty == false
    }
}
