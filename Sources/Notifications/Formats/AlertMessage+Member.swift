import Foundation
import Monitoring

extension AlertMessage {
    /// A further alert of the same message.
    struct Member: Sendable, Hashable {
        /// As it is when the message is made.
        var alert: Alert
        /// What is told of it.
        var transition: AlertTransition?
        /// Why it is told.
        var cause = NotificationCause.transition
        /// Where it alone is shown; nil: it has no link.
        var openLink: String?
    }

    /// A member as a message of its own, without links but its own.
    func alone(_ member: Member) -> AlertMessage {
        AlertMessage(
            id: id, alert: member.alert, transition: member.transition, moment: moment, environment: nil,
            links: MessageLinks(open: member.openLink), cause: member.cause)
    }
}
