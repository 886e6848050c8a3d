import Foundation
import Monitoring

extension MessageContent {
    /// What is to be said of an alert, or of a group.
    init(_ message: AlertMessage) {
        let words = AlertWords(message)
        let kind = message.cause == .transition ? message.transition?.transition : nil
        let isAcknowledgement = kind == .acknowledged && !message.isOver
        let common = message.commonLabels
        tone = Self.tone(of: message, words)
        environment = message.environment
        place = words.place
        rest = words.rest
        sentence = words.sentence
        facts = []
        detail = ""
        if message.isOver {
            word = "Resolved"
            condition = words.subject
            let who = message.alert.resolvedBy.map { "by \($0)" } ?? "by itself"
            remark = "Lasted \(words.lasted), \(words.severity.rawValue) at its worst, resolved \(who)."
            note = message.alert.resolutionNote
            if let course = Self.course(message) { facts.append(course) }
        } else if isAcknowledgement {
            word = "In hand"
            condition = words.condition
            let who = message.transition?.actor ?? message.alert.acknowledgedBy ?? "somebody"
            remark = "Acknowledged by \(who) after \(words.lasted)."
            note = message.transition?.note
        } else {
            word = words.severity.rawValue.uppercased()
            condition = (message.isTest ? "Test, nothing is wrong: " : words.step.map { "\($0): " } ?? "") + words.condition
            facts = Self.facts(message, words, common)
            detail = Self.says(message.alert.summary, nothingBeyond: words.condition) ? "" : message.alert.summary
            if message.alert.status == .acknowledged {
                remark = "In hand: acknowledged by \(message.alert.acknowledgedBy ?? "somebody")"
            }
        }
        if note?.allSatisfy(\.isWhitespace) == true { note = nil }
        condition += Self.apart(message.alert, common, condition)
        lines = message.others.prefix(10).map { other in
            var line = Line(message.alone(other))
            line.condition += Self.apart(other.alert, common, line.condition)
            return line
        }
        unlisted = max(0, message.others.count - 10)
        actions = Self.actions(message, isShort: message.isOver || isAcknowledgement)
        footer = [message.environment, message.alert.alertType, "alert \(message.alert.id.uuidString.lowercased().prefix(8))"]
            .compactMap { $0 }
        if let sequence = message.transition?.sequence, message.others.isEmpty { footer.append("step \(sequence)") }
    }

    private static func facts(_ message: AlertMessage, _ words: AlertWords, _ common: [String: String]?) -> [Fact] {
        let alert = message.alert
        if let labels = alert.labels { return relayed(common ?? labels, words) }
        var facts = [
            Fact(label: "Now", value: FigureText.value(alert.currentValue, of: alert.metricName)),
            Fact(label: FigureText.baselineName(of: alert.metricName), value: words.expected),
            Fact(label: "Since", value: words.since),
        ]
        if let sample = words.sample { facts.append(Fact(label: "Sample", value: sample)) }
        facts += words.affected.map { Fact(label: $0.dimension, value: $0.value, isName: true) }
        if words.affected.isEmpty, alert.metricName != "total_events", alert.metricName != "model_mix" {
            facts.append(Fact(label: "Who", value: "spread, no single cause"))
        }
        return facts + (course(message).map { [$0] } ?? [])
    }

    /// Of an alert from elsewhere: since when, and its labels, of a group those that all have, but for those that the first line says; at
    /// most ten.
    private static func relayed(_ labels: [String: String], _ words: AlertWords) -> [Fact] {
        let labels = labels.filter { !["alertname", "severity"].contains($0.key) }.sorted { $0.key < $1.key }
        return [Fact(label: "Since", value: words.since)]
            + labels.prefix(10).map { Fact(label: SafeText.clean($0.key, limit: 40), value: $0.value, isName: true) }
    }

    /// ` (mountpoint=/b)`: what tells an alert from elsewhere from the others of its message, where its condition does not say it; at most
    /// three labels.
    private static func apart(_ alert: Alert, _ common: [String: String]?, _ condition: String) -> String {
        guard let common, let labels = alert.labels else { return "" }
        let own = labels.filter { name, value in
            name != "severity" && common[name] != value && !value.isEmpty && !condition.contains(value)
        }.sorted { $0.key < $1.key }.prefix(3)
        guard !own.isEmpty else { return "" }
        let texts = own.map { "\(SafeText.clean($0.key, limit: 40))=\(SafeText.clean($0.value, limit: 60))" }
        return " (\(texts.joined(separator: ", ")))"
    }

