import Foundation
import Monitoring

/// A body as it will be sent, every time the same.
struct RenderedMessage: Sendable, Hashable {
    var body: String
    var contentType: String
    /// Whether it is text alone.
    var isPlain: Bool
    /// Whether a template of the configuration gave nothing of use, and the built-in text stands in its place.
    var templateFailed = false
}

/// Makes the body that a receiver wants.
enum MessageRenderer {
    /// - Parameter isPlain: Text alone, after a refusal of the form.
    /// - Throws: What JSON cannot hold.
    static func render(_ message: AlertMessage, receiver: Receiver, isPlain: Bool) throws -> RenderedMessage {
        // It has no words of its own: a burst for programs need not pay for them.
        if receiver.kind == .webhook {
            return RenderedMessage(
                body: String(decoding: try WebhookFormat.body(message), as: UTF8.self), contentType: WebhookFormat.contentType,
                isPlain: isPlain)
        }
        var content = MessageContent(message)
        var failed = false
        if let templates = receiver.templates, let markup = markups(of: receiver.kind) {
            (content.custom, failed) = templates.render(message, content, title: markup.title, body: markup.body)
        }
        let bytes = try body(message, content, receiver, isPlain: isPlain)
        let contentType =
            switch receiver.kind {
            case .log: "text/plain"
            case .slack: "application/json; charset=utf-8"
            default: "application/json"
            }
        return RenderedMessage(
            body: String(decoding: bytes, as: UTF8.self), contentType: contentType, isPlain: isPlain, templateFailed: failed)
    }

    private static func body(_ message: AlertMessage, _ content: MessageContent, _ receiver: Receiver, isPlain: Bool) throws -> [UInt8] {
        switch receiver.kind {
        case .slack:
            let body = isPlain ? SlackFormat.plain(content) : SlackFormat.body(content, isInteractive: receiver.isInteractive)
            return try MonitoringJSON.encode(body)
        case .mattermost: return try attachment(content, .markdown, isPlain: isPlain)
        case .rocketchat: return try attachment(content, .rocketChat, isPlain: isPlain)
        case .discord: return try MonitoringJSON.encode(isPlain ? DiscordFormat.plain(content) : DiscordFormat.body(content))
        case .teams: return try isPlain ? TeamsFormat.plain(content) : TeamsFormat.body(content)
        case .googlechat: return try isPlain ? GoogleChatFormat.plain(content) : GoogleChatFormat.body(content)
        case .pagerduty: return try MonitoringJSON.encode(PagerDutyFormat.body(message, content))
        case .webhook: return try WebhookFormat.body(message)
        case .log: return Array(LogFormat.text(content).utf8)
        }
    }

    private static func attachment(_ content: MessageContent, _ markup: Markup, isPlain: Bool) throws -> [UInt8] {
        try MonitoringJSON.encode(isPlain ? AttachmentFormat.plain(content, markup) : AttachmentFormat.body(content, markup))
    }

    /// How a template's values are escaped; nil for what has a form that programs rely on.
    private static func markups(of kind: ReceiverKind) -> (title: Markup, body: Markup)? {
        switch kind {
        case .slack: (.slack, .slack)
        case .mattermost, .discord: (.markdown, .markdown)
        case .rocketchat: (.rocketChat, .rocketChat)
        case .teams: (.card, .card)
        case .googlechat: (.chatText, .html)
        case .pagerduty, .log: (.plain, .plain)
        case .webhook: nil
        }
    }
}
