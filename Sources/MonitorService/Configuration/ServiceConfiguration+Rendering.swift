import Foundation
import Monitoring
import Notifications
import Yams

extension ServiceConfiguration {
    /// The effective configuration as YAML, with every secret shown as `***`.
    ///
    /// What stands in it is what would be read from it, were the secrets put in: defaults are written out, what is absent is left
    /// out. Of addresses that are secrets the host stays, and of a database URL everything but password and what options may hold.
    public var redactedYAML: String {
        (try? Yams.serialize(node: node, allowUnicode: true)) ?? ""
    }

    private var node: Node {
        .map([
            ("environment", environment.map(Node.text)),
            ("data_dir", dataDirectory.map(Node.text)),
            ("database", database.node),
            ("listener", listener.node),
            ("detection", detection.node),
            ("receivers", .sequence(.init(receivers.map(\.node)))),
            ("time_intervals", timeIntervals.isEmpty ? nil : .sequence(.init(timeIntervals.map(\.node)))),
            ("routes", .sequence(.init(routes.map(\.node)))),
            ("default_receivers", defaultReceivers.map(Node.texts)),
            ("fallback_receiver", fallbackReceiver.map(Node.text)),
            ("heartbeat", heartbeat.map { .text(redactedAddress($0)) }),
            ("remind_acknowledged_after", remindAcknowledgedAfter.map(Node.duration)),
            ("runbook_url", runbookURLs.isEmpty ? nil : .map(runbookURLs.sorted { $0.key < $1.key }.map { ($0.key, .text($0.value)) })),
            ("inhibit_rules", inhibitRules.isEmpty ? nil : .sequence(.init(inhibitRules.map(\.node)))),
            ("relay", relay.node),
            ("retention", retention.node),
        ])
    }
}

extension DatabaseConfiguration {
    fileprivate var node: Node {
        .map([("url", url.map { .text(redactedDatabase($0)) }), ("pool_size", .plain(poolSize))])
    }
}

extension RetentionConfiguration {
    fileprivate var node: Node {
        func period(_ duration: Duration?) -> Node { duration.map(Node.duration) ?? .text("forever") }
        return .map([
            ("attempts", period(attempts)), ("rollup", period(rollup)), ("resolved_alerts", period(resolvedAlerts)),
            ("audit", period(audit)),
        ])
    }
}

extension ListenerConfiguration {
    fileprivate var node: Node {
        .map([
            ("host", .text(host)),
            ("port", .plain(port)),
            ("public_url", publicURL.map(Node.text)),
            ("tokens", tokens.isEmpty ? nil : .sequence(.init(tokens.map(\.node)))),
            ("link_key", linkKey.map { .text($0.description) }),
            ("slack_signing_secret", slackSigningSecret.map { .text($0.description) }),
            ("trusted_proxies", trustedProxies.isEmpty ? nil : .texts(trustedProxies)),
            ("max_connections", .plain(maximumConnections)),
            ("max_connections_per_client", .plain(maximumConnectionsPerClient)),
        ])
    }
}

extension AccessToken {
    fileprivate var node: Node {
        .map([("name", .text(name)), ("secret", .text(secret.description)), ("scope", .text(scope.rawValue))])
    }
}

extension DetectionConfiguration {
    fileprivate var node: Node {
        .map([
            ("evaluation_interval", .duration(evaluationInterval)),
            ("rule", .text(rule.rawValue)),
            ("windows", .texts(windows.map(ConfigurationDuration.format))),
            ("baseline", .map([("name", .text(baseline.name)), ("window_days", .plain(baseline.windowDays))])),
            ("thresholds", Self.node(thresholds.low, thresholds.medium, thresholds.high, thresholds.critical)),
            ("critical_after", .duration(criticalAfter)),
            ("resolve_after", .duration(resolveAfter)),
            ("reopen_within", .duration(reopenWithin)),
            ("health", .map([("warning", .plain(health.warning)), ("critical", .plain(health.critical))])),
            ("slices", .map([("enabled", .plain(slices.enabled)), ("least_events", .plain(slices.leastEvents))])),
            ("metrics", metrics.isEmpty ? nil : .map(metrics.sorted { $0.key < $1.key }.map { ($0.key, Self.node($0.value)) })),
        ])
    }