    /// The last day as a line of bars.
    private static func course(_ message: AlertMessage) -> Fact? {
        let metric = message.alert.metricName
        guard let bars = Sparkline.text(message.history, top: metric == "health_score" ? 100 : nil) else { return nil }
        // Of a slice there is no course of its own: what is drawn is that of all events.
        let label = "Last \(message.history.suffix(48).count) h" + (message.alert.sliceDimension == nil ? "" : ", all events")
        let values = message.history.suffix(48).compactMap { $0 }.filter { $0.isFinite && $0 >= 0 }
        let least = FigureText.value(values.min(), of: metric)
        let largest = FigureText.value(values.max(), of: metric)
        return Fact(label: label, value: bars, isCourse: true, scale: least == largest ? least : "\(least) – \(largest)")
    }

    private static func actions(_ message: AlertMessage, isShort: Bool) -> [Action] {
        let links = message.links
        let all = links.count > 1 ? " all (\(links.count))" : ""
        let changing: [(Action.Kind, String, String?)] = [
            (.acknowledge, "Acknowledge\(all)", links.acknowledge), (.resolve, "Resolve\(all)", links.resolve),
            (.snooze, "Snooze\(all)", links.snooze),
        ]
        let showing: [(Action.Kind, String, String?)] = [
            (.open, "Open", links.open), (.runbook, "Runbook", links.runbook ?? message.alert.runbook),
            (.source, "Source", message.others.isEmpty ? message.alert.generatorURL : nil),
        ]
        return ((isShort ? [] : changing) + (isShort ? showing.prefix(1) : showing[...])).compactMap { kind, label, url in
            url.flatMap { Markup.isLink($0) ? Action(kind: kind, label: label, url: $0) : nil }
        }
    }

    /// Whether a summary says nothing that first line and figures do not: the engine's begins with its headline.
    private static func says(_ summary: String, nothingBeyond condition: String) -> Bool {
        summary.allSatisfy(\.isWhitespace) || summary.hasPrefix(condition)
    }

    static func tone(of message: AlertMessage, _ words: AlertWords) -> Tone {
        if message.isOver { return .over }
        if message.cause == .transition, message.transition?.transition == .acknowledged { return .inHand }
        switch words.severity {
        case .critical: return .critical
        case .high: return .high
        case .medium: return .medium
        case .low: return .low
        }
    }
}

extension MessageContent.Line {
    /// A member as a line.
    init(_ message: AlertMessage) {
        let words = AlertWords(message)
        tone = MessageContent.tone(of: message, words)
        switch tone {
        case .over: word = "Resolved"
        case .inHand: word = "In hand"
        default: word = words.severity.rawValue.uppercased()
        }
        condition = tone == .over ? words.subject : words.condition
        place = words.place
        url = message.links.open.flatMap { Markup.isLink($0) ? $0 : nil }
    }
}

extension MessageContent.Tone {
    /// A sign for formats that have no names for them.
    var sign: String {
        switch self {
        case .critical: "🚨"
        case .high: "🔴"
        case .medium: "🟠"
        case .low: "🟡"
        case .inHand: "👀"
        case .over: "✅"
        }
    }

    /// Slack's name of it.
    var emojiName: String {
        switch self {
        case .critical: ":rotating_light:"
        case .high: ":red_circle:"
        case .medium: ":large_orange_circle:"
        case .low: ":large_yellow_circle:"
        case .inHand: ":eyes:"
        case .over: ":white_check_mark:"
        }
    }

    /// Red, green and blue, eight bits each.
    var color: Int {
        switch self {
        case .critical: 0xB3093C
        case .high: 0xE01E5A
        case .medium: 0xE8912D
        case .low: 0xECB22E
        case .inHand: 0x36A2C9
        case .over: 0x2EB67D
        }
    }

    var hexColor: String { "#" + String(color + 0x1000000, radix: 16).dropFirst() }
}

extension Alert {
    /// What its source says to do about it.
    fileprivate var runbook: String? { annotations?["runbook_url"] }
}
