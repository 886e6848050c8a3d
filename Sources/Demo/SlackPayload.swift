/// The body of a Slack incoming webhook: as much of it as a channel shows.
struct SlackPayload: Decodable, Sendable, Hashable {
    var text: String?
    var blocks: [SlackBlock]?
    var attachments: [SlackAttachment]?
}

/// A message part with a coloured bar at its side.
struct SlackAttachment: Decodable, Sendable, Hashable {
    var color: String?
    var fallback: String?
    var pretext: String?
    var title: String?
    var text: String?
    var blocks: [SlackBlock]?
}

/// One block of Block Kit; the fields of all the types, most of them absent in each.
struct SlackBlock: Decodable, Sendable, Hashable {
    var type: String
    var text: SlackText?
    var fields: [SlackText]?
    /// Of an actions block: buttons. Of a context block: texts.
    var elements: [SlackElement]?
    var accessory: SlackElement?

    private enum CodingKeys: String, CodingKey {
        case type, text, fields, elements, accessory
    }
}

/// A text object: `plain_text` or `mrkdwn`.
struct SlackText: Decodable, Sendable, Hashable {
    var type: String
    var text: String
}

/// A button, or a text inside a context block, whose `text` is a string there and an object in a button.
struct SlackElement: Decodable, Sendable, Hashable {
    var type: String
    var text: SlackText?
    var url: String?
    var style: String?
    var actionID: String?

    private enum CodingKeys: String, CodingKey {
        case type, text, url, style
        case actionID = "action_id"
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        type = try container.decode(String.self, forKey: .type)
        url = try container.decodeIfPresent(String.self, forKey: .url)
        style = try container.decodeIfPresent(String.self, forKey: .style)
        actionID = try container.decodeIfPresent(String.self, forKey: .actionID)
        if type == "mrkdwn" || type == "plain_text" {
            text = SlackText(type: type, text: try container.decode(String.self, forKey: .text))
        } else {
            text = try container.decodeIfPresent(SlackText.self, forKey: .text)
        }
    }
}
