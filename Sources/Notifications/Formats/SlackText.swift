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
