import Crypto
import Foundation
import HTTPTypes
import Notifications

/// Whether a webhook comes from its source.
struct RelayProof: Sendable {
    let source: RelaySource
    let gate: Gate

    /// Whether the head alone proves it, so that a body need not be read first. A signature is of the body: of that, whether there is one
    /// and it is fresh.
    ///
    /// - Throws: 401.
    func isProven(by headers: HTTPFields, now: Date) throws(Problem) -> Bool {
        switch source.proof {
        case nil, .token:
            try check(headers, body: [], now: now)
            return true
        case .standardWebhooks:
            guard headers[.webhookID] != nil, headers[.webhookSignature] != nil,
                Self.isFresh(headers[.webhookTimestamp], now, StandardWebhooksCheck.tolerance)
            else {
                throw Self.unsigned(Self.standardNames)
            }
        case .slack:
            guard headers[.slackSignature] != nil, Self.isFresh(headers[.slackTimestamp], now, SlackSignature.tolerance) else {
                throw Self.unsigned(Self.slackNames)
            }
        }
        return false
    }

    /// Whether what it shows could not be found by trying: an address that others guess from is not theirs alone. A signature shows
    /// nothing of its secret.
    func isBeyondGuessing(_ headers: HTTPFields) -> Bool {
        switch source.proof {
        case .standardWebhooks, .slack: return true
        case nil:
            return Gate.bearer(headers[.authorization]).flatMap { gate.token(withSecret: $0) }?.isBeyondGuessing ?? !gate.hasTokens
        case .token(let token):
            guard let presented = Gate.bearer(headers[.authorization]) else { return false }
            return token.isBeyondGuessing && token.matches(ListenerToken.digest(of: presented))
        }
    }

    private static func isFresh(_ timestamp: String?, _ now: Date, _ tolerance: Int) -> Bool {
        timestamp.flatMap { $0.utf8.count <= 12 ? Int($0) : nil }
            .map { abs(now.timeIntervalSince1970 - Double($0)) <= Double(tolerance) } ?? false
    }

    /// What tells a request from a repetition of it: what is signed, where anything is. A field that is not could be made up by whoever
    /// has seen the rest.
    func key(of headers: HTTPFields) -> String? {
        switch source.proof {
        case .standardWebhooks: headers[.webhookID]
        case .slack: headers[.slackSignature]
        case nil, .token: headers[.idempotencyKey] ?? headers[.webhookID]
        }
    }

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
            else { throw Self.unsigned(Self.standardNames) }
        case .slack(let secret):
            do {
                try SlackSignature.verify(
                    signature: headers[.slackSignature], timestamp: headers[.slackTimestamp], body: body, secret: secret.reveal(), now: now)
            } catch {
                throw Self.unsigned(Self.slackNames)
            }
        }
    }

    private static let standardNames = "webhook-id, webhook-timestamp and webhook-signature"
    private static let slackNames = "X-Slack-Request-Timestamp and X-Slack-Signature"

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
