import Monitoring

/// An alert for Mattermost or Rocket.Chat: text, and an attachment with a bar of colour. They show Slack's blocks as nothing.
///
/// Neither has buttons that open a page from a webhook: what to do stands as links. The text has at most 4,000 characters and the
/// attachment 12,000, so that Mattermost (16,383) never splits a message.
enum AttachmentFormat {
    static func body(_ content: MessageContent, _ markup: Markup) -> JSONValue {
        let body = content.fitting({ attachment($0, markup) }, where: { length($0) <= 12_000 })
        return .object(["text": .string(headline(content, markup)), "attachments": .array([body])])
    }

    /// Text alone, for a receiver that refuses the attachment.
    static func plain(_ content: MessageContent, _ markup: Markup) -> JSONValue {
        let text = content.fitting(
            { ([headline($0, markup), self.text($0, markup)] + [links($0, markup)]).filter { !$0.isEmpty }.joined(separator: "\n") },
            where: { $0.utf16.count <= 4000 })
        return .object(["text": .string(text)])
    }

    private static func headline(_ content: MessageContent, _ markup: Markup) -> String {
        content.headline(markup, sign: content.tone.sign)
    }

    private static func attachment(_ content: MessageContent, _ markup: Markup) -> JSONValue {
        var members: [String: JSONValue] = [
            "color": .string(content.tone.hexColor),
            "fallback": .string(Markup.plain.words(content.sentence, limit: 600)),
            "text": .string([text(content, markup), links(content, markup)].filter { !$0.isEmpty }.joined(separator: "\n\n")),
            // Some versions read markup here, and some show a backslash.
            "footer": .string(Markup.card.words(content.footer.joined(separator: " · "), limit: 300)),
        ]
        if content.custom.body == nil {
            members["fields"] = .array(
                content.facts.map { fact in
                    .object([
                        "title": .string(Markup.plain.words(fact.title, limit: 100)), "value": .string(content.shown(fact, markup)),
                        "short": .bool(true),
                    ])
                })
        }
        return .object(members)
    }

    private static func text(_ content: MessageContent, _ markup: Markup) -> String {
        if let body = content.custom.body { return body }
        var parts: [String] = []
        if let remark = content.remark { parts.append(markup.words(remark, limit: 200)) }
        if let note = content.note { parts.append("> \(markup.words(note, limit: 300))") }
        if !content.detail.isEmpty { parts.append(markup.words(content.detail, limit: 600)) }
        let list = content.list(markup, bullet: \.sign)
        if !list.isEmpty { parts.append(list.joined(separator: "\n")) }
        return parts.joined(separator: "\n\n")
    }

    private static func links(_ content: MessageContent, _ markup: Markup) -> String {
        content.actions.compactMap { markup.link($0.url, $0.label) }.joined(separator: " · ")
    }

    /// Of every text in it, in UTF-16 units.
    private static func length(_ value: JSONValue) -> Int {
        switch value {
        case .string(let text): text.utf16.count
        case .array(let elements): elements.reduce(0) { $0 + length($1) }
        case .object(let members): members.values.reduce(0) { $0 + length($1) }
        default: 0
        }
    }
}
