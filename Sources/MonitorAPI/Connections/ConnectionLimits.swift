/// How many connections there may be.
struct ConnectionLimits: Sendable, Hashable {
    /// In all.
    var total: Int
    /// From one client, but for this machine and the proxies that are trusted: everybody comes through those.
    var perClient: Int
}

/// The connections that there are. Pure: it only counts.
struct ConnectionCount: Sendable {
    private let limits: ConnectionLimits
    private(set) var total = 0
    private var byClient: [ClientNetwork: Int] = [:]

    init(_ limits: ConnectionLimits) {
        self.limits = limits
    }

    /// Counts one more.
    ///
    /// - Parameter client: nil for one that may have as many as it likes.
    /// - Returns: Whether there is room; where there is none it does not count.
    mutating func open(_ client: ClientNetwork?) -> Bool {
        guard total < limits.total else { return false }
        if let client {
            let own = byClient[client, default: 0]
            guard own < limits.perClient else { return false }
            byClient[client] = own + 1
        }
        total += 1
        return true
    }

    /// One that counted is over.
    mutating func close(_ client: ClientNetwork?) {
        total -= 1
        guard let client, let own = byClient[client] else { return }
        byClient[client] = own > 1 ? own - 1 : nil
    }
}
