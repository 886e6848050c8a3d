import Notifications

extension RouteConfiguration {
    private static let interval = ConfigurationValue<Duration>.duration(.seconds(1)...(.seconds(30 * 86400)))

    init(_ section: ConfigurationSection) {
        self.init(receivers: section.receiverNames("receivers") ?? [])
        if !section.has("receivers") { section.problem("receivers", "is missing: names of receivers, or [] to tell nobody") }
        matchers = section.optionalList("matchers", .matchers)?.flatMap { $0 } ?? []
        section.read("continue", .boolean, into: &self.continue)
        section.read("repeat_interval", Self.interval, into: &repeatInterval)
        groupBy = section.list("group_by", .label)
        section.read("group_wait", .duration(.zero...(.seconds(3600))), into: &groupWait)
        section.read("group_interval", Self.interval, into: &groupInterval)
        muteTimeIntervals = section.list("mute_time_intervals", .name) ?? []
        activeTimeIntervals = section.list("active_time_intervals", .name)
        // Alertmanager's way of saying that each alert is told by itself.
        var reason = "without group_by"
        if groupBy == ["..."] {
            groupBy = nil
            reason = "with group_by ['...'], where each alert is told by itself"
        }
        if groupBy == nil {
            for key in ["group_wait", "group_interval"] where section.has(key) { section.warning(key, "has no effect \(reason)") }
        } else if let problem = groupingProblem {
            section.problem("group_by", problem)
        }
        let isEscalated = section.has("escalate")
        escalate = section.section("escalate") { section in
            guard isEscalated else {
                _ = (section.has("after"), section.has("receivers"))
                return nil
            }
            let after = section.required("after", Self.interval)
            let receivers = section.receiverNames("receivers") ?? []
            if receivers.isEmpty { section.problem("receivers", "is missing: names of receivers") }
            return after.map { Escalation(after: $0, receivers: receivers) }
        }
    }

    private var groupingProblem: String? {
        do {
            _ = try Grouping(by: groupBy ?? [], wait: groupWait, interval: groupInterval)
            return nil
        } catch {
            return error.message
        }
    }
}
