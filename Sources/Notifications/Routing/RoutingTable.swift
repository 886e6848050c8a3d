/// Routes in their order: the first that matches decides, unless it lets the next ones be looked at too.
public struct RoutingTable: Sendable, Hashable {
    /// In the order in which they are tried.
    public let routes: [Route]
    /// Who is told of what matches no route.
    public let defaultReceivers: [String]

    init(routes: [Route], defaultReceivers: [String]) {
        self.routes = routes
        self.defaultReceivers = defaultReceivers
    }

    /// The names of those who are told, each once, in the order of the routes.
    func receivers(for labels: AlertLabels) -> [String] {
        var names: [String] = []
        var hasMatched = false
        for route in routes where route.matches(labels) {
            hasMatched = true
            for name in route.receivers where !names.contains(name) { names.append(name) }
            if !route.continues { break }
        }
        if hasMatched { return names }
        return defaultReceivers.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }
}
