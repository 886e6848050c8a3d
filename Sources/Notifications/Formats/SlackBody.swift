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
