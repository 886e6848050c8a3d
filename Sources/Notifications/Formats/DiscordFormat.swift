import Monitoring

/// An alert for Discord: one line as content, and an embed with a bar of colour. Nobody is mentioned, whatever stands in it.
///
/// Within Discord's limits: content 2,000, description 4,096, 25 fields of 256 and 1,024, 6,000 in all.
enum DiscordFormat {
    private static let markup = Markup.markdown

    static func body(_ content: MessageContent) -> JSONValue {
        let embed = content.fitting(embed, where: { length($0) <= 5800 && ($0["description"]?.string?.utf16.count ?? 0) <= 4096 })
        return message(headline(content), ["embeds": .array([embed])])
    }

    /// Text alone, for a receiver that refuses the embed.
    static func plain(_ content: MessageContent) -> JSONValue {
        let text = content.fitting(
            { content in
                let links = links(content).joined(separator: " · ")
                return [headline(content), content.custom.body ?? description(content), links].filter { !$0.isEmpty }
                    .joined(separator: "\n")
            }, where: { $0.utf16.count <= 2000 })
        return message(text.utf16.count <= 2000 ? text : headline(content), [:])
    }

    private static func message(_ text: String, _ further: [String: JSONValue]) -> JSONValue {
        let base: [String: JSONValue] = ["content": .string(text), "allowed_mentions": .object(["parse": .array([])])]
        return .object(base.merging(further) { $1 })
    }

    private static func headline(_ content: MessageContent) -> String {
        content.headline(markup, sign: content.tone.sign)
    }

    private static func embed(_ content: MessageContent) -> JSONValue {
        var members: [String: JSONValue] = [
            "color": .integer(Int64(content.tone.color)),
            "footer": .object(["text": .string(Markup.plain.words(content.footer.joined(separator: " · "), limit: 300))]),
        ]
        let description = content.custom.body ?? description(content)
        if !description.isEmpty { members["description"] = .string(description) }
        var fields: [JSONValue] = []
        if content.custom.body == nil {
            fields = content.facts.map { field(Markup.plain.words($0.title, limit: 100), content.shown($0, markup), isInline: true) }
        }
        for (index, text) in packed(links(content)).enumerated() {
            fields.append(field(index == 0 ? "What to do" : "\u{200B}", text, isInline: false))
        }
        if !fields.isEmpty { members["fields"] = .array(fields) }
        return .object(members)
    }

    private static func field(_ name: String, _ value: String, isInline: Bool) -> JSONValue {
        .object(["name": .string(name), "value": .string(value), "inline": .bool(isInline)])
    }

    private static func description(_ content: MessageContent) -> String {
        var parts: [String] = []
        if let remark = content.remark { parts.append(markup.words(remark, limit: 200)) }
        if let note = content.note { parts.append("> \(markup.words(note, limit: 300))") }
        if !content.detail.isEmpty { parts.append(markup.words(content.detail, limit: 600)) }
        return (parts + content.list(markup, bullet: \.sign)).joined(separator: "\n")
    }

    private static func links(_ content: MessageContent) -> [String] {
        content.actions.compactMap { markup.link($0.url, $0.label) }
    }

    /// Links together in values of at most 1,024 units; one that is longer alone is left out.
    private static func packed(_ links: [String]) -> [String] {
        var values: [String] = []
        for link in links where link.utf16.count <= 1024 {
            if let last = values.last, last.utf16.count + 3 + link.utf16.count <= 1024 {
                values[values.count - 1] = last + " · " + link
            } else {
                values.append(link)
            }
        }
        return values
    }

    /// Of all that counts towards the 6,000.
    private static func length(_ embed: JSONValue) -> Int {
        let fields = embed["fields"]?.array ?? []
        let texts = [embed["description"], embed["footer"]?["text"]] + fields.flatMap { [$0["name"], $0["value"]] }
        return texts.reduce(0) { $0 + ($1?.string?.utf16.count ?? 0) }
    }
}
