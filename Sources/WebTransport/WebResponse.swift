/// The answer to a request, whatever its status.
public struct WebResponse: Sendable {
    /// The status code. A redirect is an answer like any other: it is not followed.
    public var status: Int
    /// In the order they came, names as the server wrote them; trailers are left out.
    public var headers: [(name: String, value: String)]
    /// The first `keepBytes` of the body.
    public var body: [UInt8]
    /// Whether the body was longer than what was kept.
    public var bodyTruncated: Bool
    /// When each phase was over.
    public var timings: WebTimings
    /// The numeric address that answered, without its port; the proxy's where there is one.
    public var remoteAddress: String?
    /// How many connections were opened for this request: 0 when an open one was used again.
    public var newConnections: Int

    /// A response with the given parts.
    public init(
        status: Int, headers: [(name: String, value: String)] = [], body: [UInt8] = [], bodyTruncated: Bool = false,
        timings: WebTimings = WebTimings(), remoteAddress: String? = nil, newConnections: Int = 0
    ) {
        self.status = status
        self.headers = headers
        self.body = body
        self.bodyTruncated = bodyTruncated
        self.timings = timings
        self.remoteAddress = remoteAddress
        self.newConnections = newConnections
    }

    /// The value of the first header of that name, whose case does not matter; nil when there is none.
    public func header(_ name: String) -> String? {
        let wanted = name.lowercased()
        return headers.first { $0.name.lowercased() == wanted }?.value
    }
}
