/// The body of an incoming webhook, with the blocks that we use.
struct SlackBody: Encodable, Sendable, Hashable {
    var text: String
    var blocks: [SlackBlock]?
    var attachments: [SlackAttachment]?
    let unfurlLinks = false
    let unfurlMedia = false

    private enum CodingKeys: String, CodingKey {
        case text, blocks, attachments
        case unfurlLinks = "unfurl_links"
        case unfurlMedia = "unfurl_media"
    }
}

/// Blocks beside a bar of colour.
struct SlackAttachment: Encodable, Sendable, Hashable {
    var color: String
    var blocks: [SlackBlock]
}

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

/// A text object with markup. It is taken verbatim: an address or a channel's name in it becomes no link by itself.
struct SlackText: Encodable, Sendable, Hashable {
    let type: String
    let text: String
    let verbatim: Bool?

    init(_ text: String, type: String = "mrkdwn") {
        self.text = text
        self.type = type
        verbatim = type == "mrkdwn" ? true : nil
    }
}

/// A button that opens a page, or one that tells us that it was pressed.
struct SlackButton: Encodable, Sendable, Hashable {
    let type = "button"
    let text: SlackText
    /// nil for one that tells us.
    let url: String?
    /// What it tells us; nil for one that opens a page.
    let value: String?
    let actionID: String
    let style: String?

    private enum CodingKeys: String, CodingKey {
        case type, text, url, value, style
        case actionID = "action_id"
    }

    init(_ label: String, url: String?, value: String? = nil, actionID: String, style: String? = nil) {
        self.text = SlackText(label, type: "plain_text")
        self.url = url
        self.value = value
        self.actionID = actionID
        self.style = style
    }
}
