extension RouteConfiguration {
    private static let interval = ConfigurationValue<Duration>.duration(.seconds(1)...(.seconds(30 * 86400)))

    init(_ section: ConfigurationSection) {
        self.init(receivers: section.receiverNames("receivers") ?? [])
        if !section.has("receivers") { section.problem("receivers", "is missing: names of receivers, or [] to tell nobody") }
        matchers = section.list("matchers", .matcher) ?? []
        section.read("continue", .boolean, into: &self.continue)
        section.read("repeat_interval", Self.interval, into: &repeatInterval)
        groupBy = section.list("group_by", .label) ?? []
        section.read("group_wait", .duration(.zero...(.seconds(3600))), into: &groupWait)
        section.read("group_interval", Self.interval, into: &groupInterval)
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
        section.warnOfKeysWithoutEffect(["repeat_interval", "group_by", "group_wait", "group_interval", "escalate"])
    }
}
