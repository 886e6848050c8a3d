import MonitorAPI
import Notifications

extension MonitorAPI.ListenerConfiguration {
    /// What the listener is told.
    init(_ configuration: ListenerConfiguration) throws(ListenerConfigurationError) {
        var tokens: [ListenerToken] = []
        for token in configuration.tokens {
            tokens.append(try ListenerToken(name: token.name, secret: token.secret.reveal(), scope: AccessScope(token.scope)))
        }
        try self.init(
            host: configuration.host, port: configuration.port, publicURL: configuration.publicURL, tokens: tokens,
            slackSigningSecret: configuration.slackSigningSecret, trustedProxies: configuration.trustedProxies,
            maximumConnections: configuration.maximumConnections, maximumConnectionsPerClient: configuration.maximumConnectionsPerClient)
    }
}

extension AccessScope {
    fileprivate init(_ scope: AccessToken.Scope) {
        self =
            switch scope {
            case .read: .read
            case .write: .write
            case .ingest: .ingest
            }
    }
}
