import MonitorAPI
import Monitoring
import Notifications

extension RelaySettings {
    /// What the listener is told.
    ///
    /// - Parameter port: The listener's.
    /// - Throws: What a configuration is refused for, once each of its keys is right.
    init(_ configuration: ServiceConfiguration, port: Int) throws {
        self.init()
        notifications = try NotificationConfiguration(configuration, port: port)
        severities = SeverityMap(configuration.relay.severities, standard: configuration.relay.defaultSeverity)
        resolveTimeout = configuration.relay.resolveTimeout
        reopenWithin = configuration.detection.reopenWithin
        maximumAlerts = configuration.relay.maximumAlerts
        sources = try configuration.relay.sources.map { try RelaySource($0) }
    }
}

extension RelaySource {
    fileprivate init(_ source: RelayConfiguration.Source) throws {
        let proof: Proof? =
            if let token = source.token {
                .token(try ListenerToken(name: source.name, secret: token.reveal(), scope: .ingest))
            } else if let secret = source.secret {
                switch source.signature {
                case .standardWebhooks: .standardWebhooks(try SigningSecret(secret.reveal()))
                case .slack: .slack(secret)
                }
            } else {
                nil
            }
        self.init(name: source.name, format: Self.format(source), proof: proof, resolveTimeout: source.resolveTimeout)
    }

    private static func format(_ source: RelayConfiguration.Source) -> Format {
        switch source.format {
        case .alertmanager: return .alertmanager
        case .grafana: return .grafana
        case .generic:
            let pointers = source.pointers
            func pointer(_ text: String?) -> JSONPointer? { text.flatMap { JSONPointer($0) } }
            return .generic(
                GenericRelayFormat(
                    alerts: pointer(pointers.alerts), title: pointer(pointers.title) ?? JSONPointer("")!,
                    summary: pointer(pointers.summary),
                    severity: pointer(pointers.severity), status: pointer(pointers.status),
                    identity: pointers.identity.compactMap { JSONPointer($0) }, link: pointer(pointers.link),
                    resolvedWords: source.resolvedValues.isEmpty
                        ? GenericRelayFormat.usualResolvedWords : Set(source.resolvedValues.map { $0.lowercased() })))
        }
    }
}
