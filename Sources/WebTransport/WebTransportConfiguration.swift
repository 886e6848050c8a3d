/// What holds for every request of a transport.
public struct WebTransportConfiguration: Sendable, Hashable {
    /// How many requests are under way at once; the others wait in the order they came. At least 1.
    public var maxConnections: Int
    /// How many requests may wait for their turn before a further one ends with `.busy`. At least 0.
    public var maxWaiting: Int
    /// How long a request may wait for its turn before it ends with `.busy`. This comes before, and is no part of, the request's own timeout.
    public var waitTimeout: Duration
    /// The User-Agent of requests that bring none of their own.
    public var userAgent: String
    /// The URL of a proxy, or nil to connect directly. The environment's proxy variables are never read.
    ///
    /// A proxy looks names up by itself, so `AddressPolicy.publicOnly` cannot see where it connects to: the proxy is trusted to refuse.
    public var proxy: String?
    /// A file of PEM certificates to trust in place of the system's, or nil.
    public var caFile: String?

    /// Values below their smallest are raised to it.
    public init(
        maxConnections: Int = 64, maxWaiting: Int = 4096, waitTimeout: Duration = .seconds(30),
        userAgent: String = "torq-monitor", proxy: String? = nil, caFile: String? = nil
    ) {
        self.maxConnections = max(1, maxConnections)
        self.maxWaiting = max(0, maxWaiting)
        self.waitTimeout = waitTimeout
        self.userAgent = userAgent
        self.proxy = proxy
        self.caFile = caFile
    }
}

extension WebTransportConfiguration: CustomStringConvertible {
    /// The limits; a proxy's URL may hold a password and is not shown.
    public var description: String {
        "WebTransportConfiguration(maxConnections: \(maxConnections), maxWaiting: \(maxWaiting), proxy: \(proxy == nil ? "none" : "set"))"
    }
}

extension WebTransportConfiguration: CustomDebugStringConvertible {
    /// The same as `description`, so that dumping a value shows no password either.
    public var debugDescription: String { description }
}

extension WebTransportConfiguration: CustomReflectable {
    /// Empty: a dump shows no more than `description` does.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
