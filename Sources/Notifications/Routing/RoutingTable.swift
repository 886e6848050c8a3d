import Foundation

/// Routes in their order: the first that matches decides, unless it lets the next ones be looked at too.
public struct RoutingTable: Sendable, Hashable {
    /// In the order in which they are tried.
    public let routes: [Route]
    /// Who is told of what matches no route.
    public let defaultReceivers: [String]
    /// Receivers that take one alert a message.
    private let ungrouped: Set<String>

    init(routes: [Route], defaultReceivers: [String], ungrouped: Set<String> = []) {
        self.routes = routes
        self.defaultReceivers = defaultReceivers
        self.ungrouped = ungrouped
    }

    /// Who is told, and how.
    ///
    /// - Parameter moment: Decides which routes are quiet.
    func plan(for labels: AlertLabels, at moment: Date) -> RoutingPlan {
        var plan = RoutingPlan()
        var hasMatched = false
        for route in routes where route.matches(labels) {
            hasMatched = true
            let isMuted = route.schedule.isQuiet(at: moment)
            let group = route.grouping.map { grouping in
                RoutingPlan.Group(
                    key: grouping.key(of: labels, matchers: route.matchers), names: grouping.labels, wait: grouping.wait,
                    interval: grouping.interval)
            }
            func telling(_ name: String) -> RoutingPlan.Telling {
                RoutingPlan.Telling(receiver: name, group: ungrouped.contains(name) ? nil : group, isMuted: isMuted)
            }
            for name in route.receivers { plan.add(telling(name), repeatInterval: route.repeatInterval) }
            for name in route.escalation?.receivers ?? [] {
                plan.add(
                    RoutingPlan.Step(telling: telling(name), after: route.escalation?.after ?? .zero), repeatInterval: route.repeatInterval)
            }
            if !route.continues { break }
        }
        if !hasMatched {
            for name in defaultReceivers { plan.add(RoutingPlan.Telling(receiver: name), repeatInterval: nil) }
        }
        return plan
    }
}
