import Foundation
import Monitoring

/// A body as it will be sent, every time the same.
struct RenderedMessage: Sendable, Hashable {
    var body: String
    var contentType: String
    /// Whether it is text alone.
    var isPlain: Bool
}

/// Makes the body that a receiver's kind wants.
enum MessageRenderer {
    /// - Parameter isPlain: Text alone, after a refusal of the form.
    /// - Throws: What JSON cannot hold.
    static func render(_ message: AlertMessage, kind: ReceiverKind, isPlain: Bool) throws -> RenderedMessage {
        switch kind {
        case .slack:
            let body = isPlain ? SlackFormat.plain(message) : SlackFormat.body(message)
            return RenderedMessage(
                body: String(decoding: try MonitoringJSON.encode(body), as: UTF8.self), contentType: "application/json; charset=utf-8",
                isPlain: isPlain)
        case .webhook:
            return RenderedMessage(
                body: String(decoding: try WebhookFormat.body(message), as: UTF8.self), contentType: "application/json", isPlain: isPlain)
        case .log:
            return RenderedMessage(body: AlertWords(message).sentence, contentType: "text/plain", isPlain: isPlain)
        }
    }
}
