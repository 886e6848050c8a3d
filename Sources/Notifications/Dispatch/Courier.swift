import Foundation
import Logging
import Monitoring
import WebTransport

/// Makes one request and says what came of it. It touches no database.
struct Courier: Sendable {
    let receiver: Receiver
    let transport: WebTransport
    let settings: DeliverySettings
    let logger: Logger
    private let scrubber: AnswerScrubber

    init(receiver: Receiver, transport: WebTransport, settings: DeliverySettings, logger: Logger) {
        self.receiver = receiver
        self.transport = transport
        self.settings = settings
        self.logger = logger
        scrubber = AnswerScrubber(receiver: receiver)
    }

    /// Sends a message whose body has been kept.
    ///
    /// - Parameter unit: Chance for the jitter, 0 to 1.
    func deliver(_ claimed: ClaimedMessage, unit: Double) async -> AttemptResult {
        let timeLeft = claimed.lead.timeLeft
        var machine = DeliveryMachine(failures: claimed.lead.failures, isPlain: claimed.isPlain, settings: settings)
        let startedAt = Date()
        guard let message = claimed.rendered else {
            return AttemptResult(claimed, action: machine.renderingFailed(), startedAt: startedAt)
        }
        _ = machine.bodyFrozen()
        guard receiver.kind.hasEndpoint else {
            log(claimed.lead, message)
            return AttemptResult(claimed, action: machine.answered(.delivered, timeLeft: timeLeft, unit: unit), startedAt: startedAt)
        }
        do {
            let response = try await transport.send(
                WebRequest(delivering: message, id: claimed.id, to: receiver, at: startedAt, timeout: settings.requestTimeout))
            let verdict = DeliveryVerdict(
                kind: receiver.kind, status: response.status, retryAfter: response.header("Retry-After"), body: response.body, at: Date())
            let action = machine.answered(verdict, timeLeft: timeLeft, unit: unit)
            var result = AttemptResult(claimed, action: action, startedAt: startedAt)
            result.timings = response.timings
            result.remoteAddress = response.remoteAddress
            result.httpStatus = response.status
            result.answer = scrubber.scrub(response.body)
            return result
        } catch {
            var result = AttemptResult(claimed, action: action(of: error, timeLeft: timeLeft, unit: unit, &machine), startedAt: startedAt)
            result.timings = error.timings
            result.remoteAddress = error.remoteAddress
            result.httpStatus = error.status
            return result
        }
    }

    private func action(
        of error: WebTransportError, timeLeft: Duration, unit: Double, _ machine: inout DeliveryMachine
    ) -> DeliveryMachine.Action {
        switch error.code {
        case .cancelled, .closed, .busy:
            return machine.cancelled()
        case .bodyTooLarge where error.status.map { (200..<300).contains($0) } == true,
            .timeout where takes(error.status), .reset where takes(error.status), .invalidResponse where takes(error.status):
            // It has the message and said so; what else it said is of no interest, or breaks off at every attempt.
            return machine.answered(.delivered, timeLeft: timeLeft, unit: unit)
        default:
            return machine.failed(FailureReason(error), timeLeft: timeLeft, unit: unit)
        }
    }

    /// Whether a status alone says that the message arrived.
    private func takes(_ status: Int?) -> Bool {
        guard let status, (200..<300).contains(status), receiver.kind != .slack, receiver.kind != .teams else { return false }
        return true
    }

    private func log(_ notification: ClaimedNotification, _ message: RenderedMessage) {
        logger.notice(
            "alert",
            metadata: [
                "what": "\(message.body)", "alert_id": "\(notification.alert.id.uuidString.lowercased())",
                "step": "\(notification.transition?.sequence ?? 0)",
            ])
    }
}
