import Foundation
import Monitoring
import Notifications
import Postgres

/// What the status page says of what somebody did a moment ago.
struct PageOutcome: Sendable {
    let outcome: LinkOutcome
    /// Of the page that tells more.
    let linkTitle: String
    /// Empty where there is none.
    let link: String

    init(_ outcome: LinkOutcome, _ alert: Alert?) {
        self.outcome = outcome
        linkTitle = alert.map { AlertCard.shortTitle(of: $0) } ?? ""
        link = alert.map { "alerts/\($0.id.uuidString.lowercased())" } ?? ""
    }

    /// Of a silence that is over.
    init(_ silence: SilenceRecord) {
        outcome = LinkOutcome(
            headline: "The silence has ended.",
            detail:
                "\(silence.matchers.joined(separator: ", ")): what matches is told again, and what was held back and is still open as well."
        )
        linkTitle = ""
        link = ""
    }
}
