import Foundation
import Monitoring

/// An alert as a Slack message.
///
/// One line says what happened, how bad, and to what; beside a bar in the colour of the severity stand the figures, who caused
/// it, and the buttons. What is over, or in hand, is said in two lines. Every text is within Slack's limits whatever the alert holds.
enum SlackFormat {
    /// The whole message.
    static func body(_ message: AlertMessage) -> SlackBody {
        let words = AlertWords(message)
        let blocks: [SlackBlock]
        switch message.transition?.transition {
        case .resolved: blocks = resolved(message, words)
        case .acknowledged: blocks = acknowledged(message, words)
        default: blocks = firing(message, words)
        }
        return SlackBody(
            text: text(words), blocks: [.section(Mrkdwn.truncate(headline(message, words), to: 3000))],
            attachments: [SlackAttachment(color: color(message, words), blocks: blocks)])
    }

    /// The message without blocks, for a receiver that refuses them.
    static func plain(_ message: AlertMessage) -> SlackBody {
        let words = AlertWords(message)
        let links = [("Acknowledge", message.links.acknowledge), ("Resolve", message.links.resolve), ("Open", message.links.open)]
        let line = links.compactMap { label, url in url.map { Mrkdwn.link($0, label) } }.joined(separator: " · ")
        return SlackBody(text: "\(headline(message, words))\n\(Mrkdwn.words(message.alert.summary, limit: 1000))\n\(line)")
    }

    private static func text(_ words: AlertWords) -> String {
        Mrkdwn.words(words.sentence, limit: 600)
    }

    private static func headline(_ message: AlertMessage, _ words: AlertWords) -> String {
        let what: String
        switch message.transition?.transition {
        case .resolved:
            what = ":white_check_mark: *Resolved: \(Mrkdwn.words(words.subject, limit: 100))*"
        case .acknowledged:
            what = ":eyes: *In hand: \(Mrkdwn.words(words.condition, limit: 150))*"
        default:
            let test = message.transition == nil ? "Test, nothing is wrong: " : ""
            let step = words.step.map { "\($0): " } ?? ""
            let severity = words.severity.rawValue.uppercased()
            what = "\(emoji(words.severity)) *\(severity) · \(test)\(Mrkdwn.words(step + words.condition, limit: 200))*"
        }
        let slice = words.place.map { " on \(Mrkdwn.code($0))" } ?? ""
        let environment = message.environment.map { " in \(Mrkdwn.words($0, limit: 64))" } ?? ""
        return what + slice + environment
    }

    private static func firing(_ message: AlertMessage, _ words: AlertWords) -> [SlackBlock] {
        let alert = message.alert
        var fields = [
            "*Now*\n\(FigureText.value(alert.currentValue, of: alert.metricName))",
            "*\(FigureText.baselineName(of: alert.metricName))*\n" + FigureText.value(alert.baselineValue, of: alert.metricName)
                + (FigureText.deviation(of: alert).map { " (\($0))" } ?? ""),
            "*Since*\n\(FigureText.moment(alert.openedAt, now: message.moment)) UTC"
                + (message.moment.timeIntervalSince(alert.openedAt) < 60 ? "" : " (\(words.lasted))"),
        ]
        if let sample = words.sample { fields.append("*Sample*\n\(Mrkdwn.words(sample, limit: 200))") }
        for (dimension, value) in words.affected { fields.append("*\(dimension)*\n\(Mrkdwn.code(value))") }
        if words.affected.isEmpty, alert.metricName != "total_events", alert.metricName != "model_mix" {
            fields.append("*Who*\nspread, no single cause")
        }
        var blocks = [SlackBlock.fields(fields)]
        if !alert.summary.isEmpty { blocks.append(.section(Mrkdwn.words(alert.summary, limit: 600))) }
        if alert.status == .acknowledged {
            let who = alert.acknowledgedBy.map { Mrkdwn.words($0, limit: 80) } ?? "somebody"
            blocks.append(.section(":eyes: In hand: acknowledged by \(who)"))
        }
        let buttons = buttons(message.links)
        if !buttons.isEmpty { blocks.append(.actions(buttons)) }
        return blocks + [footer(message)]
    }

    private static func resolved(_ message: AlertMessage, _ words: AlertWords) -> [SlackBlock] {
        let who = message.alert.resolvedBy.map { "by \(Mrkdwn.words($0, limit: 80))" } ?? "by itself"
        var line = "Lasted \(words.lasted), \(words.severity.rawValue) at its worst, resolved \(who)."
        if let note = message.alert.resolutionNote, !note.isEmpty { line += " \(Mrkdwn.words(note, limit: 300))" }
        return [.section(line), footer(message, opens: true)]
    }

    private static func acknowledged(_ message: AlertMessage, _ words: AlertWords) -> [SlackBlock] {
        let who = Mrkdwn.words(message.transition?.actor ?? message.alert.acknowledgedBy ?? "somebody", limit: 80)
        var line = "Acknowledged by *\(who.replacing("*", with: ""))* after \(words.lasted)."
        if let note = message.transition?.note, !note.isEmpty { line += "\n&gt; \(Mrkdwn.words(note, limit: 300))" }
        return [.section(line), footer(message, opens: true)]
    }

    private static func buttons(_ links: MessageLinks) -> [SlackButton] {
        var buttons: [SlackButton] = []
        if let url = links.acknowledge { buttons.append(SlackButton("Acknowledge", url: url, actionID: "acknowledge", style: "primary")) }
        if let url = links.resolve { buttons.append(SlackButton("Resolve", url: url, actionID: "resolve")) }
        if let url = links.open { buttons.append(SlackButton("Open", url: url, actionID: "open")) }
        if let url = links.runbook { buttons.append(SlackButton("Runbook", url: url, actionID: "runbook")) }
        return buttons.filter { $0.url.utf16.count <= 3000 }
    }

    /// What tells this alert from others wherever it is shown.
    private static func footer(_ message: AlertMessage, opens: Bool = false) -> SlackBlock {
        var parts: [String] = []
        if let environment = message.environment { parts.append(Mrkdwn.words(environment, limit: 64)) }
        parts.append(Mrkdwn.words(message.alert.alertType, limit: 64))
        let id = "alert \(message.alert.id.uuidString.lowercased().prefix(8))"
        parts.append(opens ? message.links.open.map { Mrkdwn.link($0, id) } ?? id : id)
        if let sequence = message.transition?.sequence { parts.append("step \(sequence)") }
        return .context(parts)
    }

    private static func emoji(_ severity: Severity) -> String {
        switch severity {
        case .critical: ":rotating_light:"
        case .high: ":red_circle:"
        case .medium: ":large_orange_circle:"
        case .low: ":large_yellow_circle:"
        }
    }

    private static func color(_ message: AlertMessage, _ words: AlertWords) -> String {
        if message.isOver { return "#2eb67d" }
        if message.transition?.transition == .acknowledged { return "#36a2c9" }
        switch words.severity {
        case .critical: return "#b3093c"
        case .high: return "#e01e5a"
        case .medium: return "#e8912d"
        case .low: return "#ecb22e"
        }
    }
}
