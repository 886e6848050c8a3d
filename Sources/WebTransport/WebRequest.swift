/// One HTTP request. It is checked when it is sent, not here.
public struct WebRequest: Sendable {
    /// The method, a token such as `POST`.
    public var method: String
    /// An absolute http or https URL in ASCII, possibly with a user and password (sent as Basic authentication). Treated as a secret.
    public var url: String
    /// Sent in this order. Content-Length and Transfer-Encoding follow from the body and are refused here.
    public var headers: [(name: String, value: String)]
    /// The body; sent with its Content-Length. No Content-Type is added to it.
    public var body: [UInt8]
    /// For name lookup, connection and TLS handshake together.
    public var connectTimeout: Duration
    /// For everything from the name lookup to the last byte; both timeouts are held between a millisecond and an hour.
    public var timeout: Duration
    /// How much of the answer's body is kept; the rest is read and thrown away.
    public var keepBytes: Int
    /// The longest body that is read to its end; past it the request ends with `.bodyTooLarge`.
    public var maximumBytes: Int
    /// Which addresses may be connected to.
    public var addresses: AddressPolicy

    /// A request with the given parts.
    public init(
        method: String = "GET", url: String, headers: [(name: String, value: String)] = [], body: [UInt8] = [],
        connectTimeout: Duration = .seconds(5), timeout: Duration = .seconds(15), keepBytes: Int = 64 * 1024,
        maximumBytes: Int = 1024 * 1024, addresses: AddressPolicy = .publicOnly
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.connectTimeout = connectTimeout
        self.timeout = timeout
        self.keepBytes = keepBytes
        self.maximumBytes = maximumBytes
        self.addresses = addresses
    }
}

extension WebRequest {
    /// Whether a request to this URL would be sent, as far as that can be told without looking up its host.
    public static func accepts(url: String) -> Bool {
        do {
            try PreparedRequest.check(url: url)
            return true
        } catch {
            return false
        }
    }
}

extension WebRequest: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Method and size; neither the URL nor headers, which may be secret.
    public var description: String { "WebRequest(method: \(method), body: \(body.count) bytes)" }
    /// The same as `description`.
    public var debugDescription: String { description }
    /// Empty: a dump shows no more than `description` does.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
