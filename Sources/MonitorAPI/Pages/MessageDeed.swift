import Foundation
import HTTPTypes
import Notifications

/// What somebody can do on a page about a message that did not get through.
enum MessageDeed: String, Sendable, Hashable, CaseIterable {
    case retry, drop

    /// What can be done, the likeliest first, and what its button says.
    static func labels(for record: NotificationRecord) -> [(value: String, label: String)] {
        switch record.status {
        case .dead: [(retry.rawValue, "Send again"), (drop.rawValue, "Drop")]
        // It failed, and waits for its next try.
        case .pending where record.attempts > 0: [(retry.rawValue, "Send now"), (drop.rawValue, "Drop")]
        case .dropped: [(retry.rawValue, "Send again")]
        case .pending, .sending, .delivered, .superseded: []
        }
    }

    /// What came of it, by how the message stands now: true however long ago it was done.
    func outcome(_ record: NotificationRecord, now: Date) -> LinkOutcome {
        let whom = record.receiver
        let nothing = "Nothing was changed."
        switch (self, record.status) {
        case (.retry, .pending), (.retry, .sending):
            return LinkOutcome(
                headline: "It is being sent again.",
                detail: "What its message tells of goes to \(whom) together; this page shows what comes of it.")
        case (.retry, .delivered):
            return LinkOutcome(headline: "It has arrived.", detail: "\(whom) took it\(Self.at(record.deliveredAt, now)).")
        case (.retry, .dead):
            return LinkOutcome(
                headline: "It could not be delivered again.",
                detail: "\(whom) did not take it." + Self.why(record), isGood: false)
        case (.retry, .dropped):
            return LinkOutcome(headline: "It is dropped.", detail: "Somebody decided that \(whom) is not to have it.", isGood: false)
        case (.retry, .superseded):
            return LinkOutcome(
                headline: "There is a newer message.", detail: "That one goes to \(whom) in its place. \(nothing)", isGood: false)
        case (.drop, .dropped):
            return LinkOutcome(headline: "Dropped.", detail: "It is not sent to \(whom) any more. The alert itself is as it was.")
        case (.drop, .sending):
            return LinkOutcome(
                headline: "It is being sent at this moment.", detail: "What comes of that is known within a minute. \(nothing)",
                isGood: false)
        case (.drop, .delivered):
            return LinkOutcome(
                headline: "It was delivered already.", detail: "\(whom) took it\(Self.at(record.deliveredAt, now)). \(nothing)",
                isGood: false)
        case (.drop, .superseded):
            return LinkOutcome(headline: "There is a newer message.", detail: "This one is not sent any more. \(nothing)", isGood: false)
        case (.drop, .pending), (.drop, .dead):
            return LinkOutcome(headline: "Somebody had it sent again.", detail: "It is not dropped any more.", isGood: false)
        }
    }

    private static func why(_ record: NotificationRecord) -> String {
        record.failure.map { " \(Wording.sentence($0))\($0.hasSuffix("?") ? "" : ".")" } ?? ""
    }

    private static func at(_ moment: Date?, _ now: Date) -> String {
        moment.map { " at \(Wording.moment($0, now: now)) UTC" } ?? ""
    }
}
