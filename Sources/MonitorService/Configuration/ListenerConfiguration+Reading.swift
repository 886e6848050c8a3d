import MonitorAPI
import Notifications

extension ListenerConfiguration {
    init(_ section: ConfigurationSection) {
        section.read("host", .text(atMost: 253), into: &host)
        section.read("port", .integer(0...65535), into: &port)
        section.read("public_url", .webAddress, into: &publicURL)
        tokens = section.sections("tokens", AccessToken.init) ?? []
        section.read("link_key", .linkKey, into: &linkKey)
        section.read("slack_signing_secret", .secret, into: &slackSigningSecret)
        trustedProxies = section.list("trusted_proxies", .network) ?? []
        section.read("max_connections", .integer(10...1_000_000), into: &maximumConnections)
        section.read("max_connections_per_client", .integer(1...1_000_000), into: &maximumConnectionsPerClient)
        for name in Set(tokens.map(\.name)).sorted() where tokens.count(where: { $0.name == name }) > 1 {
            section.problem("tokens", "two tokens are called \(name)")
        }
        if !isLoopback, !section.has("tokens") || (tokens.isEmpty && section.isEmptyList("tokens")) {
            // Only who listens needs them: an image that sets the host runs the other commands, too.
            section.problem(
                "host",
                "\(host) can be reached from other machines: describe listener.tokens, or bind a loopback address such as 127.0.0.1",
                isOfSurroundings: true)
        }
    }
}

extension AccessToken {
    init?(_ section: ConfigurationSection) {
        let name = section.required("name", .name)
        let secret = section.required("secret", .token)
        let scope = section.required("scope", ConfigurationValue<Scope>.choice)
        guard let name, let secret, let scope else { return nil }
        self.init(name: name, secret: secret, scope: scope)
        if !ListenerToken.isBeyondGuessing(secret.reveal()) {
            section.warning(
                "secret",
                "could be found by trying, so that whoever sends wrong tokens from its holder's address locks it out as well: "
                    + "take one of openssl rand -hex 32")
        }
    }
}
