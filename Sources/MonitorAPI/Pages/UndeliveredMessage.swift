import Foundation
import Monitoring
import Notifications

/// A message on the status page that was given up.
struct UndeliveredMessage: Sendable {
    /// Most that the page shows; the pages of their alerts have the others.
    static let most = 5

    let title: String
    let link: String
    let receiver: String
    let detail: String
    let form: ButtonForm?
    let canAct: Bool

    /// - Parameter alert: That it tells of; nil where that is no longer kept.
    init(_ record: NotificationRecord, of alert: Alert?, viewer: PageViewer, now: Date) {
        let id = record.id.uuidString.lowercased()
        let what = Wording.sentence(record.transition ?? record.cause).lowercased()
        title = (alert.map { AlertCard.shortTitle(of: $0) } ?? "An alert") + ": " + what
        link = "alerts/\(record.alertID.uuidString.lowercased())"
        receiver = record.receiver
        let tries =
            record.attempts > 1 ? ", tried \(Wording.count(record.attempts)) times" : record.attempts == 1 ? ", tried once" : ""
        detail = "of \(Wording.moment(record.createdAt, now: now)) UTC\(tries)" + (record.failure.map { ". " + Wording.sentence($0) } ?? "")
        form = ButtonForm(
            MessageDeed.labels(for: record), to: "notifications/\(id)", of: id, "\(title), to \(record.receiver)", from: "status", viewer)
        canAct = form != nil
    }
}
