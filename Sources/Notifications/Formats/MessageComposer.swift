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
        do {
            let links = links(of: claimed, for: receiver)
            // A burst for programs: what the database wrote goes on as it is.
            if receiver.kind == .webhook, claimed.members.count == 1,
                let body = try WebhookFormat.body(
                    relaying: claimed.lead, links: links, environment: configuration.environment, moment: Date())
            {
                return RenderedMessage(body: body, contentType: WebhookFormat.contentType, isPlain: claimed.lead.isPlain)
            }
            let rendered = try MessageRenderer.render(
                message(of: claimed, links: links, for: receiver), receiver: receiver, isPlain: claimed.lead.isPlain)
            if rendered.templateFailed {
                logger.warning(
                    "a template gave nothing of use: the built-in text is sent",
                    metadata: ["alert_id": AlertIDs.metadata(claimed.alerts), "receiver": "\(receiver.name)"])
            }
            return rendered
        } catch {
            logger.error(
                "message cannot be made",
                metadata: [
                    "alert_id": AlertIDs.metadata(claimed.alerts), "notification": "\(claimed.id.uuidString.lowercased())",
                    "error": "\(error)",
                ])
            return nil
        }
    }

    private func message(of claimed: ClaimedMessage, links: MessageLinks, for receiver: Receiver) throws -> AlertMessage {
        let lead = claimed.lead
        return AlertMessage(
            id: claimed.id, alert: try lead.alert.alert(), transition: try lead.transition?.transition(), moment: Date(),
            environment: configuration.environment, links: links, cause: lead.cause,
            others: try claimed.members.dropFirst().map { member in
                AlertMessage.Member(
                    alert: try member.alert.alert(), transition: try member.transition?.transition(), cause: member.cause,
                    openLink: self.links(of: member, for: receiver).open)
            },
            history: lastDay.withLock { $0[lead.alert.metricName] ?? [] })
    }

    private func links(of claimed: ClaimedMessage, for receiver: Receiver) -> MessageLinks {
        guard claimed.members.count > 1 else { return links(of: claimed.lead, for: receiver) }
        return MessageLinks(
            message: claimed.id, alerts: claimed.members.map { ($0.alert.status, $0.alert.alertType) },
            since: claimed.members.map(\.createdAt).min() ?? claimed.lead.createdAt,
            receiver: receiver.name, configuration: configuration, signer: signer)
    }

    private func links(of notification: ClaimedNotification, for receiver: Receiver) -> MessageLinks {
        let step =
            notification.cause == .transition ? notification.transition.flatMap { MonitoringJSON.date(fromTimestamp: $0.occurredAt) } : nil
        return MessageLinks(
            alert: notification.alert.id, status: notification.alert.status, alertType: notification.alert.alertType,
            since: step ?? notification.createdAt, receiver: receiver.name, configuration: configuration, signer: signer)
    }
}
