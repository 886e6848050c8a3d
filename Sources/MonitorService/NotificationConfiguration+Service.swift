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
            var matchers: [Matcher] = []
            for text in route.matchers { matchers.append(try Matcher(text)) }
            routes.append(Route(matchers: matchers, receivers: route.receivers, continues: route.continue))
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
            publicURL: listener.publicURL ?? "http://\(authority):\(port)", environment: configuration.environment, runbooks: runbooks)
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
