import Foundation
import Monitoring

/// A message that this process may send until its claim ends: one notification, or a group of them.
struct ClaimedMessage: Sendable, Hashable {
    /// The first is the one whose id the message has, and in whose row its body stands: of a group, the newest step of the worst.
    var members: [ClaimedNotification]
    var claimID: UUID
    /// nil: it could not be made.
    var rendered: RenderedMessage?
    /// Begun later, its request may outlast the claim; nil: there is time.
    var startBy: ContinuousClock.Instant?
    /// What it takes of the `HoldLimit` until it is sent or given back.
    var held: HoldLimit.Share?

    /// What a receiver sees in every attempt.
    var id: UUID { lead.id }
    var lead: ClaimedNotification { members[0] }
    /// Whether it tells of one alert alone, that somebody has ignored.
    var isIgnored: Bool { members.count == 1 && lead.alert.status == .ignored && lead.cause != .test }
    /// What it tells of, each once, in the order of the members.
    var alerts: [UUID] {
        var seen: Set<UUID> = []
        return members.map(\.alert.id).filter { seen.insert($0).inserted }
    }
    /// The body that an earlier attempt sent.
    var frozen: RenderedMessage? {
        guard let body = lead.body, let contentType = lead.contentType else { return nil }
        return RenderedMessage(body: body, contentType: contentType, isPlain: lead.isPlain)
    }
    var isPlain: Bool { rendered?.isPlain ?? lead.isPlain }

    /// It waits in memory from here on, without what its body was made of.
    mutating func hold(_ rendered: RenderedMessage) {
        self.rendered = rendered
        held = HoldLimit.Share(messages: 1, bytes: rendered.body.utf8.count)
        for index in members.indices {
            members[index].alert.json = ""
            members[index].transition?.json = ""
        }
    }

    /// Makes messages of what was claimed, in the order of their first rows.
    ///
    /// - Parameter rows: With the unit that each belongs to. A unit whose message is frozen needs the row that carries it.
    static func assemble(_ rows: [(unit: UUID, notification: ClaimedNotification)], claimID: UUID) -> [ClaimedMessage] {
        var order: [UUID] = []
        var units: [UUID: [ClaimedNotification]] = [:]
        for (unit, notification) in rows {
            if units[unit] == nil { order.append(unit) }
            units[unit, default: []].append(notification)
        }
        return order.compactMap { unit in
            let claimed = units[unit, default: []]
            // Of one alert the newest step first: it says how the alert stands.
            var newest: [UUID: ClaimedNotification] = [:]
            for member in claimed where newest[member.alert.id].map({ $0.isOlder(than: member) }) ?? true {
                newest[member.alert.id] = member
            }
            let members = claimed.sorted { first, second in
                if (first.id == first.messageID) != (second.id == second.messageID) { return first.id == first.messageID }
                guard first.alert.id != second.alert.id, let one = newest[first.alert.id], let other = newest[second.alert.id] else {
                    return second.isOlder(than: first)
                }
                return one.urgency == other.urgency ? one.isOlder(than: other) : one.urgency > other.urgency
            }
            guard let lead = members.first, lead.messageID == nil || lead.messageID == lead.id else { return nil }
            return ClaimedMessage(members: members, claimID: claimID)
        }
    }
}

extension ClaimedNotification {
    fileprivate func isOlder(than other: Self) -> Bool {
        (createdAt, id.uuidString) < (other.createdAt, other.id.uuidString)
    }

    /// What a group is named after: the worst that is not over.
    fileprivate var urgency: Int {
        let isOver = alert.status == .resolved || transition?.kind == .resolved
        return (isOver ? 0 : 10) + (Severity.allCases.firstIndex(of: alert.severity) ?? 0)
    }
}
