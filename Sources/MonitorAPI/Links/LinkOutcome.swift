import Foundation
import HTTPTypes
import Monitoring

/// What a link's page says: what happened, or how things stand.
struct LinkOutcome: Sendable, Hashable {
    var status: HTTPResponse.Status = .ok
    /// Empty where there is nothing to say but what the button does.
    var headline = ""
    var detail = ""
    /// It is as the reader wanted it.
    var isGood = true
    /// Whether the button has anything to do.
    var offersForm = false

    /// What came of a press on the button.
    static func after(_ deed: LinkDeed, by name: String?, _ result: LinkResult) -> LinkOutcome {
        if result.kind == .done { return done(deed, by: name) }
        var outcome = standing(deed.action, until: deed.until, result.alert, now: deed.moment, changedNothing: true)
        if result.kind == .tooLate { outcome.status = .conflict }
        outcome.offersForm = false
        return outcome
    }

    /// The action was done by this very request.
    static func done(_ deed: LinkDeed, by name: String?) -> LinkOutcome {
        let thanks = name.map { ", \($0)" } ?? ""
        return switch deed.action {
        case .resolve:
            LinkOutcome(
                headline: "Resolved. Thank you\(thanks).", detail: "The others are told. If the condition comes back, so does the alert.")
        case .snooze:
            LinkOutcome(
                headline: "Snoozed\(until(deed.until, deed.moment)). Thank you\(thanks).",
                detail: "Nobody is told of it before. If it is still open then, it is told once more.")
        default:
            LinkOutcome(
                headline: "Acknowledged. It is yours\(thanks).",
                detail: "The others see that you have it. The alert resolves by itself once the figures are calm again.")
        }
    }

    /// How the alert stands, seen by somebody who would like to do `action`.
    ///
    /// - Parameters:
    ///   - until: The end of the snooze that they would like.
    ///   - changedNothing: They tried.
    static func standing(
        _ action: AlertAction, until end: Date? = nil, _ alert: Alert, now: Date, changedNothing: Bool = false
    ) -> LinkOutcome {
        let nothing = changedNothing ? "Nothing was changed." : "There is nothing left to do here."
        switch (LinkDeed.stands(action, until: end, alert, now: now), alert.status) {
        case (.toDo, _):
            return LinkOutcome(offersForm: true)
        case (_, .open) where action == .snooze, (_, .acknowledged) where action == .snooze:
            return LinkOutcome(headline: "Already snoozed\(until(alert.snoozedUntil, now)).", detail: nothing)
        case (_, .open), (_, .acknowledged):
            let when = alert.acknowledgedAt.map { " at \(Wording.moment($0, now: now)) UTC" } ?? ""
            return LinkOutcome(
                headline: "Already acknowledged by \(alert.acknowledgedBy.map(Wording.name) ?? "somebody").",
                detail: "They took it\(when), \(ago(alert.acknowledgedAt, now)). \(nothing)")
        case (_, .resolved):
            let when = alert.resolvedAt.map { " at \(Wording.moment($0, now: now)) UTC" } ?? ""
            let whom = alert.resolvedBy.map { " by \(Wording.name($0))" } ?? ", by itself"
            return LinkOutcome(
                headline: "Already resolved\(whom).", detail: "It ended\(when), \(ago(alert.resolvedAt, now)). \(nothing)",
                isGood: action == .resolve || !changedNothing)
        case (_, .ignored):
            return LinkOutcome(
                headline: "This alert is ignored.", detail: "Somebody chose not to hear of it until the condition clears. \(nothing)",
                isGood: !changedNothing)
        }
    }

    /// What pressing the button means.
    static func consequence(of action: AlertAction) -> String {
        switch action {
        case .resolve: "Ends this alert. It stays quiet until the condition has cleared once, or gets worse."
        case .snooze: "Nobody is told of this alert until then. If it is still open at that time, it is told once more."
        default: "Shows the others that you have it in hand. If it gets worse, they are still told."
        }
    }

    private static func until(_ end: Date?, _ now: Date) -> String {
        end.map { " until \(Wording.moment($0, now: now)) UTC" } ?? ""
    }

    private static func ago(_ moment: Date?, _ now: Date) -> String {
        guard let moment else { return "some time ago" }
        return "\(Wording.span(now.timeIntervalSince(moment))) ago"
    }
}
