import Foundation
import Postgres
import WebTransport

/// What came of one attempt: what is recorded of the request, and what becomes of the notifications that it told of.
struct AttemptResult: Sendable {
    /// The message's.
    var id: UUID
    /// Of all its notifications.
    var members: [UUID]
    /// That it tells of, for the log.
    var alerts: [UUID]
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
    var timings: WebTimings?
    var remoteAddress: String?
    var answer: String?

    /// The record of an action.
    init(_ message: ClaimedMessage, action: DeliveryMachine.Action, startedAt: Date) {
        id = message.id
        members = message.members.map(\.id)
        alerts = message.alerts
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
}

extension [AttemptResult] {
    /// What `monitoring_record_attempts` takes of them: of each request that was made, and then of each notification.
    var columns: [PostgresValue] {
        let made = filter { !$0.givenBack }
        func phase(_ path: KeyPath<WebTimings, Duration>) -> PostgresValue {
            .intArray(made.map { $0.timings.map { Int($0[keyPath: path] / .microseconds(1)) } })
        }
        let told = flatMap { result in result.members.map { (id: $0, result: result) } }
        return [
            .uuidArray(made.map(\.id)), .intArray(made.map(\.attempt)), .timestampArray(made.map(\.startedAt)),
            .textArray(made.map(\.outcome)), .intArray(made.map(\.httpStatus)), .textArray(made.map(\.reason)),
            phase(\.nameLookup), phase(\.connect), phase(\.tls), phase(\.firstByte), phase(\.total),
            .textArray(made.map(\.remoteAddress)), .textArray(made.map(\.answer)),
            .uuidArray(told.map(\.id)), .uuidArray(told.map(\.result.claimID)), .textArray(told.map(\.result.status)),
            .intArray(told.map { $0.result.waitSeconds.map { Int(($0 * 1000).rounded(.up)) } }), .boolArray(told.map(\.result.asText)),
            .boolArray(told.map(\.result.givenBack)), .textArray(told.map(\.result.reason)),
        ]
    }
}
