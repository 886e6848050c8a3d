import Crypto
import Foundation
import HTTPTypes
import Notifications

/// Whether a webhook comes from its source.
struct RelayProof: Sendable {
    let source: RelaySource
    let gate: Gate

    /// - Throws: 401.
    func check(_ headers: HTTPFields, body: [UInt8], now: Date) throws(Problem) {
        switch source.proof {
        case nil:
            // The listener is this machine's alone, or the source must have a proof: a token that may bring alerts in is one.
            guard gate.hasTokens else { return }
            _ = try gate.admit(headers, to: .ingest)
        case .token(let token):
            guard let presented = Gate.bearer(headers[.authorization]), token.matches(ListenerToken.digest(of: presented)) else {
                throw Problem(
                    .unauthenticated, "This source shows no token that is known here.", headers: [.wwwAuthenticate: "Bearer"])
            }
        case .standardWebhooks(let secret):
            guard
                StandardWebhooksCheck.holds(
                    id: headers[.webhookID], timestamp: headers[.webhookTimestamp], signatures: headers[.webhookSignature], body: body,
                    secret: secret, now: now)
            else { throw Self.unsigned("webhook-id, webhook-timestamp and webhook-signature") }
        case .slack(let secret):
            do {
                try SlackSignature.verify(
                    signature: headers[.slackSignature], timestamp: headers[.slackTimestamp], body: body, secret: secret.reveal(), now: now)
            } catch {
                throw Self.unsigned("X-Slack-Request-Timestamp and X-Slack-Signature")
            }
        }
    }

    private static func unsigned(_ names: String) -> Problem {
        Problem(
            .unauthenticated, "The headers \(names) must sign this body, not more than five minutes ago.",
            headers: [.wwwAuthenticate: "Signature"])
    }
}

extension HTTPField.Name {
    static let webhookID = HTTPField.Name("webhook-id")!
    static let webhookTimestamp = HTTPField.Name("webhook-timestamp")!
    static let webhookSignature = HTTPField.Name("webhook-signature")!
}
