import Foundation
import Logging
import Monitoring
import Synchronization

/// Makes messages of what was claimed: words, links, and the figures beside them.
final class MessageComposer: Sendable {
    private let configuration: NotificationConfiguration
    private let signer: LinkSigner
    private let history: MetricHistory
    private let logger: Logger
    /// As it was when last asked for: a message is made while its rows are locked, and must not wait for anything.
    private let lastDay = Mutex<[String: [Double?]]>([:])

    init(configuration: NotificationConfiguration, signer: LinkSigner, history: MetricHistory, logger: Logger) {
        self.configuration = configuration
        self.signer = signer
        self.history = history
        self.logger = logger
    }

    /// Fetches what a rendering cannot wait for; nothing new within a minute.
    func prepare() async {
        let values = await history.lastDay(of: MetricHistory.columns, until: Date())
        lastDay.withLock { $0 = values }
    }

    /// - Returns: nil where no body can be made of it; why is logged.
    func render(_ claimed: ClaimedMessage, for receiver: Receiver) -> RenderedMessage? {
        let lead = claimed.lead
        let message = AlertMessage(
            id: claimed.id, alert: lead.alert, transition: lead.transition, moment: Date(), environment: configuration.environment,
            links: links(of: claimed, for: receiver), cause: lead.cause,
            others: claimed.members.dropFirst().map { member in
                AlertMessage.Member(
                    alert: member.alert, transition: member.transition, cause: member.cause, openLink: links(of: member, for: receiver).open
                )
            },
            history: lastDay.withLock { $0[lead.alert.metricName] ?? [] })
        do {
            let rendered = try MessageRenderer.render(message, receiver: receiver, isPlain: lead.isPlain)
            if rendered.templateFailed {
                logger.warning("a template gave nothing of use: the built-in text is sent", metadata: ["receiver": "\(receiver.name)"])
            }
            return rendered
        } catch {
            logger.error("message cannot be made", metadata: ["notification": "\(claimed.id)", "error": "\(error)"])
            return nil
        }
    }

    private func links(of claimed: ClaimedMessage, for receiver: Receiver) -> MessageLinks {
        guard claimed.members.count > 1 else { return links(of: claimed.lead, for: receiver) }
        return MessageLinks(
            message: claimed.id, alerts: claimed.members.map(\.alert),
            since: claimed.members.map(\.createdAt).min() ?? claimed.lead.createdAt,
            receiver: receiver.name, configuration: configuration, signer: signer)
    }

    private func links(of notification: ClaimedNotification, for receiver: Receiver) -> MessageLinks {
        MessageLinks(
            alert: notification.alert, transition: notification.transition,
            since: notification.cause == .transition ? nil : notification.createdAt, receiver: receiver.name,
            configuration: configuration, signer: signer)
    }
}
