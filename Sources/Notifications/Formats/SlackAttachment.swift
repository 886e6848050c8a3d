/// Blocks beside a bar of colour.
struct SlackAttachment: Encodable, Sendable, Hashable {
    var color: String
    var blocks: [SlackBlock]
}
