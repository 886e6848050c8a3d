import Foundation
import Monitoring
import Mustache

/// What a template's names stand for: every value escaped for the format that it goes into.
///
/// A list within a list is empty, and no value is a list but `alerts`: what a template can make of a message is bounded by its own
/// length and theirs.
struct TemplateValues: MustacheParent {
    private let values: [String: Any]

    static let affectedNames = ["model", "backend", "agent", "version"]
    static let linkNames = ["acknowledge", "resolve", "snooze", "open", "runbook"]
    static let names = [
        "title", "severity", "SEVERITY", "condition", "step", "transition", "cause", "metric", "metric_name", "alert_type", "value",
        "baseline", "ratio", "sample", "since", "lasted", "course", "summary", "remark", "note", "actor", "environment", "id", "affected",
        "links", "is_resolved", "is_acknowledged", "is_group", "is_test", "count", "more", "alerts",
    ]

    /// Names of what is no text by itself, but good for sections, with what to write in its place.
    static let compounds = ["affected": "affected.model", "links": "links.open", "alerts": "{{#alerts}}…{{/alerts}}"]

    func child(named name: String) -> Any? { values[name] }

    /// Of a message, with its members.
    init(_ message: AlertMessage, _ content: MessageContent, _ markup: Markup) {
        var values = Self.alert(message, content, markup)
        let members = message.others.prefix(49).map { message.alone($0) }
        var lead = message
        lead.others = []
        values["alerts"] = ([lead] + members).map { message in
            TemplateValues(values: Self.alert(message, MessageContent(message), markup).merging(["alerts": [TemplateValues]()]) { $1 })
        }
        self.values = values
    }

    private init(values: [String: Any]) {
        self.values = values
    }

    private static func alert(_ message: AlertMessage, _ content: MessageContent, _ markup: Markup) -> [String: Any] {
        let alert = message.alert
        let words = AlertWords(message)
        func text(_ value: String?, _ limit: Int = 200) -> Text { Text(value.map { markup.words($0, limit: limit) } ?? "") }
        func url(_ url: String?) -> Text {
            guard let url, Markup.isLink(url) else { return Text("") }
            return Text(markup == .slack || markup == .html ? url.replacing("&", with: "&amp;") : url)
        }
        let affected = zip(affectedNames, [alert.affectedModel, alert.affectedBackend, alert.affectedAgent, alert.affectedVersion])
        let links = [message.links.acknowledge, message.links.resolve, message.links.snooze, message.links.open, message.links.runbook]
        return [
            "title": Text(title(content, markup)),
            "severity": Text(words.severity.rawValue), "SEVERITY": Text(words.severity.rawValue.uppercased()),
            "condition": text(words.condition), "step": text(words.step), "transition": text(message.transition?.transition.rawValue),
            "cause": text(message.cause.rawValue), "metric": text(FigureText.metric(alert.metricName)),
            "metric_name": text(alert.metricName),
            "alert_type": text(alert.alertType), "value": text(FigureText.value(alert.currentValue, of: alert.metricName)),
            "baseline": text(FigureText.value(alert.baselineValue, of: alert.metricName)),
            "ratio": text(FigureText.ratio(alert.deviationRatio)), "sample": text(words.sample), "since": text(words.since),
            "lasted": text(words.lasted), "course": Text(content.facts.first { $0.isCourse }?.value ?? ""),
            "summary": text(alert.summary, 600), "remark": text(content.remark), "note": text(content.note, 300),
            "actor": text(message.transition?.actor, 80), "environment": text(message.environment, 64),
            "id": Text(alert.id.uuidString.lowercased()),
            "affected": TemplateValues(values: Dictionary(uniqueKeysWithValues: affected.map { ($0, text($1) as Any) })),
            "links": TemplateValues(values: Dictionary(uniqueKeysWithValues: zip(linkNames, links).map { ($0, url($1) as Any) })),
            "is_resolved": message.isOver, "is_acknowledged": content.tone == .inHand || alert.status == .acknowledged,
            "is_group": !message.others.isEmpty, "is_test": message.isTest, "count": Text(FigureText.count(message.others.count + 1)),
            "more": Text(message.others.isEmpty ? "" : FigureText.count(message.others.count)),
        ]
    }

    /// The built-in first line without its stress, which is for the template to give. What stands between the marks is escaped, so that
    /// it has none of them.
    private static func title(_ content: MessageContent, _ markup: Markup) -> String {
        markup.bold("\n").split(separator: "\n").reduce(content.headline(markup, sign: nil)) { line, mark in
            line.replacing(mark, with: "", maxReplacements: 1)
        }
    }

    /// A value that is text and nothing else: it has no parts, and no functions work on it.
    private struct Text: MustacheCustomRenderable, MustacheParent {
        var renderText: String
        var isNull: Bool { renderText.isEmpty }

        init(_ text: String) {
            renderText = text
        }

        func child(named name: String) -> Any? { nil }
    }
}
