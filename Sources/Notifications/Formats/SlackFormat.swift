import Foundation
import Monitoring

/// An alert as a Slack message.
///
/// One line says what happened, how bad, and to what; beside a bar in the colour of the severity stand the figures, who caused
/// it, the further alerts of a group, and the buttons. What is over, or in hand, is said in two lines. Every text is within Slack's
/// limits whatever the alert holds.
enum SlackFormat {
    private static let markup = Markup.slack

    /// The whole message.
    ///
    /// - Parameter isInteractive: Whether buttons that change something tell us of a press instead of opening a page. Their value is
    ///   the token of their link.
    static func body(_ content: MessageContent, isInteractive: Bool = false) -> SlackBody {
        SlackBody(
            text: text(content), blocks: [.section(Mrkdwn.truncate(headline(content), to: 3000))],
            attachments: [SlackAttachment(color: content.tone.hexColor, blocks: blocks(content, isInteractive: isInteractive))])
    }

    /// The message without blocks, for a receiver that refuses them.
    static func plain(_ content: MessageContent) -> SlackBody {
        var parts = [headline(content)]
        if let body = content.custom.body {
            parts.append(body)
        } else {
            if !content.detail.isEmpty { parts.append(markup.words(content.detail, limit: 1000)) }
            parts += statements(content) + content.list(markup, bullet: \.emojiName)
        }
        let links = content.actions.compactMap { markup.link($0.url, $0.label) }.joined(separator: " · ")
        return SlackBody(text: (parts + [links]).joined(separator: "\n"))
    }

    private static func text(_ content: MessageContent) -> String {
        content.custom.title ?? markup.words(content.sentence, limit: 600)
    }

    private static func headline(_ content: MessageContent) -> String {
        content.headline(markup, sign: content.tone.emojiName)
    }

    private static func blocks(_ content: MessageContent, isInteractive: Bool) -> [SlackBlock] {
        var blocks: [SlackBlock] = []
        if let body = content.custom.body {
            blocks.append(.section(body))
        } else {
            let facts = content.facts.prefix(10).map { "*\(markup.words($0.title, limit: 100))*\n\(content.shown($0, markup))" }
            let said = statements(content)
            // What is over begins with how long it lasted; the figures follow.
            if content.tone == .over, !said.isEmpty { blocks.append(.section(said.joined(separator: "\n"))) }
            if !facts.isEmpty { blocks.append(.fields(facts)) }
            if !content.detail.isEmpty { blocks.append(.section(markup.words(content.detail, limit: 600))) }
            if content.tone != .over, !said.isEmpty { blocks.append(.section(said.joined(separator: "\n"))) }
            blocks += packed(content.list(markup, bullet: \.emojiName)).map { .section($0) }
        }
        let isShort = content.tone == .over || content.tone == .inHand
        let buttons = isShort ? [] : buttons(content, isInteractive: isInteractive)
        if !buttons.isEmpty { blocks.append(.actions(buttons)) }
        return blocks + [footer(content, opens: isShort)]
    }

    /// How it stands, and what a person said about it.
    private static func statements(_ content: MessageContent) -> [String] {
        let sign = content.tone == .over || content.tone == .inHand ? "" : ":eyes: "
        let remark = content.remark.map { sign + markup.words($0, limit: 200) }
        return [remark, content.note.map { "&gt; \(markup.words($0, limit: 300))" }].compactMap { $0 }
    }

    /// Lines together in texts of at most 3,000 units; what is longer alone is left out.
    private static func packed(_ lines: [String]) -> [String] {
        var texts: [String] = []
        for line in lines where line.utf16.count <= 3000 {
            if let last = texts.last, last.utf16.count + 1 + line.utf16.count <= 3000 {
                texts[texts.count - 1] = last + "\n" + line
            } else {
                texts.append(line)
            }
        }
        return texts
    }

    private static func buttons(_ content: MessageContent, isInteractive: Bool) -> [SlackButton] {
        content.actions.map { action in
            let style = action.kind == .acknowledge ? "primary" : nil
            let changes = ![.open, .runbook, .source].contains(action.kind)
            if isInteractive, changes, let token = action.url.split(separator: "/").last, token.utf8.count <= 2000 {
                return SlackButton(action.label, url: nil, value: String(token), actionID: action.kind.rawValue, style: style)
            }
            return SlackButton(action.label, url: action.url, actionID: action.kind.rawValue, style: style)
        }
    }

    /// What tells this alert from others wherever it is shown.
    private static func footer(_ content: MessageContent, opens: Bool) -> SlackBlock {
        .context(
            content.footer.map { part in
                let text = markup.words(part, limit: 64)
                guard opens, part.hasPrefix("alert "), let open = content.actions.first(where: { $0.kind == .open }) else { return text }
                return Mrkdwn.link(open.url, text)
            })
    }
}
