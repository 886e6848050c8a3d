import Foundation
import WebTransport

extension WebRequest {
    /// The request that brings a message to its receiver: what is secret, and what changes with every attempt, is added to the body
    /// only here.
    ///
    /// - Parameters:
    ///   - id: Of the notification, the same in every attempt.
    ///   - moment: Of this attempt.
    ///   - timeout: For the whole request.
    init(delivering message: RenderedMessage, id: UUID, to receiver: Receiver, at moment: Date, timeout: Duration) {
        var body = Array(message.body.utf8)
        var url = receiver.url?.reveal() ?? ""
        var headers = [(name: "Content-Type", value: message.contentType)]
        switch receiver.kind {
        case .webhook:
            headers += StandardWebhooks.headers(
                id: id.uuidString.lowercased(), timestamp: moment, body: body, secrets: receiver.signingSecrets)
        case .discord:
            url = Self.waiting(url)
        case .pagerduty:
            if let key = receiver.routingKey { body = PagerDutyFormat.addressed(body, routingKey: key.reveal()) }
        default: break
        }
        self.init(
            method: "POST", url: url, headers: headers, body: body, connectTimeout: min(.seconds(5), timeout), timeout: timeout,
            addresses: receiver.allowPrivateNetwork ? .any : .publicOnly)
    }

    /// With `wait=true`: Discord then answers when the message stands in the channel, and says why where it does not.
    private static func waiting(_ url: String) -> String {
        let parts = url.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
        let query = parts[0].split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        guard query.count == 2 else { return parts[0] + "?wait=true" }
        let others = query[1].split(separator: "&").filter { $0 != "wait" && !$0.hasPrefix("wait=") }
        return "\(query[0])?\((others + ["wait=true"]).joined(separator: "&"))"
    }
}
