import Foundation
import Notifications

/// A receiver that messages do not reach, in words.
struct FailingReceiver: Sendable {
    let name: String
    let state: String
    let detail: String

    /// nil for one that works.
    ///
    /// - Parameter isDefined: Whether the configuration has one of that name.
    init?(_ record: ReceiverRecord, isDefined: Bool, now: Date) {
        name = record.name
        if !isDefined, record.waiting > 0 {
            state = "is configured no more: its messages wait until it is, or are given up"
        } else if let since = record.disabledAt {
            state = "switched off since \(Wording.moment(since, now: now)) UTC"
        } else if let until = record.pausedUntil, until > now, record.openings > 0 {
            state = "failing, tried again at \(Wording.moment(until, now: now)) UTC"
        } else if record.openings > 0 {
            state = "failing"
        } else if record.dead > 0 {
            state = "messages were given up"
        } else if let due = record.oldestDueAt, now.timeIntervalSince(due) > 120 {
            state = "late since \(Wording.moment(due, now: now)) UTC"
        } else {
            return nil
        }
        let reason = record.disabledReason.map { $0.replacing("_", with: " ") }
        let counts = [
            record.waiting > 0 ? "\(Wording.count(record.waiting)) waiting" : nil,
            record.dead > 0 ? "\(Wording.count(record.dead)) given up" : nil,
        ]
        let last = record.lastDeliveredAt.map { "last reached at \(Wording.moment($0, now: now)) UTC" } ?? "never reached"
        detail = ([reason] + counts + [last]).compactMap { $0 }.joined(separator: ", ")
    }
}
