/// A block of Block Kit.
enum SlackBlock: Encodable, Sendable, Hashable {
    case section(String)
    case fields([String])
    case actions([SlackButton])
    case context([String])

    private enum CodingKeys: String, CodingKey {
        case type, text, fields, elements
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .section(let text):
            try container.encode("section", forKey: .type)
            try container.encode(SlackText(text), forKey: .text)
        case .fields(let texts):
            try container.encode("section", forKey: .type)
            try container.encode(texts.map { SlackText($0) }, forKey: .fields)
        case .actions(let buttons):
            try container.encode("actions", forKey: .type)
            try container.encode(buttons, forKey: .elements)
        case .context(let texts):
            try container.encode("context", forKey: .type)
            try container.encode(texts.map { SlackText($0) }, forKey: .elements)
        }
    }
}
