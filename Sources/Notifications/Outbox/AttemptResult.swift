import Foundation
import WebTransport

/// What came of one attempt: what is recorded of the request, and what becomes of the notifications that it told of.
struct AttemptResult: Sendable, Encodable {
    /// The message's.
    var id: UUID
    /// Of all its notifications.
    var members: [UUID]
    var claimID: UUID
    /// `delivered`, `pending` or `dead`.
    var status: String
    /// nil where it is not due again.
    var waitSeconds: Double?
    /// Its form was refused: the next body is text alone.
    var asText = false
    /// It was not sent: as if it had not been claimed.
    var givenBack = false
    var pauseSeconds: Double?
    var disables = false
    /// From the closed list.
    var reason: String?

    var attempt: Int
    var startedAt: Date
    var outcome: String
    var httpStatus: Int?
    var nameLookupMs: Double?
    var connectMs: Double?
    var tlsMs: Double?
    var firstByteMs: Double?
    var totalMs: Double?
    var remoteAddress: String?
    var answer: String?

    /// The record of an action.
    init(_ message: ClaimedMessage, action: DeliveryMachine.Action, startedAt: Date) {
        id = message.id
        members = message.members.map(\.id)
        claimID = message.claimID
        attempt = message.lead.attempt
        self.startedAt = startedAt
        status = "pending"
        outcome = "retry"
        switch action {
        case .deliver:
            status = "delivered"
            outcome = "delivered"
        case .retry(let wait, let why):
            waitSeconds = wait.seconds
            reason = why.rawValue
        case .retryAndPause(let wait, let why):
            waitSeconds = wait.seconds
            pauseSeconds = wait.seconds
            reason = why.rawValue
        case .retryAsText(let why):
            waitSeconds = 0
            asText = true
            reason = why.rawValue
        case .retryAndDisable(let wait, let why):
            waitSeconds = wait.seconds
            pauseSeconds = wait.seconds
            disables = true
            outcome = "permanent"
            reason = why.rawValue
        case .bury(let why):
            status = "dead"
            outcome = "permanent"
            reason = why.rawValue
        case .giveBack, .send, .none:
            waitSeconds = 0
            givenBack = true
        }
    }

    mutating func record(_ timings: WebTimings, remoteAddress: String?) {
        nameLookupMs = timings.nameLookup.milliseconds
        connectMs = timings.connect.milliseconds
        tlsMs = timings.tls.milliseconds
        firstByteMs = timings.firstByte.milliseconds
        totalMs = timings.total.milliseconds
        self.remoteAddress = remoteAddress
    }

    enum CodingKeys: String, CodingKey {
        case id, members, status, reason, attempt, outcome, answer
        case claimID = "claim_id"
        case waitSeconds = "wait_seconds"
        case asText = "as_text"
        case givenBack = "given_back"
        case pauseSeconds = "pause_seconds"
        case startedAt = "started_at"
        case httpStatus = "http_status"
        case nameLookupMs = "name_lookup_ms"
        case connectMs = "connect_ms"
        case tlsMs = "tls_ms"
        case firstByteMs = "first_byte_ms"
        case totalMs = "total_ms"
        case remoteAddress = "remote_address"
    }
}
