import Foundation
import Monitoring

/// Everything that a format may say: the alert as it is when the message is made, the step that it tells of, and where its links
/// lead. A message of a group tells of its worst alert, and has the others beside it.
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
    /// Where the buttons lead; of a group they act on all its members.
    var links: MessageLinks
    /// Why it is told.
    var cause = NotificationCause.transition
    /// The further alerts of the same message, worst first; empty for an alert alone.
    var others: [Member] = []
    /// The metric's hourly values over the last day, oldest first, nil where nothing was measured; empty: there is no course to show.
    var history: [Double?] = []

    /// The labels that all its alerts have alike; nil where it tells of one alone.
    var commonLabels: [String: String]? {
        if others.isEmpty { return nil }
        return others.reduce(alert.labels ?? [:]) { common, other in common.filter { other.alert.labels?[$0.key] == $0.value } }
    }

    /// Whether there is still something to take in hand.
    var isOver: Bool { alert.status == .resolved || transition?.transition == .resolved }

    /// Whether it tells of an end of quiet, rather than of the step itself.
    var endsQuiet: Bool { [.snoozeEnded, .silenceEnded, .muteEnded, .inhibitionEnded].contains(cause) }

    /// Whether it is told because the alert still stands, rather than for a step of it.
    var isReminder: Bool {
        endsQuiet || cause == .repetition || cause == .escalationStep || cause == .fallback && transition == nil
    }

    /// Whether nothing is wrong: somebody tries a receiver.
    var isTest: Bool { cause == .test || (transition == nil && cause == .transition) }
}

/// Where a message's buttons lead; nil: there is no such button.
struct MessageLinks: Sendable, Hashable {
    var acknowledge: String?
    var resolve: String?
    var open: String?
    var runbook: String?
    var snooze: String?
    /// On how many alerts they act.
    var count = 1

    /// The links of a message about one alert: signed for its receiver, good for a time that counts from a moment that does not change,
    /// so that they are the same whenever the message is made.
    ///
    /// - Parameter since: When the step happened, or the notification of none was written.
    init(
        alert id: UUID, status: AlertStatus, alertType: String, since: Date, receiver: String, configuration: NotificationConfiguration,
        signer: LinkSigner
    ) {
        let link = Self.link(.alert(id), since: since, receiver, configuration, signer)
        if status == .open {
            acknowledge = link(.acknowledge)
            snooze = link(.snooze)
        }
        if status == .open || status == .acknowledged { resolve = link(.resolve) }
        // Signed as well: a browser that comes from a chat has no token to show.
        open = link(.open)
        runbook = configuration.runbooks[alertType]
    }

    /// The links of a message about several alerts: they act on all of them.
    ///
    /// - Parameter since: When the first of them was written.
    init(
        message id: UUID, alerts: [(status: AlertStatus, type: String)], since: Date, receiver: String,
        configuration: NotificationConfiguration, signer: LinkSigner
    ) {
        let link = Self.link(.message(id), since: since, receiver, configuration, signer)
        if alerts.contains(where: { $0.status == .open }) {
            acknowledge = link(.acknowledge)
            snooze = link(.snooze)
        }
        open = link(.open)
        count = alerts.count
        if Set(alerts.map(\.type)).count == 1 { runbook = alerts.first.flatMap { configuration.runbooks[$0.type] } }
    }

    /// Those that there are, with the names that programs know them by, in alphabetical order.
    var named: [(name: String, url: String)] {
        [("acknowledge", acknowledge), ("open", open), ("resolve", resolve), ("runbook", runbook), ("snooze", snooze)]
            .compactMap { name, url in url.map { (name, $0) } }
    }

    private static func link(
        _ subject: LinkClaim.Subject, since: Date, _ receiver: String, _ configuration: NotificationConfiguration, _ signer: LinkSigner
    ) -> (LinkClaim.Action) -> String {
        let expiry = Date(timeIntervalSince1970: (since.timeIntervalSince1970 + configuration.linkLifetime.seconds).rounded(.down))
        return { action in
            let claim = LinkClaim(action: action, subject: subject, receiver: receiver, expiresAt: expiry)
            return "\(configuration.publicURL)/a/\(signer.token(for: claim))"
        }
    }

    init(
        acknowledge: String? = nil, resolve: String? = nil, open: String? = nil, runbook: String? = nil, snooze: String? = nil,
        count: Int = 1
    ) {
        self.acknowledge = acknowledge
        self.resolve = resolve
        self.open = open
        self.runbook = runbook
        self.snooze = snooze
        self.count = count
    }
}
