import Notifications

extension NotificationConfiguration {
    /// What the dispatcher is told.
    ///
    /// - Parameter port: The listener's, for links where no public URL is configured.
    init(_ configuration: ServiceConfiguration, port: Int) throws(NotificationConfigurationError) {
        var receivers: [Receiver] = []
        for receiver in configuration.receivers { receivers.append(try Receiver(receiver)) }
        var routes: [Route] = []
        for route in configuration.routes {
            routes.append(
                Route(
                    matchers: try Self.matchers(route.matchers), receivers: route.receivers, continues: route.continue,
                    grouping: try Grouping(route),
                    repeatInterval: route.repeatInterval,
                    escalation: route.escalate.map { Escalation(after: $0.after, receivers: $0.receivers) },
                    schedule: configuration.schedule(of: route)))
        }
        var rules: [InhibitRule] = []
        for rule in configuration.inhibitRules {
            rules.append(
                try InhibitRule(
                    source: try Self.matchers(rule.sourceMatchers), target: try Self.matchers(rule.targetMatchers), equal: rule.equal))
        }
        let listener = configuration.listener
        // A listener on every address is reached by this machine's own, for want of a better one.
        let isEverywhere = ["0.0.0.0", "::", "[::]"].contains(listener.host)
        let host = isEverywhere ? "127.0.0.1" : listener.host
        let authority = host.contains(":") && !host.hasPrefix("[") ? "[\(host)]" : host
        var runbooks: [String: String] = [:]
        for type in ServiceConfiguration.alertTypes { runbooks[type] = configuration.runbookURL(for: type) }
        try self.init(
            receivers: receivers, routes: routes,
            defaultReceivers: configuration.defaultReceivers,
            publicURL: listener.publicURL ?? "http://\(authority):\(port)", environment: configuration.environment, runbooks: runbooks,
            remindAcknowledgedAfter: configuration.remindAcknowledgedAfter, fallbackReceiver: configuration.fallbackReceiver,
            inhibitRules: rules)
    }

    private static func matchers(_ texts: [String]) throws(NotificationConfigurationError) -> [Matcher] {
        var matchers: [Matcher] = []
        for text in texts { matchers.append(try Matcher(text)) }
        return matchers
    }
}

extension Grouping {
    /// nil: each alert by itself.
    fileprivate init?(_ route: RouteConfiguration) throws(NotificationConfigurationError) {
        guard let names = route.groupBy else { return nil }
        try self.init(by: names, wait: route.groupWait, interval: route.groupInterval)
    }
}

extension ServiceConfiguration {
    /// When a route tells.
    fileprivate func schedule(of route: RouteConfiguration) -> Schedule {
        func intervals(_ names: [String]) -> [CalendarInterval] {
            timeIntervals.filter { names.contains($0.name) }.flatMap(\.elements).map(\.interval)
        }
        return Schedule(mutes: intervals(route.muteTimeIntervals), actives: route.activeTimeIntervals.map(intervals))
    }
}

extension Receiver {
    fileprivate init(_ receiver: ReceiverConfiguration) throws(NotificationConfigurationError) {
        var secrets: [SigningSecret] = []
        for secret in [receiver.secret, receiver.previousSecret].compactMap({ $0 }) { secrets.append(try SigningSecret(secret.reveal())) }
        try self.init(
            name: receiver.name, kind: receiver.type, url: receiver.url, routingKey: receiver.routingKey, signingSecrets: secrets,
            rateLimit: receiver.rateLimit, allowPrivateNetwork: receiver.allowPrivateNetwork, sendResolved: receiver.sendResolved,
            tellAcknowledged: receiver.tellAcknowledged, supersedes: receiver.supersede, maximumInFlight: receiver.maximumInFlight,
            isInteractive: receiver.interactive, templates: receiver.templates)
    }
}
