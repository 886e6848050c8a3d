import Notifications

extension ServiceConfiguration {
    /// Reads everything; problems are reported to the section's source.
    init(_ section: ConfigurationSection, slackWebhookURL: String?) {
        section.read("environment", .text(atMost: 64), into: &environment)
        section.read("data_dir", .text(), into: &dataDirectory)
        database = section.section("database", DatabaseConfiguration.init)
        var namesSecret = false
        listener = section.section("listener") { section in
            defer { namesSecret = section.has("slack_signing_secret") }
            return ListenerConfiguration(section)
        }
        detection = section.section("detection", DetectionConfiguration.init)
        relay = section.section("relay", RelayConfiguration.init)
        let isSigned = listener.slackSigningSecret != nil
        receivers =
            section.sections("receivers") { section in
                let receiver = ReceiverConfiguration(section)
                if let receiver, receiver.interactive, !isSigned {
                    section.problem(
                        "interactive",
                        "\(receiver.name) is interactive: that needs listener.slack_signing_secret, which tells Slack's requests from others'",
                        isOfSurroundings: namesSecret)
                }
                return receiver
            } ?? []
        var intervals: Set<String> = []
        timeIntervals =
            section.sections("time_intervals") { section in
                let interval = TimeIntervalConfiguration(section)
                if let interval, !intervals.insert(interval.name).inserted {
                    section.problem("name", "another one is called \(interval.name) already")
                }
                return interval
            } ?? []
        let severities = SeverityMap(relay.severities)
        routes =
            section.sections("routes") { section in
                let route = RouteConfiguration(section)
                Self.check(route.matchers, "matchers", section, severities)
                Self.check(route.muteTimeIntervals, "mute_time_intervals", section, intervals)
                Self.check(route.activeTimeIntervals ?? [], "active_time_intervals", section, intervals)
                return route
            } ?? []
        defaultReceivers = section.receiverNames("default_receivers")
        fallbackReceiver = section.receiverName("fallback_receiver")
        heartbeat = section.optional("heartbeat", .secretWebAddress)
        section.read("remind_acknowledged_after", .duration(.seconds(60)...(.seconds(30 * 86400))), into: &remindAcknowledgedAfter)
        readRunbooks(section)
        inhibitRules =
            section.sections("inhibit_rules") { section in
                let rule = InhibitConfiguration(section)
                Self.check(rule?.sourceMatchers ?? [], "source_matchers", section, severities)
                Self.check(rule?.targetMatchers ?? [], "target_matchers", section, severities)
                return rule
            } ?? []
        retention = section.section("retention", RetentionConfiguration.init)
        addSlackReceiver(section, url: slackWebhookURL)
        section.checkReceiverNames()
    }

    /// Any label may be one of an alert from elsewhere; what is written nearly like one of ours is likely to be meant for it.
    private static func check(_ matchers: [String], _ key: String, _ section: ConfigurationSection, _ severities: SeverityMap) {
        for matcher in matchers.compactMap({ try? Matcher($0) }) {
            let names = AlertLabels.ownNames
            if !names.contains(matcher.label), let near = names.first(where: { NearestKey.distance($0, matcher.label) == 1 }) {
                section.warning(key, "\(matcher.label) in '\(matcher)' is a label of alerts from elsewhere; did you mean \(near)?")
            }
            if matcher.label == "severity", let word = matcher.word, !word.isEmpty, severities.words[word] == nil {
                section.problem(
                    key,
                    "matcher '\(matcher)' names no severity; they are low, medium, high and critical, and the words of relay.severities")
            }
        }
    }

    private static func check(_ names: [String], _ key: String, _ section: ConfigurationSection, _ intervals: Set<String>) {
        for name in names where !intervals.contains(name) {
            let known = intervals.isEmpty ? "there are none" : "there are \(intervals.sorted().joined(separator: ", "))"
            section.problem(key, "no time interval is called \(name); \(known)")
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
