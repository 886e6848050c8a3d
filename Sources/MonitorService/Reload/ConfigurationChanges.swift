import Notifications
import Postgres

/// What is different in another configuration, by the names of keys: never a value, which may be a secret.
struct ConfigurationChanges: Sendable, Hashable {
    /// Keys that take effect while the service runs, in the order of the file: `detection.thresholds`, `receivers.oncall.url`.
    let applied: [String]
    /// Keys that a restart alone takes over.
    let needRestart: [String]

    var isEmpty: Bool { applied.isEmpty && needRestart.isEmpty }

    init(from old: ServiceConfiguration, to new: ServiceConfiguration) {
        let keys = Part.differing(ServiceConfiguration.parts, old, new).flatMap { key in
            switch key {
            case "listener.tokens": Self.named(key, old.listener.tokens, new.listener.tokens, \.name, AccessToken.parts)
            case "receivers": Self.named(key, old.receivers, new.receivers, \.name, ReceiverConfiguration.parts)
            default: [key]
            }
        }
        var keysOfRestart = ServiceConfiguration.keysOfRestart
        if new.database.leadsToTheSameDatabase(as: old.database) { keysOfRestart.remove("database.url") }
        needRestart = keys.filter(keysOfRestart.contains)
        applied = keys.filter { !keysOfRestart.contains($0) }
    }

    /// The keys of a list whose elements have names; the key of the list where their order alone is another.
    private static func named<Element: Sendable>(
        _ key: String, _ old: [Element], _ new: [Element], _ name: (Element) -> String, _ parts: [Part<Element>]
    ) -> [String] {
        let before = Dictionary(old.map { (name($0), $0) }) { first, _ in first }
        let after = Dictionary(new.map { (name($0), $0) }) { first, _ in first }
        let gone = old.map(name).filter { after[$0] == nil }.map { "\(key).\($0) (gone)" }
        let others = new.flatMap { element in
            guard let former = before[name(element)] else { return ["\(key).\(name(element)) (new)"] }
            return Part.differing(parts, former, element).map { "\(key).\(name(element)).\($0)" }
        }
        return gone.isEmpty && others.isEmpty ? [key] : gone + others
    }

    /// A key and what stands there.
    struct Part<Root>: Sendable {
        let key: String
        let differs: @Sendable (Root, Root) -> Bool

        init<Value: Equatable & SendableMetatype>(_ key: String, _ value: @escaping @Sendable (Root) -> Value) {
            self.key = key
            differs = { value($0) != value($1) }
        }

        static func differing(_ parts: [Part], _ old: Root, _ new: Root) -> [String] {
            parts.filter { $0.differs(old, new) }.map(\.key)
        }
    }
}

extension ServiceConfiguration {
    /// What everything else stands on while the service runs. Of the database's URL another user or password is taken over all the same.
    static let keysOfRestart: Set<String> = [
        "data_dir", "database.url", "database.pool_size", "listener.host", "listener.port", "listener.trusted_proxies",
        "listener.max_connections",
        "listener.max_connections_per_client",
    ]

    /// This one as far as it can take effect while `running` does: what needs a restart stays as it is.
    func keepingWhatNeedsRestart(of running: ServiceConfiguration) -> ServiceConfiguration {
        var result = self
        result.dataDirectory = running.dataDirectory
        result.database = running.database
        if database.leadsToTheSameDatabase(as: running.database) { result.database.url = database.url }
        result.listener.host = running.listener.host
        result.listener.port = running.listener.port
        result.listener.trustedProxies = running.listener.trustedProxies
        result.listener.maximumConnections = running.listener.maximumConnections
        result.listener.maximumConnectionsPerClient = running.listener.maximumConnectionsPerClient
        return result
    }

    /// Every key, in the order of the file; a test holds them against the properties.
    static let parts: [ConfigurationChanges.Part<ServiceConfiguration>] = [
        .init("environment") { $0.environment },
        .init("data_dir") { $0.dataDirectory },
        .init("database.url") { $0.database.url },
        .init("database.pool_size") { $0.database.poolSize },
        .init("listener.host") { $0.listener.host },
        .init("listener.port") { $0.listener.port },
        .init("listener.public_url") { $0.listener.publicURL },
        .init("listener.tokens") { $0.listener.tokens },
        .init("listener.link_key") { $0.listener.linkKey },
        .init("listener.slack_signing_secret") { $0.listener.slackSigningSecret },
        .init("listener.trusted_proxies") { $0.listener.trustedProxies },
        .init("listener.max_connections") { $0.listener.maximumConnections },
        .init("listener.max_connections_per_client") { $0.listener.maximumConnectionsPerClient },
        .init("detection.evaluation_interval") { $0.detection.evaluationInterval },
        .init("detection.rule") { $0.detection.rule },
        .init("detection.windows") { $0.detection.windows },
        .init("detection.baseline") { $0.detection.baseline },
        .init("detection.thresholds") { $0.detection.thresholds },
        .init("detection.critical_after") { $0.detection.criticalAfter },
        .init("detection.resolve_after") { $0.detection.resolveAfter },
        .init("detection.reopen_within") { $0.detection.reopenWithin },
        .init("detection.health") { $0.detection.health },
        .init("detection.slices") { $0.detection.slices },
        .init("detection.metrics") { $0.detection.metrics },
        .init("receivers") { $0.receivers },
        .init("time_intervals") { $0.timeIntervals },
        .init("routes") { $0.routes },
        .init("default_receivers") { $0.defaultReceivers },
        .init("fallback_receiver") { $0.fallbackReceiver },
        .init("heartbeat") { $0.heartbeat },
        .init("remind_acknowledged_after") { $0.remindAcknowledgedAfter },
        .init("runbook_url") { $0.runbookURLs },
        .init("inhibit_rules") { $0.inhibitRules },
        .init("relay") { $0.relay },
        .init("retention") { $0.retention },
    ]
}

extension DatabaseConfiguration {
    /// Whether both are URLs of one database, for whatever user and password; both have been read before.
    func leadsToTheSameDatabase(as other: DatabaseConfiguration) -> Bool {
        guard let url, let before = other.url, let next = try? PostgresConfiguration(url.reveal()),
            let present = try? PostgresConfiguration(before.reveal())
        else { return false }
        return next.leadsToTheSameDatabase(as: present)
    }
}

extension AccessToken {
    static let parts: [ConfigurationChanges.Part<AccessToken>] = [
        .init("name") { $0.name },
        .init("secret") { $0.secret },
        .init("scope") { $0.scope },
    ]
}

extension ReceiverConfiguration {
    static let parts: [ConfigurationChanges.Part<ReceiverConfiguration>] = [
        .init("name") { $0.name },
        .init("type") { $0.type },
        .init("url") { $0.url },
        .init("routing_key") { $0.routingKey },
        .init("secret") { $0.secret },
        .init("previous_secret") { $0.previousSecret },
        .init("rate_limit") { $0.rateLimit },
        .init("max_in_flight") { $0.maximumInFlight },
        .init("allow_private_network") { $0.allowPrivateNetwork },
        .init("send_resolved") { $0.sendResolved },
        .init("tell_acknowledged") { $0.tellAcknowledged },
        .init("supersede") { $0.supersede },
        .init("interactive") { $0.interactive },
        .init("templates") { $0.templates },
    ]
}
