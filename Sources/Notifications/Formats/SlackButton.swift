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