    private static func node(_ low: Double?, _ medium: Double?, _ high: Double?, _ critical: Double?) -> Node {
        .map([
            ("low", low.map(Node.plain)), ("medium", medium.map(Node.plain)), ("high", high.map(Node.plain)),
            ("critical", critical.map(Node.plain)),
        ])
    }

    private static func node(_ metric: Metric) -> Node {
        let own = metric.thresholds
        return .map([
            ("enabled", metric.enabled.map(Node.plain)),
            ("rule", metric.rule.map { .text($0.rawValue) }),
            ("thresholds", own == Metric.Thresholds() ? nil : node(own.low, own.medium, own.high, own.critical)),
            ("floor", metric.floor.map(Node.plain)),
        ])
    }
}

extension ReceiverConfiguration {
    fileprivate var node: Node {
        .map([
            ("name", .text(name)),
            ("type", .text(type.rawValue)),
            ("url", url.map { .text(redactedAddress($0)) }),
            ("routing_key", routingKey.map { .text($0.description) }),
            ("secret", secret.map { .text($0.description) }),
            ("previous_secret", previousSecret.map { .text($0.description) }),
            ("rate_limit", rateLimit.map { .text($0.description) }),
            ("max_in_flight", maximumInFlight.map(Node.plain)),
            ("allow_private_network", type.hasEndpoint ? .plain(allowPrivateNetwork) : nil),
            ("send_resolved", .plain(sendResolved)),
            ("tell_acknowledged", .plain(tellAcknowledged)),
            ("supersede", supersede.map(Node.plain)),
            ("interactive", interactive ? .plain(true) : nil),
            ("templates", templates.map(Self.node)),
        ])
    }

    private static func node(_ templates: MessageTemplates) -> Node {
        .map([("title", templates.title.map { .text($0.text) }), ("body", templates.body.map { .text($0.text) })])
    }
}

extension RouteConfiguration {
    fileprivate var node: Node {
        .map([
            ("matchers", .texts(matchers)),
            ("receivers", .texts(receivers)),
            ("continue", .plain(self.continue)),
            ("repeat_interval", repeatInterval.map(Node.duration)),
            ("escalate", escalate.map { .map([("after", .duration($0.after)), ("receivers", .texts($0.receivers))]) }),
            ("group_by", groupBy.map(Node.texts)),
            ("group_wait", groupBy.map { _ in .duration(groupWait) }),
            ("group_interval", groupBy.map { _ in .duration(groupInterval) }),
            ("mute_time_intervals", muteTimeIntervals.isEmpty ? nil : .texts(muteTimeIntervals)),
            ("active_time_intervals", activeTimeIntervals.map(Node.texts)),
        ])
    }
}

extension InhibitConfiguration {
    fileprivate var node: Node {
        .map([
            ("source_matchers", .texts(sourceMatchers)), ("target_matchers", .texts(targetMatchers)),
            ("equal", equal.isEmpty ? nil : .texts(equal)),
        ])
    }
}

extension RelayConfiguration {
    fileprivate var node: Node {
        let words = Severity.allCases.compactMap { severity -> (String, Node)? in
            let words = severities.filter { $0.value == severity }.keys.sorted()
            return words.isEmpty ? nil : (severity.rawValue, .texts(words))
        }
        return .map([
            ("resolve_timeout", .duration(resolveTimeout)), ("default_severity", .text(defaultSeverity.rawValue)),
            ("max_alerts", .plain(maximumAlerts)), ("severities", words.isEmpty ? nil : .map(words.map { ($0.0, $0.1) })),
            ("sources", sources.isEmpty ? nil : .sequence(.init(sources.map(\.node)))),
        ])
    }
}

