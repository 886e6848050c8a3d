public import Notifications

/// The HTTP listener.
public struct ListenerConfiguration: Sendable, Hashable {
    /// Address or name to bind. Anything but loopback needs tokens.
    public var host = "127.0.0.1"

    /// Port to bind; 0 lets the system choose.
    public var port = 8080

    /// What links in messages begin with, without a slash at the end. nil: made from host and port.
    public var publicURL: String?

    /// Who may do what. Empty: loopback only, everything allowed.
    public var tokens: [AccessToken] = []

    /// Signs acknowledge links. nil: made once and kept in the database.
    public var linkKey: Secret?

    /// Checks that a Slack interaction comes from Slack. nil: they are refused.
    public var slackSigningSecret: Secret?

    /// Addresses or networks (10.0.0.0/8) whose X-Forwarded-For is believed.
    public var trustedProxies: [String] = []

    /// Most connections at once.
    public var maximumConnections = 15_000

    /// Most from one address, but for this machine's own and trusted proxies.
    public var maximumConnectionsPerClient = 1000

    /// Loopback, port 8080, no tokens.
    public init() {}

    /// Whether the host is this machine alone: 127.0.0.0/8, ::1 or localhost.
    public var isLoopback: Bool {
        let name = host.lowercased()
        if name == "localhost" || name == "::1" || name == "[::1]" { return true }
        let bytes = name.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        return bytes.count == 4 && bytes.allSatisfy { $0 != nil } && bytes[0] == 127
    }
}
