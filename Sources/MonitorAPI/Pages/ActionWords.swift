import Foundation
import HTTPTypes
import Monitoring

/// What a page says of an action: that it was done, or why it was not.
enum ActionWords {
    /// How long a page says what somebody has just done.
    private static let freshness: TimeInterval = 120

    /// It was done a moment ago; nil where the alert does not show that.
    static func done(_ action: AlertAction, _ alert: Alert, now: Date) -> LinkOutcome? {
        guard now.timeIntervalSince(alert.updatedAt) < freshness else { return nil }
        switch (action, alert.status) {
        case (.acknowledge, .acknowledged), (.resolve, .resolved):
            let deed = LinkDeed(action: action, actor: "", credential: "", note: nil, until: nil, moment: now)
            return LinkOutcome.done(deed, by: action == .resolve ? alert.resolvedBy : alert.acknowledgedBy)
        case (.snooze, .open), (.snooze, .acknowledged):
            guard let end = alert.snoozedUntil, end > now else { return nil }
            let deed = LinkDeed(action: action, actor: "", credential: "", note: nil, until: end, moment: now)
            return LinkOutcome.done(deed, by: nil)
        case (.ignore, .ignored):
            return LinkOutcome(headline: "Ignored.", detail: "Nobody is told of it until the condition clears. Reopen it to be told again.")
        case (.unacknowledge, .open):
            return LinkOutcome(headline: "Given back.", detail: "It is nobody's again, and the others are reminded of it as before.")
        case (.reopen, .open):
            return LinkOutcome(headline: "Reopened.", detail: "It is open again, and told.")
        default: return nil
        }
    }

    /// It was not done: somebody was quicker, or the alert is past that.
    static func undone(_ action: AlertAction, until: Date?, _ alert: Alert, now: Date, isForbidden: Bool) -> LinkOutcome {
        var outcome: LinkOutcome
        switch action {
        case .acknowledge, .resolve, .snooze:
            outcome = LinkOutcome.standing(action, until: until, alert, now: now, changedNothing: true)
            outcome.offersForm = false
            if outcome.headline.isEmpty { outcome.headline = "Nothing was changed." }
        case .unacknowledge, .ignore, .reopen:
            outcome = LinkOutcome(
                headline: isForbidden ? "This alert is \(alert.status.rawValue)." : "This alert is \(alert.status.rawValue) already.",
                detail: isForbidden && action == .reopen
                    ? "It cannot be reopened: there is a newer one of its kind. Nothing was changed." : "Nothing was changed.",
                isGood: !isForbidden)
        }
        if isForbidden {
            outcome.status = .conflict
            outcome.isGood = false
        }
        return outcome
    }
}
