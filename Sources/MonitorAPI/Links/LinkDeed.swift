import Foundation
import Monitoring
import Notifications

/// What somebody who holds a link asks for.
struct LinkDeed: Sendable, Hashable {
    var action: AlertAction
    /// Under which name it is recorded.
    var actor: String
    var credential: String
    var note: String?
    /// The end of a snooze; nil for any other action.
    var until: Date?
    var moment: Date

    /// What is left to do to an alert, as far as can be seen without asking the table of transitions.
    ///
    /// Whoever presses twice within two minutes means one snooze.
    static func stands(_ action: AlertAction, until: Date?, _ alert: Alert, now: Date) -> Standing {
        switch (alert.status, action) {
        case (.open, .acknowledge), (.open, .resolve), (.acknowledged, .resolve), (.ignored, .resolve): .toDo
        case (.open, .snooze), (.acknowledged, .snooze):
            if let until, let end = alert.snoozedUntil, end > now, abs(end.timeIntervalSince(until)) < 120 { .alreadySo } else { .toDo }
        case (.acknowledged, .acknowledge), (.resolved, .resolve): .alreadySo
        default: .tooLate
        }
    }

    /// How an alert stands to an action.
    enum Standing: Sendable, Hashable {
        /// It can be done.
        case toDo
        /// It is as the reader would have it.
        case alreadySo
        /// The alert is past that.
        case tooLate
    }
}

extension LinkClaim.Action {
    /// What it does; nil where it does nothing.
    var alertAction: AlertAction? {
        switch self {
        case .open: nil
        case .acknowledge: .acknowledge
        case .resolve: .resolve
        case .snooze: .snooze
        }
    }
}
