public import Foundation
import Monitoring
public import WebTransport

/// Sends a marked message to a receiver, as an alert would be sent, and says what came of it. It needs no database.
///
/// A `pagerduty` receiver gets two events: one that triggers an incident of severity info, and one that resolves it.
public struct ReceiverTest: Sendable {
    private let configuration: NotificationConfiguration
    private let transport: WebTransport

    /// - Parameters:
    ///   - configuration: Where the receiver is described.
    ///   - transport: What makes the request.
    public init(configuration: NotificationConfiguration, transport: WebTransport) {
        self.configuration = configuration
        self.transport = transport
    }

    /// Sends the message once; nothing is tried again.
    ///
    /// - Parameters:
    ///   - name: Of a receiver of the configuration.
    ///   - moment: The present.
    /// - Throws: `.invalidReceiver` where there is none of that name; what the receiver does is no error.
    public func run(receiver name: String, at moment: Date = Date()) async throws(NotificationConfigurationError) -> ReceiverTestOutcome {
        guard let receiver = configuration.receivers[name] else {
            let known = configuration.receivers.keys.sorted().prefix(20).joined(separator: ", ")
            throw NotificationConfigurationError(
                .invalidReceiver, "there is no receiver '\(name.prefix(64))'; there are \(known)")
        }
        var message = TestMessage.make(at: moment, configuration: configuration)
        var outcome = await send(message, to: receiver, at: moment)
        if receiver.kind == .pagerduty, outcome.delivered {
            message.alert.status = .resolved
            message.alert.resolvedAt = moment
            let end = await send(message, to: receiver, at: moment)
            if !end.delivered { outcome = end }
        }
        return outcome
    }

    private func send(_ message: AlertMessage, to receiver: Receiver, at moment: Date) async -> ReceiverTestOutcome {
        var outcome = ReceiverTestOutcome(
            receiver: receiver.name, type: receiver.kind.rawValue, delivered: false, startedAt: moment, templateFailed: false)
        guard let rendered = try? MessageRenderer.render(message, receiver: receiver, isPlain: false) else {
            outcome.fail(.unrenderable)
            return outcome
        }
        outcome.templateFailed = rendered.templateFailed
        guard receiver.kind.hasEndpoint else {
            outcome.delivered = true
            outcome.answer = rendered.body
            return outcome
        }
        do {
            let response = try await transport.send(
                WebRequest(
                    delivering: rendered, id: message.id, to: receiver, at: moment, timeout: configuration.delivery.requestTimeout))
            outcome.record(response.timings, remoteAddress: response.remoteAddress, status: response.status)
            outcome.answer = AnswerScrubber(receiver: receiver).scrub(response.body)
            let verdict = DeliveryVerdict(
                kind: receiver.kind, status: response.status, retryAfter: response.header("Retry-After"), body: response.body, at: moment)
            switch verdict {
            case .delivered: outcome.delivered = true
            case .again(let reason), .pause(_, let reason), .refused(let reason), .refusedForm(let reason), .endpointGone(let reason):
                outcome.fail(reason)
            }
        } catch {
            outcome.record(error.timings, remoteAddress: error.remoteAddress, status: error.status)
            if error.code == .bodyTooLarge, let status = error.status, (200..<300).contains(status) {
                outcome.delivered = true
            } else {
                outcome.fail(FailureReason(error))
            }
        }
        return outcome
    }
}

extension ReceiverTestOutcome {
    fileprivate mutating func fail(_ reason: FailureReason) {
        self.reason = reason.rawValue
        advice = reason.advice
    }

    fileprivate mutating func record(_ timings: WebTimings, remoteAddress: String?, status: Int?) {
        nameLookupMilliseconds = timings.nameLookup.milliseconds
        connectMilliseconds = timings.connect.milliseconds
        tlsMilliseconds = timings.tls.milliseconds
        firstByteMilliseconds = timings.firstByte.milliseconds
        totalMilliseconds = timings.total.milliseconds
        self.remoteAddress = remoteAddress
        httpStatus = status
    }
}
