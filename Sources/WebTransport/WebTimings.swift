/// When each phase of a request was over, counted from the moment the request left the queue.
///
/// A phase that did not take place (a reused connection has no lookup, plain HTTP has no TLS) or was not reached is zero.
public struct WebTimings: Sendable, Hashable {
    /// The name was looked up.
    public var nameLookup: Duration
    /// The TCP connection stood.
    public var connect: Duration
    /// The TLS handshake was done.
    public var tls: Duration
    /// The first byte of the answer came.
    public var firstByte: Duration
    /// All was over.
    public var total: Duration

    /// Timings with the given moments.
    public init(
        nameLookup: Duration = .zero, connect: Duration = .zero, tls: Duration = .zero, firstByte: Duration = .zero,
        total: Duration = .zero
    ) {
        self.nameLookup = nameLookup
        self.connect = connect
        self.tls = tls
        self.firstByte = firstByte
        self.total = total
    }
}
