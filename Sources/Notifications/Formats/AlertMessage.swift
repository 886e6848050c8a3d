import Foundation
import Monitoring

/// Everything that a format may say: the alert as it is when the message is made, the step that it tells of, and where its links lead.
struct AlertMessage: Sendable, Hashable {
    /// The notification's id, the same in every attempt.
    var id: UUID
    /// As it is when the message is made.
    var alert: Alert
    /// What is told; nil for a test message.
    var transition: AlertTransition?
    /// When the message is made.
    var moment: Date
    /// `production`; nil: not shown.
    var environment: String?
    /// Where the buttons lead.
    var links: MessageLinks
    /// Why it is told.
    var cause = NotificationCause.transition

    /// Whether there is still something to take in hand.
    var isOver: Bool { alert.status == .resolved || transition?.transition == .resolved }

    /// Whether it tells of an end of quiet, rather than of the step itself.
    var endsQuiet: Bool { cause == .snoozeEnded || cause == .silenceEnded }
}

/// Where a message's buttons lead; nil: there is no such button.
struct MessageLinks: Sendable, Hashable {
    var acknowledge: String?
    var resolve: String?
    var open: String?
    var runbook: String?

    /// The links of a message: signed for its receiver, good for a time that counts from the transition (or from `since`), so that
    /// they are the same whenever the message is made.
    init(
        alert: Alert, transition: AlertTransition?, since: Date? = nil, receiver: String, configuration: NotificationConfiguration,
        signer: LinkSigner
    ) {
        let since = since ?? transition?.occurredAt ?? alert.openedAt
        let expiry = Date(timeIntervalSince1970: (since.timeIntervalSince1970 + configuration.linkLifetime.seconds).rounded(.down))
        func link(_ action: LinkClaim.Action) -> String {
            let claim = LinkClaim(action: action, subject: .alert(alert.id), receiver: receiver, expiresAt: expiry)
            return "\(configuration.publicURL)/a/\(signer.token(for: claim))"
        }
        if alert.status == .open { acknowledge = link(.acknowledge) }
        if alert.status == .open || alert.status == .acknowledged { resolve = link(.resolve) }
        // Signed as well: a browser that comes from a chat has no token to show.
        open = link(.open)
        runbook = configuration.runbooks[alert.alertType]
    }

    init(acknowledge: String? = nil, resolve: String? = nil, open: String? = nil, runbook: String? = nil) {
        self.acknowledge = acknowledge
        self.resolve = resolve
        self.open = open
        self.runbook = runbook
    }
}
