import NIOCore

/// Until when a connection may stay as it is. Pure: what happens and when comes in, a deadline comes out.
///
/// | it waits for | for at most |
/// | --- | --- |
/// | the first request's header, or the rest of any header | 10 s |
/// | the rest of a body | 30 s after its header; 5 s where the answer is written already |
/// | the client to take another 64 KB of an answer | 30 s |
/// | the next request | 60 s |
/// | us to answer | as long as that takes |
struct ConnectionClock: Sendable {
    static let header = TimeAmount.seconds(10)
    static let body = TimeAmount.seconds(30)
    static let restOfBody = TimeAmount.seconds(5)
    static let stall = TimeAmount.seconds(30)
    /// Bytes that a client takes in that time if it is slow, and not stalled.
    static let leastTaken = 64 << 10
    static let idle = TimeAmount.seconds(60)

    /// When the connection was opened, or its latest answer ended and the client had taken it.
    private var idleSince: NIODeadline
    private var hasServed = false
    /// When a header began that is not whole yet.
    private var headerSince: NIODeadline?
    /// When the latest request's header was whole.
    private var headAt: NIODeadline
    /// Requests whose answer has not ended.
    private var due = 0
    /// Since when the client takes nothing more at once, and how many bytes waited for it then.
    private var stalled: (since: NIODeadline, waiting: Int)?
    private var hasPart = false

    /// Opened at that moment.
    init(at now: NIODeadline) {
        idleSince = now
        headAt = now
    }

    /// Whether a request is being read whose body has not ended.
    private(set) var isReadingBody = false
    /// Whether there is a request whose answer has not ended.
    var owesAnswer: Bool { due > 0 }

    /// A whole header came.
    mutating func headReceived(at now: NIODeadline) {
        headerSince = nil
        headAt = now
        isReadingBody = true
        due += 1
        hasPart = true
    }

    /// A piece of a body came.
    mutating func bodyReceived() {
        hasPart = true
    }

    /// The end of a request came.
    mutating func endReceived(at now: NIODeadline) {
        isReadingBody = false
        hasPart = true
        if due == 0 { idleSince = now }
    }

    /// Bytes came, and all that they completed has been reported.
    mutating func readCompleted(at now: NIODeadline) {
        defer { hasPart = false }
        guard !hasPart, !isReadingBody, headerSince == nil else { return }
        headerSince = now
    }

    /// The end of an answer was written.
    mutating func answered(at now: NIODeadline) {
        due = max(0, due - 1)
        hasServed = true
        idleSince = now
        // What is left of a header that came with the request before it has its time from here.
        if headerSince != nil { headerSince = now }
    }

    /// The client takes nothing more at once, or takes again; so many bytes wait for it.
    mutating func writabilityChanged(_ isWritable: Bool, waiting: Int, at now: NIODeadline) {
        if isWritable, stalled != nil { idleSince = now }
        stalled = isWritable ? nil : stalled ?? (now, waiting)
    }

    /// So many bytes still wait for the client: one that has taken enough of them has its time anew.
    mutating func looked(waiting: Int, at now: NIODeadline) {
        guard let stalled, stalled.since + Self.stall <= now, stalled.waiting - waiting >= Self.leastTaken else { return }
        self.stalled = (now, waiting)
    }

    /// When it is to be closed if nothing happens; nil for never.
    var deadline: NIODeadline? {
        let stall = stalled.map { $0.since + Self.stall }
        return [reading, stall].compactMap { $0 }.min()
    }

    private var reading: NIODeadline? {
        if isReadingBody { return due > 0 ? headAt + Self.body : max(idleSince, headAt) + Self.restOfBody }
        if due > 0 { return nil }
        if let headerSince { return headerSince + Self.header }
        // It has the whole of an answer to take before it is to ask again.
        if stalled != nil { return nil }
        return idleSince + (hasServed ? Self.idle : Self.header)
    }
}
