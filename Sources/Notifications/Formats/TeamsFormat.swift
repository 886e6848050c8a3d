import Monitoring

/// An alert for a Teams workflow: a message with an Adaptive Card.
///
/// Text of others stands in text runs, which read no markup, or in facts, whose marks are replaced by their likes. At most 28,672
/// bytes, as the whole is counted.
enum TeamsFormat {
    static let limit = 28_000

    static func body(_ content: MessageContent) throws -> [UInt8] {
        try content.fitting({ try MonitoringJSON.encode(message(card($0))) }, where: { $0.count <= limit })
    }

    /// A card of text alone, for a workflow that refuses the other: it takes nothing but cards.
    static func plain(_ content: MessageContent) throws -> [UInt8] {
        let text = content.custom.title ?? Markup.card.words(content.sentence, limit: 600)
        let card: JSONValue = .object([
            "type": .string("AdaptiveCard"), "version": .string("1.2"), "$schema": .string(schema),
            "body": .array([textBlock(text, [:])]), "actions": .array(actions(content.within(.headline))),
        ])
        return try MonitoringJSON.encode(message(card))
    }

    private static let schema = "http://adaptivecards.io/schemas/adaptive-card.json"

    private static func message(_ card: JSONValue) -> JSONValue {
        .object([
            "type": .string("message"),
            "attachments": .array([
                .object([
                    "contentType": .string("application/vnd.microsoft.card.adaptive"), "contentUrl": .null, "content": card,
                ])
            ]),
        ])
    }

    private static func card(_ content: MessageContent) -> JSONValue {
        var body = [headline(content)]
        if let text = content.custom.body {
            body.append(textBlock(text, [:]))
        } else {
            if let remark = content.remark { body.append(rich([run(remark, limit: 200)])) }
            if let note = content.note { body.append(rich([run(note, limit: 300, ["italic": .bool(true)])])) }
            let facts = content.facts.filter { !$0.isCourse }.map(fact)
            if !facts.isEmpty { body.append(.object(["type": .string("FactSet"), "facts": .array(facts)])) }
            for course in content.facts where course.isCourse {
                body.append(
                    rich([
                        run(course.title + "  ", limit: 100, ["isSubtle": .bool(true)]),
                        run(course.value, limit: 60, ["fontType": .string("Monospace")]),
                    ]))
            }
            if !content.detail.isEmpty { body.append(rich([run(content.detail, limit: 600)])) }
            body += content.lines.map(line)
            if let text = content.unlistedText { body.append(rich([run(text, limit: 60, ["isSubtle": .bool(true)])])) }
        }
        body.append(
            rich([run(content.footer.joined(separator: " · "), limit: 300, ["isSubtle": .bool(true), "size": .string("Small")])]))
        return .object([
            "type": .string("AdaptiveCard"), "version": .string("1.4"), "$schema": .string(schema),
            "msteams": .object(["width": .string("Full")]), "body": .array(body), "actions": .array(actions(content)),
        ])
    }

    private static func headline(_ content: MessageContent) -> JSONValue {
        let look: [String: JSONValue] = ["weight": .string("Bolder"), "size": .string("Medium")]
        if let title = content.custom.title { return textBlock(title, look) }
        let mark = content.tone == .over || content.tone == .inHand ? ": " : " · "
        var runs = [
            run(content.tone.sign + " " + content.word + mark, limit: 60, look.merging(["color": .string(color(content.tone))]) { $1 }),
            run(content.condition, limit: 200, look),
        ]
        if let place = content.place { runs.append(run(" on \(SafeText.clean(place, limit: 300))", limit: 104, look)) }
        let environment = content.environment.map { " in \($0)" } ?? ""
        if !(environment + content.rest).isEmpty { runs.append(run(environment + content.rest, limit: 120, look)) }
        return rich(runs)
    }

    private static func line(_ line: MessageContent.Line) -> JSONValue {
        var runs = [
            run("\(line.tone.sign) \(line.word) ", limit: 60, ["weight": .string("Bolder")]),
            run(line.condition + (line.place.map { " on \(SafeText.clean($0, limit: 60))" } ?? ""), limit: 200),
        ]
        if let url = line.url {
            let action: JSONValue = .object(["type": .string("Action.OpenUrl"), "url": .string(url)])
            runs += [run(" · ", limit: 3), run("Open", limit: 10, ["selectAction": action, "color": .string("Accent")])]
        }
        return rich(runs, ["spacing": .string("Small")])
    }

    private static func fact(_ fact: MessageContent.Fact) -> JSONValue {
        .object(["title": .string(Markup.card.words(fact.title, limit: 100)), "value": .string(Markup.card.words(fact.value, limit: 200))])
    }

    private static func rich(_ runs: [JSONValue], _ further: [String: JSONValue] = [:]) -> JSONValue {
        .object(["type": .string("RichTextBlock"), "inlines": .array(runs)].merging(further) { $1 })
    }

    private static func run(_ text: String, limit: Int, _ look: [String: JSONValue] = [:]) -> JSONValue {
        .object(["type": .string("TextRun"), "text": .string(Markup.plain.words(text, limit: limit))].merging(look) { $1 })
    }

    private static func textBlock(_ text: String, _ look: [String: JSONValue]) -> JSONValue {
        .object(["type": .string("TextBlock"), "text": .string(text), "wrap": .bool(true)].merging(look) { $1 })
    }

    private static func actions(_ content: MessageContent) -> [JSONValue] {
        content.actions.map { action in
            var members: [String: JSONValue] = [
                "type": .string("Action.OpenUrl"), "title": .string(action.label), "url": .string(action.url),
            ]
            if action.kind == .acknowledge { members["style"] = .string("positive") }
            return .object(members)
        }
    }

    private static func color(_ tone: MessageContent.Tone) -> String {
        switch tone {
        case .critical, .high: "Attention"
        case .medium, .low: "Warning"
        case .inHand: "Accent"
        case .over: "Good"
        }
    }
}
