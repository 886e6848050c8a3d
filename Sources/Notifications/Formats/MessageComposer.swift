import Foundation
import Logging
import Monitoring

/// Makes messages of what was claimed: words, links, and the figures beside them.
struct MessageComposer: Sendable {
    let configuration: NotificationConfiguration
    let signer: LinkSigner
    let logger: Logger

    /// Fetches what a rendering cannot wait for.
    func prepare() async {}

    /// - Returns: nil where no body can be made of it; why is logged.
    func render(_ claimed: ClaimedMessage, for receiver: Receiver) -> RenderedMessage? {
        let lead = claimed.lead
        let message = AlertMessage(
            id: claimed.id, alert: lead.alert, transition: lead.transition, moment: Date(), environment: configuration.environment,
            links: links(of: lead, for: receiver), cause: lead.cause)
        do {
            return try MessageRenderer.render(message, kind: receiver.kind, isPlain: lead.isPlain)
        } catch {
            logger.error("message cannot be made", metadata: ["notification": "\(claimed.id)", "error": "\(error)"])
            return nil
        }
    }

    private func links(of notification: ClaimedNotification, for receiver: Receiver) -> MessageLinks {
        MessageLinks(
            alert: notification.alert, transition: notification.transition,
            since: notification.cause == .transition ? nil : notification.createdAt, receiver: receiver.name,
            configuration: configuration, signer: signer)
    }
}
