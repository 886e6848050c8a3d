import Foundation
import Mustache

/// A text in Mustache that replaces the first line or the rest of a message.
///
/// | name | is | for instance |
/// | --- | --- | --- |
/// | `title` | the built-in first line | `CRITICAL · Fallback rate 31.2 %, 7.8x the expected 4.0 % on gpt-4o` |
/// | `severity`, `SEVERITY` | how bad | `critical`, `CRITICAL` |
/// | `condition` | what is wrong, with its figures | `Fallback rate 31.2 %, 7.8x the expected 4.0 %` |
/// | `step` | what happened to it, where there is more to say | `Back again` |
/// | `transition`, `cause` | the step and why it is told, in the API's words | `opened`, `repeat` |
/// | `metric`, `metric_name`, `alert_type` | | `Fallback rate`, `fallback_rate`, `fallback_spike` |
/// | `value`, `baseline`, `ratio`, `sample` | in human units | `31.2 %`, `4.0 %`, `7.8×`, `376 of 1,204 events in 1 h` |
/// | `since`, `lasted` | UTC | `02:14 UTC (12 min)`, `12 min` |
/// | `course` | the last day | `▁▁▁▂█` |
/// | `summary`, `remark`, `note`, `actor` | evidence; how it stands; what a person said; who | |
/// | `environment`, `id` | | `production`, `1f0c2d3e-…` |
/// | `affected.model`, `.backend`, `.agent`, `.version` | who explains most of it | `gpt-4o` |
/// | `links.acknowledge`, `.resolve`, `.snooze`, `.open`, `.runbook` | URLs | |
/// | `is_resolved`, `is_acknowledged`, `is_group`, `is_test` | for sections: true or false | |
/// | `count`, `more` | alerts in the message; without the first | `40`, `39` |
/// | `alerts` | a list of them, the worst first, at most 50; in it each name stands for that alert | |
///
/// Values are escaped for the receiver's format, in two and in three braces alike: only the template's own text is markup. There are
/// no partials, functions or other delimiters.
public struct MessageTemplate: Sendable, Hashable {
    /// As it was written.
    public let text: String
    private let compiled: MustacheTemplate

    /// - Parameters:
    ///   - text: At most 4,000 characters.
    /// - Throws: `.invalidTemplate` for a fault of its form, or a name that no message has.
    public init(_ text: String) throws(NotificationConfigurationError) {
        guard !text.isEmpty, text.utf16.count <= 4000 else {
            throw NotificationConfigurationError(.invalidTemplate, "a template has 1 to 4,000 characters")
        }
        for tag in Self.tags(of: text) {
            if let mark = tag.first, "<>$=%".contains(mark) {
                throw NotificationConfigurationError(
                    .invalidTemplate, "a template has no partials, blocks or pragmas: {{\(tag.prefix(40))}}")
            }
        }
        if let name = Self.unknownName(in: text) {
            throw NotificationConfigurationError(.invalidTemplate, "no message has a '\(name.prefix(40))'")
        }
        if let part = Self.tags(of: text).first(where: { Self.isVariable($0) && TemplateValues.compounds[Self.name(of: $0)] != nil }) {
            let name = Self.name(of: part)
            throw NotificationConfigurationError(
                .invalidTemplate, "'\(name)' is no text; did you mean \(TemplateValues.compounds[name] ?? "")?")
        }
        do {
            compiled = try MustacheTemplate(string: "{{% CONTENT_TYPE: TEXT}}" + text)
        } catch {
            throw NotificationConfigurationError(
                .invalidTemplate, "a template's tags are {{name}}, {{#name}}…{{/name}} and {{^name}}…{{/name}}")
        }
        self.text = text
    }

    /// Every name that a template may use.
    public static let names: [String] =
        TemplateValues.names + TemplateValues.affectedNames.map { "affected.\($0)" } + TemplateValues.linkNames.map { "links.\($0)" }

    /// The first name in a text that no message has; nil where it knows all.
    public static func unknownName(in text: String) -> String? {
        let known = Set(names)
        return tags(of: text).filter { $0.first != "!" }.map(name).first {
            !known.contains($0) && !($0.first.map { "<>$=%".contains($0) } ?? false)
        }
    }

    /// Whether a tag stands for a value, and is no section, end of one or comment.
    private static func isVariable(_ tag: Substring) -> Bool {
        !(tag.first { !$0.isWhitespace }.map { "#^/!".contains($0) } ?? false)
    }

    /// What a tag is about.
    private static func name(of tag: Substring) -> String {
        String(tag.drop { "#^/&{".contains($0) || $0.isWhitespace }.reversed().drop { $0 == "}" || $0.isWhitespace }.reversed())
    }

    /// What stands between two pairs of braces, in order.
    private static func tags(of text: String) -> [Substring] {
        var tags: [Substring] = []
        var rest = text[...]
        while let open = rest.firstRange(of: "{{") {
            let inside = rest[open.upperBound...]
            guard let close = inside.firstRange(of: "}}") else { return tags + [inside] }
            tags.append(inside[..<close.lowerBound])
            rest = inside[close.upperBound...].drop { $0 == "}" }
        }
        return tags
    }

    /// What it gives; nil where that is nothing, or longer than `limit` UTF-16 units.
    func render(_ values: TemplateValues, limit: Int) -> String? {
        let rendered = compiled.render(values)
        let trimmed = rendered.trimmingCharacters(in: .whitespacesAndNewlines)
        return (1...limit).contains(trimmed.utf16.count) ? trimmed : nil
    }

    /// Equal texts are equal templates.
    public static func == (left: MessageTemplate, right: MessageTemplate) -> Bool { left.text == right.text }

    /// Of the text.
    public func hash(into hasher: inout Hasher) { hasher.combine(text) }
}
