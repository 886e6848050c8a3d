import Foundation

/// What an answer means for the message and its receiver.
enum DeliveryVerdict: Sendable, Hashable {
    /// It arrived.
    case delivered
    /// Another try can help.
    case again(FailureReason)
    /// Another try can help, after this time, and no other message before it.
    case pause(Duration, FailureReason)
    /// This message will never be taken.
    case refused(FailureReason)
    /// This message is refused for its form: the text alone may be taken.
    case refusedForm(FailureReason)
    /// The endpoint takes no message any more.
    case endpointGone(FailureReason)

    /// Reads an answer of a receiver.
    ///
    /// | | slack | webhook |
    /// | --- | --- | --- |
    /// | 2xx | delivered | delivered |
    /// | 429 | pause | pause |
    /// | 503 with Retry-After | pause | pause |
    /// | `invalid_blocks`, … in the body | the form | |
    /// | `no_service`, `team_disabled`, … in the body, whatever the status | endpoint | |
    /// | 400, 413, 422 | message | message |
    /// | 401, 405 | again | message |
    /// | 403, 404 | endpoint | message |
    /// | 410 | endpoint | endpoint |
    /// | any other | again | again |
    ///
    /// - Parameters:
    ///   - retryAfter: The header of that name.
    ///   - moment: What a date in it is measured from.
    init(kind: ReceiverKind, status: Int, retryAfter: String?, body: [UInt8], at moment: Date) {
        if kind == .slack, let verdict = Self.slackWord(String(decoding: body.prefix(512), as: UTF8.self)) {
            self = verdict
            return
        }
        let pause = retryAfter.flatMap { RetryAfter.duration($0, at: moment) }
        let reason = FailureReason(status: status)
        switch status {
        case 200..<300: self = .delivered
        case 429: self = .pause(pause ?? .seconds(30), reason)
        case 503: self = pause.map { .pause($0, reason) } ?? .again(reason)
        case 410: self = .endpointGone(reason)
        case 400, 413, 422: self = .refused(reason)
        case 403, 404: self = kind == .slack ? .endpointGone(reason) : .refused(reason)
        case 401, 405: self = kind == .slack ? .again(reason) : .refused(reason)
        default: self = .again(reason)
        }
    }

    /// The words with which Slack explains itself; they count before the status.
    private static func slackWord(_ body: String) -> DeliveryVerdict? {
        switch body.trimmingCharacters(in: .whitespacesAndNewlines) {
        case "invalid_blocks", "invalid_blocks_format", "invalid_attachments", "too_many_attachments":
            .refusedForm(.invalidBlocks)
        case "invalid_payload", "no_text", "user_not_found", "msg_too_long":
            .refused(.badRequest)
        case "action_prohibited", "invalid_token", "channel_not_found", "no_active_hooks", "channel_is_archived", "no_service",
            "no_service_id", "no_team", "team_disabled", "posting_to_general_channel_denied":
            .endpointGone(.channelGone)
        default:
            nil
        }
    }
}
