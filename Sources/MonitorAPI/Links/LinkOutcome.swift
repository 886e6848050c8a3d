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

    /// The action was done by this very request.
    static func done(_ action: AlertAction, by name: String?) -> LinkOutcome {
        let thanks = name.map { ", \($0)" } ?? ""
        return switch action {
        case .resolve:
            LinkOutcome(
                headline: "Resolved. Thank you\(thanks).", detail: "The others are told. If the condition comes back, so does the alert.")
        default:
            LinkOutcome(
                headline: "Acknowledged. It is yours\(thanks).",
                detail: "The others see that you have it. The alert resolves by itself once the figures are calm again.")
        }
    }

    /// How the alert stands, seen by somebody who would like to do `action`.
    ///
    /// - Parameter changedNothing: They tried.
    static func standing(_ action: AlertAction, _ alert: Alert, now: Date, changedNothing: Bool = false) -> LinkOutcome {
        let nothing = changedNothing ? "Nothing was changed." : "There is nothing left to do here."
        switch (alert.status, action) {
        case (.open, _), (.acknowledged, .resolve), (.ignored, .resolve):
            return LinkOutcome(offersForm: true)
        case (.acknowledged, _):
            let when = alert.acknowledgedAt.map { " at \(Wording.moment($0, now: now)) UTC" } ?? ""
            return LinkOutcome(
                headline: "Already acknowledged by \(alert.acknowledgedBy ?? "somebody").",
                detail: "They took it\(when), \(ago(alert.acknowledgedAt, now)). \(nothing)")
        case (.resolved, _):
            let when = alert.resolvedAt.map { " at \(Wording.moment($0, now: now)) UTC" } ?? ""
            let whom = alert.resolvedBy.map { " by \($0)" } ?? ", by itself"
            return LinkOutcome(
                headline: "Already resolved\(whom).", detail: "It ended\(when), \(ago(alert.resolvedAt, now)). \(nothing)",
                isGood: action == .resolve || !changedNothing)
        case (.ignored, _):
            return LinkOutcome(
                headline: "This alert is ignored.", detail: "Somebody chose not to hear of it until the condition clears. \(nothing)",
                isGood: !changedNothing)
        }
    }

    /// What pressing the button means.
    static func consequence(of action: AlertAction) -> String {
        switch action {
        case .resolve: "Ends this alert. It stays quiet until the condition has cleared once, or gets worse."
        default: "Shows the others that you have it in hand. If it gets worse, they are still told."
        }
    }

    private static func ago(_ moment: Date?, _ now: Date) -> String {
        guard let moment else { return "some time ago" }
        return "\(Wording.span(now.timeIntervalSince(moment))) ago"
    }
}
