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

    /// Reads an answer of a receiver: first its body, where the kind explains itself there, then the status.
    ///
    /// | | slack | discord | teams | googlechat | mattermost, rocketchat | pagerduty | webhook |
    /// | --- | --- | --- | --- | --- | --- | --- | --- |
    /// | 2xx | delivered | delivered | delivered | delivered | delivered | delivered | delivered |
    /// | 429 | pause | pause | pause | pause | pause | pause | pause |
    /// | 503 with Retry-After | pause | pause | pause | pause | pause | pause | pause |
    /// | 400, 422 | message | form | form | form | form | message | message |
    /// | 413 | message | form | form | form | form | message | message |
    /// | 401 | again | endpoint | endpoint | endpoint | endpoint | endpoint | message |
    /// | 403, 404 | endpoint | endpoint | endpoint | endpoint | endpoint | endpoint | message |
    /// | 405 | again | again | again | again | again | again | message |
    /// | 410 | endpoint | endpoint | endpoint | endpoint | endpoint | endpoint | endpoint |
    /// | any other | again | again | again | again | again | again | again |
    ///
    /// What counts before that:
    ///
    /// | kind | in the body | verdict |
    /// | --- | --- | --- |
    /// | slack | `invalid_blocks`, … | form |
    /// | slack | `no_service`, `team_disabled`, `channel_is_archived`, … whatever the status | endpoint |
    /// | teams | a 2xx with `Webhook message delivery failed` or `HTTP error 413` | as that status says, else again |
    /// | teams | `WorkflowTriggerIsNotEnabled` | endpoint |
    /// | mattermost | `web.incoming_webhook.invalid`, `.disabled`, `.channel` | endpoint |
    /// | discord, slack | a 429 with `retry_after` | pause for so long, a fraction of a second included |
    /// | pagerduty | a 400 that speaks of the routing key | endpoint |
    ///
    /// - Parameters:
    ///   - retryAfter: The header of that name.
    ///   - moment: What a date in it is measured from.
    init(kind: ReceiverKind, status: Int, retryAfter: String?, body: [UInt8], at moment: Date) {
        let text = String(decoding: body.prefix(4096), as: UTF8.self)
        if let verdict = Self.word(of: kind, status: status, text) {
            self = verdict
            return
        }
        let header = retryAfter.flatMap { RetryAfter.duration($0, at: moment) }
        // The shorter of the two is the header's, which is rounded or, behind a cache, somebody else's.
        let pause = status == 429 ? Self.retryAfter(in: text, kind) ?? header : header
        self.init(kind: kind, status: status, pause: pause)
    }

    private init(kind: ReceiverKind, status: Int, pause: Duration?) {
        let reason = FailureReason(status: status)
        let isProgram = kind == .webhook
        switch status {
        case 200..<300: self = .delivered
        case 429: self = .pause(pause ?? .seconds(30), reason)
        case 503: self = pause.map { .pause($0, reason) } ?? .again(reason)
        case 410: self = .endpointGone(reason)
        case 400, 413, 422: self = kind.hasPlainForm ? .refusedForm(reason) : .refused(reason)
        case 403, 404: self = isProgram ? .refused(reason) : .endpointGone(reason)
        case 401 where kind == .slack: self = .again(reason)
        case 401: self = isProgram ? .refused(reason) : .endpointGone(reason)
        case 405: self = isProgram ? .refused(reason) : .again(reason)
        default: self = .again(reason)
        }
    }

    /// What a kind's own words say; nil where it used none.
    private static func word(of kind: ReceiverKind, status: Int, _ text: String) -> DeliveryVerdict? {
        switch kind {
        case .slack: slackWord(text)
        case .teams: teamsWord(status: status, text)
        case .mattermost: mattermostWord(status: status, text)
        case .pagerduty where status == 400: pagerDutyWord(text)
        default: nil
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

    /// A connector answers 200 when the channel behind it refused the message, and says so in words.
    private static func teamsWord(status: Int, _ body: String) -> DeliveryVerdict? {
        if body.contains("WorkflowTriggerIsNotEnabled") || body.contains("WorkflowNotFound") { return .endpointGone(.channelGone) }
        guard (200..<300).contains(status) else { return nil }
        if let match = body.firstMatch(of: /HTTP error (?<status>[1-5][0-9]{2})/), let behind = Int(match.output.status) {
            return (200..<300).contains(behind) ? nil : DeliveryVerdict(kind: .teams, status: behind, pause: nil)
        }
        return body.localizedCaseInsensitiveContains("delivery failed") ? .again(.serverError) : nil
    }

    private static func mattermostWord(status: Int, _ body: String) -> DeliveryVerdict? {
        guard !(200..<300).contains(status), body.contains("web.incoming_webhook.") else { return nil }
        let isGone = ["invalid.", "disabled.", "channel.", "channel_locked.", "permissions."].contains {
            body.contains("web.incoming_webhook.\($0)")
        }
        return isGone ? .endpointGone(.channelGone) : nil
    }

    private static func pagerDutyWord(_ body: String) -> DeliveryVerdict? {
        let text = body.lowercased()
        return text.contains("routing key") || text.contains("routing_key") ? .endpointGone(.unauthorized) : nil
    }

    /// `retry_after` of a JSON body, in seconds with a fraction, kept within a tenth of a second and an hour.
    private static func retryAfter(in body: String, _ kind: ReceiverKind) -> Duration? {
        guard kind == .discord || kind == .slack,
            let match = body.firstMatch(of: /"retry_after"\s*:\s*(?<seconds>[0-9]{1,9}(?:\.[0-9]{1,9})?)/),
            let seconds = Double(match.output.seconds)
        else { return nil }
        return .milliseconds(Int64((min(3600, max(0.1, seconds)) * 1000).rounded(.up)))
    }
}
