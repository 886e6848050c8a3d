import MonitorAPI
import Monitoring
import Notifications

extension RelayConfiguration {
    init(_ section: ConfigurationSection) {
        self.init()
        section.read("resolve_timeout", .duration(.seconds(1)...(.seconds(7 * 86400))), into: &resolveTimeout)
        section.read("default_severity", ConfigurationValue<Severity>.choice, into: &defaultSeverity)
        section.read("max_alerts", .integer(1...1_000_000), into: &maximumAlerts)
        // Each of ours with the words that mean it.
        severities = section.section("severities") { section in
            var severities: [String: Severity] = [:]
            for severity in Severity.allCases {
                for word in section.list(severity.rawValue, .text(atMost: 64)) ?? [] { severities[word] = severity }
            }
            return severities
        }
        sources = section.sections("sources", Source.init) ?? []
        for name in Set(sources.map(\.name)).sorted() where sources.count(where: { $0.name == name }) > 1 {
            section.problem("sources", "two sources are called \(name)")
        }
    }
}

extension RelayConfiguration.Source {
    init?(_ section: ConfigurationSection) {
        let name = section.required("name", .name)
        let format = section.required("format", ConfigurationValue<Format>.choice)
        guard let name, let format else {
            for key in ["token", "secret", "signature", "resolve_timeout"] + Self.pointerKeys + ["identity", "resolved_values"] {
                _ = section.has(key)
            }
            return nil
        }
        self.init(name: name, format: format)
        token = section.optional("token", .token)
        secret = section.optional("secret", .signingSecret)
        section.read("signature", ConfigurationValue<Signature>.choice, into: &signature)
        section.read("resolve_timeout", .duration(.seconds(1)...(.seconds(30 * 86400))), into: &resolveTimeout)
        section.read("alerts", .pointer, into: &pointers.alerts)
        section.read("title", .pointer, into: &pointers.title)
        section.read("summary", .pointer, into: &pointers.summary)
        section.read("severity", .pointer, into: &pointers.severity)
        section.read("status", .pointer, into: &pointers.status)
        section.read("link", .pointer, into: &pointers.link)
        pointers.identity = section.list("identity", .pointer) ?? []
        let names = pointers.identity.compactMap { JSONPointer($0)?.labelName }
        if Set(names).count < names.count || names.contains("source") {
            section.problem(
                "identity", "each pointer's last part is a label's name: they must differ, in letters, digits and '_', and none be source")
        }
        resolvedValues = section.list("resolved_values", .text(atMost: 64)) ?? []
        if token != nil, secret != nil {
            section.problem("secret", "stands beside a token: a source shows the one or signs with the other")
        }
        if secret == nil, section.has("signature") { section.problem("signature", "needs a secret to sign with") }
        if format == .generic {
            if pointers.title == nil { section.problem("title", "is missing: a JSON pointer such as /check/name") }
        } else {
            for key in Self.pointerKeys + ["identity", "resolved_values"] where section.has(key) {
                section.problem(key, "is for the format generic: \(format.rawValue) has a form of its own")
            }
        }
    }

    private static let pointerKeys = ["alerts", "title", "summary", "severity", "status", "link"]
}

extension InhibitConfiguration {
    init?(_ section: ConfigurationSection) {
        self.init()
        sourceMatchers = section.list("source_matchers", .matchers)?.flatMap { $0 } ?? []
        targetMatchers = section.list("target_matchers", .matchers)?.flatMap { $0 } ?? []
        equal = section.list("equal", .label) ?? []
        for (key, matchers) in [("source_matchers", sourceMatchers), ("target_matchers", targetMatchers)] where matchers.isEmpty {
            section.problem(key, "is missing: without any, every alert would be meant")
        }
        if sourceMatchers.isEmpty || targetMatchers.isEmpty { return nil }
    }
}

extension ConfigurationValue where Value == String {
    /// A place in a JSON document.
    fileprivate static var pointer: Self {
        Self(allowed: "a JSON pointer such as /check/name") { text in JSONPointer(text).map { _ in text } }
    }
}
