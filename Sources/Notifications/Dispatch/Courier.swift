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

    /// Sends a body that has been frozen.
    ///
    /// - Parameter unit: Chance for the jitter, 0 to 1.
    func deliver(_ notification: ClaimedNotification, _ message: RenderedMessage, unit: Double) async -> AttemptResult {
        var machine = DeliveryMachine(failures: notification.failures, isPlain: notification.isPlain, settings: settings)
        _ = machine.bodyFrozen()
        let startedAt = Date()
        guard receiver.kind.hasEndpoint else {
            log(notification, message)
            let action = machine.answered(.delivered, timeLeft: notification.timeLeft, unit: unit)
            return AttemptResult(notification, action: action, startedAt: startedAt)
        }
        do {
            let response = try await transport.send(
                WebRequest(delivering: message, id: notification.id, to: receiver, at: startedAt, timeout: settings.requestTimeout))
            let verdict = DeliveryVerdict(
                kind: receiver.kind, status: response.status, retryAfter: response.header("Retry-After"), body: response.body, at: Date())
            let action = machine.answered(verdict, timeLeft: notification.timeLeft, unit: unit)
            var result = AttemptResult(notification, action: action, startedAt: startedAt)
            result.record(response.timings, remoteAddress: response.remoteAddress)
            result.httpStatus = response.status
            result.answer = scrubber.scrub(response.body)
            return result
        } catch {
            var result = AttemptResult(
                notification, action: action(of: error, timeLeft: notification.timeLeft, unit: unit, &machine), startedAt: startedAt)
            result.record(error.timings, remoteAddress: error.remoteAddress)
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
        case .bodyTooLarge where error.status.map { (200..<300).contains($0) } == true:
            // It has the message and said so; what else it said is of no interest.
            return machine.answered(.delivered, timeLeft: timeLeft, unit: unit)
        default:
            return machine.failed(FailureReason(error), timeLeft: timeLeft, unit: unit)
        }
    }

    private func log(_ notification: ClaimedNotification, _ message: RenderedMessage) {
        logger.notice(
            "alert",
            metadata: [
                "what": "\(message.body)", "alert": "\(notification.alert.id.uuidString.lowercased())",
                "step": "\(notification.transition?.sequence ?? 0)",
            ])
    }
}