extension RelayConfiguration.Source {
    fileprivate var node: Node {
        .map([
            ("name", .text(name)), ("format", .text(format.rawValue)), ("token", token.map { .text($0.description) }),
            ("secret", secret.map { .text($0.description) }), ("signature", secret.map { _ in .text(signature.rawValue) }),
            ("resolve_timeout", resolveTimeout.map(Node.duration)), ("alerts", pointers.alerts.map(Node.text)),
            ("title", pointers.title.map(Node.text)), ("summary", pointers.summary.map(Node.text)),
            ("severity", pointers.severity.map(Node.text)), ("status", pointers.status.map(Node.text)),
            ("identity", pointers.identity.isEmpty ? nil : .texts(pointers.identity)), ("link", pointers.link.map(Node.text)),
            ("resolved_values", resolvedValues.isEmpty ? nil : .texts(resolvedValues)),
        ])
    }
}

extension TimeIntervalConfiguration {
    fileprivate var node: Node {
        .map([("name", .text(name)), ("time_intervals", .sequence(.init(elements.map(\.node))))])
    }
}

extension TimeIntervalConfiguration.Element {
    fileprivate var node: Node {
        func texts(_ values: [String]) -> Node? { values.isEmpty ? nil : .texts(values) }
        let times = times.map { time -> Node in
            let ends = time.split(separator: "-").map { Node.text(String($0)) }
            return .map([("start_time", ends.first), ("end_time", ends.last)])
        }
        return .map([
            ("times", times.isEmpty ? nil : .sequence(.init(times))), ("weekdays", texts(weekdays)), ("days_of_month", texts(daysOfMonth)),
            ("months", texts(months)), ("years", texts(years)), ("location", location.map(Node.text)),
        ])
    }
}

extension Node {
    /// Keys in this order; those without a value are left out.
    fileprivate static func map(_ pairs: [(String, Node?)]) -> Node {
        .mapping(.init(pairs.compactMap { key, value in value.map { (Node(key), $0) } }))
    }

    /// Text, quoted where YAML or a `${` in it could be read as something else.
    fileprivate static func text(_ text: String) -> Node {
        let isPlain = text.wholeMatch(of: /[A-Za-z\/][A-Za-z0-9_.:\/-]*[A-Za-z0-9]|[0-9]+[a-z]+/) != nil
        let isWord = ["true", "false", "yes", "no", "on", "off", "null"].contains(text.lowercased())
        return Node(text.replacing("${", with: "$${"), .implicit, isPlain && !isWord ? .plain : .doubleQuoted)
    }

    fileprivate static func texts(_ texts: [String]) -> Node {
        .sequence(.init(texts.map(Node.text), .implicit, .flow))
    }

    fileprivate static func plain(_ number: Int) -> Node { Node(String(number)) }

    fileprivate static func plain(_ number: Double) -> Node {
        Node(Int(exactly: number).map(String.init) ?? String(number))
    }

    fileprivate static func plain(_ value: Bool) -> Node { Node(String(value)) }

    fileprivate static func duration(_ duration: Duration) -> Node { .text(ConfigurationDuration.format(duration)) }
}

/// Scheme, host and port of an address; its path, where chat webhooks carry their credential, is hidden.
private func redactedAddress(_ secret: Secret) -> String {
    guard let parts = URLComponents(string: secret.reveal()), let scheme = parts.scheme, let host = parts.host, !host.isEmpty
    else { return secret.description }
    return "\(scheme)://\(host)\(parts.port.map { ":\($0)" } ?? "")/***"
}

/// A database URL without password and options; a keyword/value string is hidden whole.
private func redactedDatabase(_ secret: Secret) -> String {
    let text = secret.reveal()
    guard text.hasPrefix("postgres://") || text.hasPrefix("postgresql://"), let parts = URLComponents(string: text),
        let scheme = parts.scheme
    else { return secret.description }
    let user = parts.user.map { "\($0)\(parts.password == nil ? "" : ":***")@" } ?? ""
    // Of its options those that say where it is and how it is reached; of all others the names.
    let shown: Set = [
        "host", "hostaddr", "port", "dbname", "user", "sslmode", "target_session_attrs", "connect_timeout", "application_name",
    ]
    let options = (parts.percentEncodedQueryItems ?? []).map { item in
        "\(item.name)=\(shown.contains(item.name) ? item.value ?? "" : "***")"
    }
    let query = options.isEmpty ? "" : "?" + options.joined(separator: "&")
    return "\(scheme)://\(user)\(parts.host ?? "")\(parts.port.map { ":\($0)" } ?? "")\(parts.path)\(query)"
}
