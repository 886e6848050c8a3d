/// What replaces parts of a receiver's messages; where there is none, the built-in text stands.
public struct MessageTemplates: Sendable, Hashable {
    /// For the first line; what it gives is put on one line and has at most 500 characters.
    public var title: MessageTemplate?
    /// For all between the first line and the buttons; at most 2,800 characters.
    public var body: MessageTemplate?

    /// Templates for one part, both or none.
    public init(title: MessageTemplate? = nil, body: MessageTemplate? = nil) {
        self.title = title
        self.body = body
    }

    /// What they give of a message, and whether one of them gave nothing of use.
    ///
    /// - Parameters:
    ///   - title: How the first line's values are escaped.
    ///   - body: How the others are.
    func render(_ message: AlertMessage, _ content: MessageContent, title titleMarkup: Markup, body bodyMarkup: Markup) -> (
        custom: MessageContent.Custom, failed: Bool
    ) {
        var custom = MessageContent.Custom()
        if let title {
            let text = title.render(TemplateValues(message, content, titleMarkup), limit: 500)
            custom.title = text?.split(whereSeparator: \.isNewline).joined(separator: " ")
            // Whatever it says, nobody is to get up for a test.
            if message.isTest { custom.title = custom.title.map { "Test, nothing is wrong: \($0)" } }
        }
        if let body { custom.body = body.render(TemplateValues(message, content, bodyMarkup), limit: 2800) }
        return (custom, (title != nil && custom.title == nil) || (body != nil && custom.body == nil))
    }
}
