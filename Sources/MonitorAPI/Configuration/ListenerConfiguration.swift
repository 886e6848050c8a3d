import Foundation
public import Notifications

/// Where the listener listens, and who may use it.
public struct ListenerConfiguration: Sendable, Hashable {
    /// The address that is bound.
    public let host: String
    /// The port that is bound; 0 for any free one.
    public let port: Int
    /// What links in messages begin with, without a slash at the end; nil where they begin with the bound address.
    public let publicURL: String?
    /// Who may use it; empty: whoever can reach the loopback address.
    public let tokens: [ListenerToken]
    /// What Slack signs its requests with; nil: buttons in Slack are links alone, and `/slack/interactions` is not served.
    public let slackSigningSecret: Secret?
    /// Whose X-Forwarded-For is believed.
    let proxies: ProxyTrust
    /// How many connections there may be.
    let connections: ConnectionLimits

    /// - Parameters:
    ///   - host: A loopback address (`127.0.0.1`, `::1`, `localhost`) where there are no tokens.
    ///   - port: 0 to 65535.
    ///   - slackSigningSecret: Of the Slack app.
    ///   - trustedProxies: Addresses or networks (`10.0.0.0/8`) whose X-Forwarded-For names the client.
    ///   - maximumConnections: In all, 1 or more.
    ///   - maximumConnectionsPerClient: From one address, but for loopback addresses and trusted proxies; 1 or more.
    ///   - publicURL: `http` or `https`, a host, at most a path; no query, no user.
    /// - Throws: `ListenerConfigurationError` saying what to do about it.
    public init(
        host: String = "127.0.0.1", port: Int = 8080, publicURL: String? = nil, tokens: [ListenerToken] = [],
        slackSigningSecret: Secret? = nil, trustedProxies: [String] = [], maximumConnections: Int = 15_000,
        maximumConnectionsPerClient: Int = 1000
    ) throws(ListenerConfigurationError) {
        guard (0...65_535).contains(port) else {
            throw ListenerConfigurationError(.invalidPort, "listener.port is \(port); it must be 0 to 65535")
        }
        guard !tokens.isEmpty || Authority.isLoopback(host) else {
            throw ListenerConfigurationError(
                .unprotected,
                "listener.host is \(host), which others can reach, and there are no listener.tokens: "
                    + "configure at least one token, or listen on 127.0.0.1")
        }
        self.host = host == "[::1]" ? "::1" : host
        self.port = port
        self.publicURL = try publicURL.map { (text) throws(ListenerConfigurationError) in try Self.normalized(text) }
        self.tokens = tokens
        self.slackSigningSecret = slackSigningSecret
        proxies = ProxyTrust(
            ranges: try trustedProxies.map { (text) throws(ListenerConfigurationError) in
                guard let range = ProxyTrust.Range(text) else {
                    throw ListenerConfigurationError(
                        .invalidProxy, "\(text.prefix(100)) in listener.trusted_proxies is no IP address and no network such as 10.0.0.0/8")
                }
                return range
            })
        connections = ConnectionLimits(total: max(1, maximumConnections), perClient: max(1, maximumConnectionsPerClient))
    }

    /// Host and port of the public URL, as a Host header has them.
    var publicAuthority: Authority? {
        publicURL.flatMap { URLComponents(string: $0) }.flatMap { components in
            components.host.map { Authority(host: $0.lowercased(), port: components.port) }
        }
    }

    /// The path that the public URL has before ours; empty for most.
    var publicPath: String {
        publicURL.flatMap { URLComponents(string: $0)?.percentEncodedPath } ?? ""
    }

    /// Whether cookies may be limited to TLS: the public address is one with it.
    var isPublicURLSecure: Bool { publicURL?.lowercased().hasPrefix("https:") ?? false }

    private static func normalized(_ text: String) throws(ListenerConfigurationError) -> String {
        guard let components = URLComponents(string: text), ["http", "https"].contains(components.scheme?.lowercased()),
            let host = components.host, !host.isEmpty, components.query == nil, components.fragment == nil, components.user == nil
        else {
            throw ListenerConfigurationError(
                .invalidPublicURL, "listener.public_url must be like https://monitor.example.com: http or https and a host, without a query"
            )
        }
        return text.hasSuffix("/") ? String(text.dropLast()) : text
    }
}
