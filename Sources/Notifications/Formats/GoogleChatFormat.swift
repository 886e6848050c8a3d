import Monitoring

/// An alert for a space of Google Chat: one line of text, which notifications show, and a card. At most 32,000 bytes.
enum GoogleChatFormat {
    static let limit = 31_000

    static func body(_ content: MessageContent) throws -> [UInt8] {
        try content.fitting(
            { content in
                let card = JSONValue.object(["cardId": .string("alert"), "card": .object(["sections": .array(sections(content))])])
                return try MonitoringJSON.encode(
                    JSONValue.object(["text": .string(headline(content)), "cardsV2": .array([card])]))
            }, where: { $0.count <= limit })
    }

    /// Text alone, for a space that refuses the card.
    static func plain(_ content: MessageContent) throws -> [UInt8] {
        let markup = Markup.chatText
        return try content.fitting(
            { content in
                var parts = [headline(content)]
                if let remark = content.remark { parts.append(markup.words(remark, limit: 200)) }
                if !content.detail.isEmpty { parts.append(markup.words(content.detail, limit: 600)) }
                parts += content.list(markup, bullet: \.sign)
                parts.append(content.actions.compactMap { markup.link($0.url, $0.label) }.joined(separator: " · "))
                return try MonitoringJSON.encode(JSONValue.object(["text": .string(parts.joined(separator: "\n"))]))
            }, where: { $0.count <= 4000 })
    }

    private static func headline(_ content: MessageContent) -> String {
        content.headline(.chatText, sign: content.tone.sign)
    }

    private static func sections(_ content: MessageContent) -> [JSONValue] {
        let markup = Markup.html
        var widgets: [JSONValue] = []
        var lines: [JSONValue] = []
        if let body = content.custom.body {
            widgets.append(paragraph(body))
        } else {
            if let remark = content.remark { widgets.append(paragraph(markup.words(remark, limit: 200))) }
            if let note = content.note { widgets.append(paragraph("<i>\(markup.words(note, limit: 300))</i>")) }
            widgets += content.facts.map { fact in
                .object([
                    "decoratedText": .object([
                        "topLabel": .string(Markup.plain.words(fact.title, limit: 100)), "text": .string(content.shown(fact, markup)),
                        "wrapText": .bool(true),
                    ])
                ])
            }
            if !content.detail.isEmpty { widgets.append(paragraph(markup.words(content.detail, limit: 600))) }
            lines = content.list(markup, bullet: \.sign).map(paragraph)
        }
        if !content.actions.isEmpty {
            let buttons = content.actions.map { action in
                JSONValue.object([
                    "text": .string(action.label), "onClick": .object(["openLink": .object(["url": .string(action.url)])]),
                ])
            }
            widgets.append(.object(["buttonList": .object(["buttons": .array(buttons)])]))
        }
        widgets.append(paragraph("<font color=\"#5f6368\">\(markup.words(content.footer.joined(separator: " · "), limit: 300))</font>"))
        let first = JSONValue.object(["widgets": .array(widgets)])
        guard !lines.isEmpty else { return [first] }
        return [first, .object(["header": .string("And also"), "widgets": .array(lines)])]
    }

    private static func paragraph(_ text: String) -> JSONValue {
        .object(["textParagraph": .object(["text": .string(text)])])
    }
}
