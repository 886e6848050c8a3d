import Foundation
import Notifications

/// A silence on the status page.
struct SilenceCard: Sendable {
    /// Most that the page shows.
    static let most = 50

    let matchers: [String]
    let state: String
    let detail: String
    let form: ButtonForm?
    let canAct: Bool

    init(_ silence: SilenceRecord, viewer: PageViewer, now: Date) {
        matchers = silence.matchers
        state =
            silence.state == .pending
            ? "from \(Wording.moment(silence.startsAt, now: now)) UTC" : "until \(Wording.moment(silence.endsAt, now: now)) UTC"
        detail = "by \(Wording.name(silence.createdBy))" + (silence.comment.isEmpty ? "" : ": \(silence.comment)")
        form = ButtonForm(
            [(TroubleEndpoints.end, silence.state == .pending ? "Take back" : "End now")], to: "silences/\(silence.id)", of: silence.id,
            "the silence of \(silence.matchers.joined(separator: ", "))", from: "status", viewer)
        canAct = form != nil
    }
}
