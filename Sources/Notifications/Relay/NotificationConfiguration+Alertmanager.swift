import Foundation
import Monitoring

extension NotificationConfiguration {
    /// Routes, receivers' names and inhibit rules as Alertmanager's configuration writes them: what `amtool config routes test` reads.
    ///
    /// A route with several receivers has one in their place, with all their names.
    ///
    /// - Parameter severities: Words that a comparison of severities covers as well.
    public func alertmanagerYAML(_ severities: SeverityMap) -> String {
        var names: [String] = []
        func name(_ receivers: [String]) -> String {
            let name = receivers.isEmpty ? AlertStandings.nobody : receivers.joined(separator: ",")
            if !names.contains(name) { names.append(name) }
            return Self.quoted(name)
        }
        var lines = ["route:", "  receiver: \(name(routing.defaultReceivers))"]
        if !routing.routes.isEmpty { lines.append("  routes:") }
        for route in routing.routes {
            lines.append("  - receiver: \(name(route.receivers))")
            if !route.matchers.isEmpty { lines.append("    matchers: [\(Self.list(route.matchers, severities))]") }
            if route.continues { lines.append("    continue: true") }
            if let grouping = route.grouping {
                lines.append("    group_by: [\(grouping.labels.map(Self.quoted).joined(separator: ", "))]")
                lines.append("    group_wait: \(Self.seconds(grouping.wait))")
                lines.append("    group_interval: \(Self.seconds(max(grouping.interval, .seconds(1))))")
            } else {
                lines.append("    group_by: ['...']")
            }
            if let interval = route.repeatInterval { lines.append("    repeat_interval: \(Self.seconds(interval))") }
        }
        if !inhibitRules.isEmpty { lines.append("inhibit_rules:") }
        for rule in inhibitRules {
            lines.append("- source_matchers: [\(Self.list(rule.source, severities))]")
            lines.append("  target_matchers: [\(Self.list(rule.target, severities))]")
            if !rule.equal.isEmpty { lines.append("  equal: [\(rule.equal.map(Self.quoted).joined(separator: ", "))]") }
        }
        lines.append("receivers:")
        lines += names.map { "- name: \(Self.quoted($0))" }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func list(_ matchers: [Matcher], _ severities: SeverityMap) -> String {
        matchers.map { quoted(text($0, severities)) }.joined(separator: ", ")
    }

    private static func text(_ matcher: Matcher, _ severities: SeverityMap) -> String {
        let parts = matcher.parts
        var value = parts.value
        if matcher.isComparison {
            let meant = Set(value.split(separator: "|").map(String.init))
            let words = severities.words.filter { meant.contains($0.value.rawValue) }.keys
            value = meant.union(words).sorted().joined(separator: "|")
        }
        let sign = parts.isRegex ? (parts.isEqual ? "=~" : "!~") : (parts.isEqual ? "=" : "!=")
        let inner = value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
        return "\(matcher.label)\(sign)\"\(inner)\""
    }

    /// In single quotes, as YAML has them.
    private static func quoted(_ text: String) -> String {
        "'\(text.replacing("'", with: "''").replacing("\n", with: " "))'"
    }

    private static func seconds(_ duration: Duration) -> String { "\(Int(duration.seconds.rounded()))s" }
}
