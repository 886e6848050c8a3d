import Foundation
import HTTPTypes
import Monitoring

/// What a message's page says happened to how many alerts.
struct GroupOutcome: Sendable, Hashable {
    var status: HTTPResponse.Status = .ok
    /// Empty where nothing was tried.
    var headline = ""
    /// A sentence each for those that were not changed.
    var details: [String] = []
    /// At least one is as the reader wanted it, and none failed.
    var isGood = true
    /// Whether the button may be shown once more.
    var offersForm = true

    /// Nobody has pressed anything. Where nothing is left to do, it says why.
    static func standing(_ action: AlertAction?, _ alerts: [Alert], now: Date) -> GroupOutcome {
        guard let action, !alerts.contains(where: { LinkDeed.stands(action, until: nil, $0, now: now) == .toDo }) else {
            return GroupOutcome()
        }
        let results = alerts.map { alert in
            LinkResult(alert: alert, kind: LinkDeed.stands(action, until: nil, alert, now: now) == .alreadySo ? .already : .tooLate)
        }
        return GroupOutcome(headline: "There is nothing left to do here.", details: Self.others(action, results), offersForm: false)
    }

    /// Somebody did.
    static func done(_ deed: LinkDeed, by name: String?, _ results: [LinkResult]) -> GroupOutcome {
        let done = results.count { $0.kind == .done }
        let failed = results.count { $0.kind == .failed }
        var outcome = GroupOutcome(details: others(deed.action, results), offersForm: failed > 0)
        outcome.isGood = failed == 0 && (done > 0 || results.contains { $0.kind == .already })
        if done == 0, !outcome.isGood, failed == 0 { outcome.status = .conflict }
        let thanks = name.map { ", \($0)" } ?? ""
        let number = done == results.count && done > 1 ? "all \(Wording.count(done))" : Wording.count(done)
        switch (done, deed.action) {
        case (0, _): outcome.headline = "Nothing was changed."
        case (_, .resolve): outcome.headline = "Resolved \(number). Thank you\(thanks)."
        case (_, .snooze):
            let end = deed.until.map { " until \(Wording.moment($0, now: deed.moment)) UTC" } ?? ""
            outcome.headline = "Snoozed \(number)\(end). Thank you\(thanks)."
        default: outcome.headline = "Acknowledged \(number). \(done == 1 ? "It is" : "They are") yours\(thanks)."
        }
        return outcome
    }

    /// What became of the rest, in whole sentences.
    static func others(_ action: AlertAction, _ results: [LinkResult]) -> [String] {
        var sentences: [String] = []
        let already = results.filter { $0.kind == .already }.map(\.alert)
        if action == .acknowledge {
            let holders = Dictionary(grouping: already) { $0.acknowledgedBy ?? "somebody" }
            for (name, group) in holders.sorted(by: { ($1.value.count, $0.key) < ($0.value.count, $1.key) }).prefix(10) {
                sentences.append("\(were(group.count)) already acknowledged by \(name).")
            }
            let shown = holders.count > 10 ? holders.count - 10 : 0
            if shown > 0 { sentences.append("Others were already acknowledged by \(shown) more people.") }
        } else if action == .snooze, !already.isEmpty {
            sentences.append("\(were(already.count)) already snoozed until then.")
        }
        let late = results.filter { $0.kind == .tooLate || ($0.kind == .already && action == .resolve) }.map(\.alert)
        let resolved = late.count { $0.status == .resolved }
        let ignored = late.count { $0.status == .ignored }
        if resolved > 0 { sentences.append("\(were(resolved)) already resolved.") }
        if ignored > 0 { sentences.append("\(were(ignored)) being ignored: somebody chose not to hear of it until the condition clears.") }
        let failed = results.count { $0.kind == .failed }
        if failed > 0 { sentences.append("\(Wording.count(failed)) could not be changed. Press the button again.") }
        return sentences
    }

    private static func were(_ count: Int) -> String { "\(Wording.count(count)) \(count == 1 ? "was" : "were")" }
}
