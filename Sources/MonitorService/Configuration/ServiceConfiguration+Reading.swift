import Notifications

extension ServiceConfiguration {
    /// Reads everything; problems are reported to the section's source.
    init(_ section: ConfigurationSection, slackWebhookURL: String?) {
        section.read("environment", .text(atMost: 64), into: &environment)
        section.read("data_dir", .text(), into: &dataDirectory)
        database = section.section("database", DatabaseConfiguration.init)
        listener = section.section("listener", ListenerConfiguration.init)
        detection = section.section("detection", DetectionConfiguration.init)
        receivers = section.sections("receivers", ReceiverConfiguration.init) ?? []
        timeIntervals = section.sections("time_intervals", TimeIntervalConfiguration.init) ?? []
        routes = section.sections("routes", RouteConfiguration.init) ?? []
        defaultReceivers = section.receiverNames("default_receivers")
        fallbackReceiver = section.receiverName("fallback_receiver")
        section.read("heartbeat", .secretWebAddress, into: &heartbeat)
        section.read("remind_acknowledged_after", .duration(.seconds(60)...(.seconds(30 * 86400))), into: &remindAcknowledgedAfter)
        readRunbooks(section)
        inhibitRules = section.sections("inhibit_rules", InhibitConfiguration.init) ?? []
        relay = section.section("relay", RelayConfiguration.init)
        retention = section.section("retention", RetentionConfiguration.init)
        addSlackReceiver(section, url: slackWebhookURL)
        section.checkReceiverNames()
        if listener.slackSigningSecret == nil, let receiver = receivers.first(where: \.interactive) {
            section.problem(
                "receivers",
                "\(receiver.name) is interactive: that needs listener.slack_signing_secret, which tells Slack's requests from others'")
        }
        checkTimeIntervals(section)
        checkLabels(section)
    }

    /// Any label may be one of an alert from elsewhere; what is written nearly like one of ours is likely to be meant for it.
    private func checkLabels(_ section: ConfigurationSection) {
        let severities = SeverityMap(relay.severities)
        func check(_ texts: [String], _ key: String) {
            for matcher in texts.compactMap({ try? Matcher($0) }) {
                let names = AlertLabels.ownNames
                if !names.contains(matcher.label), let near = names.first(where: { NearestKey.distance($0, matcher.label) == 1 }) {
                    section.warning(key, "\(matcher.label) in '\(matcher)' is a label of alerts from elsewhere; did you mean \(near)?")
                }
                if matcher.label == "severity", let word = matcher.word, !word.isEmpty, severities.words[word] == nil {
                    section.problem(
                        key,
                        "matcher '\(matcher)' names no severity; they are low, medium, high and critical, and the words of relay.severities"
                    )
                }
            }
        }
        for route in routes { check(route.matchers, "routes") }
        for rule in inhibitRules { check(rule.sourceMatchers + rule.targetMatchers, "inhibit_rules") }
    }

    private func checkTimeIntervals(_ section: ConfigurationSection) {
        var names: Set<String> = []
        for interval in timeIntervals where !names.insert(interval.name).inserted {
            section.problem("time_intervals", "another one is called \(interval.name) already")
        }
        let used = routes.flatMap { $0.muteTimeIntervals + ($0.activeTimeIntervals ?? []) }
        for name in used.filter({ !names.contains($0) }) {
            let known = names.isEmpty ? "there are none" : "there are \(names.sorted().joined(separator: ", "))"
            section.problem("routes", "no time interval is called \(name); \(known)")
        }
    }

    private mutating func readRunbooks(_ section: ConfigurationSection) {
        if section.isSingle("runbook_url") {
            runbookURLs["default"] = section.optional("runbook_url", .webAddress)
            return
        }
        section.section("runbook_url") { section in
            for type in ["default"] + Self.alertTypes {
                section.read(type, .webAddress, into: &runbookURLs[type])
            }
        }
    }

    /// SLACK_WEBHOOK_URL alone, with no receivers described, is a receiver that everything goes to.
    private mutating func addSlackReceiver(_ section: ConfigurationSection, url: String?) {
        guard let url, !url.isEmpty, !section.has("receivers") else { return }
        guard let address = ConfigurationValue<Secret>.secretWebAddress.parse(url) else {
            section.problem(ofVariable: "SLACK_WEBHOOK_URL", "receivers", "must be \(ConfigurationValue<Secret>.secretWebAddress.allowed)")
            return
        }
        receivers = [ReceiverConfiguration(name: "slack", type: .slack, url: address)]
        section.declareReceiver(named: "slack")
    }
}
