import Foundation
import Monitoring
import Postgres

/// What may be claimed of the first steps of alerts while they are routed, and what was: a notification that is written as claimed need
/// not be found in the outbox and written again.
///
/// A first step alone, since nothing of its alert can wait or be under way then; told by itself; to a receiver whose lane has room.
struct DirectClaim: Sendable {
    let id = UUID()
    let outbox: Outbox
    let composer: MessageComposer
    /// Lanes that have room, by the names of their receivers, and how much.
    var offers: [String: (receiver: Receiver, room: Int)]
    /// For all of them together.
    let share: HoldLimit.Share

    /// What came of the drafts of a batch.
    struct Taken: Sendable {
        /// Claimed, by receiver.
        var messages: [String: [ClaimedMessage]] = [:]
        /// Drafts that are to be written as any other.
        var rest: [NotificationDraft]
        /// Whether the steps were marked as routed.
        var isMarked = false
    }

    /// Writes those of the drafts that can be told at once, as claimed by this process.
    ///
    /// - Parameters:
    ///   - rows: Of `monitoring_take_unrouted`, for the receivers that are offered.
    ///   - marks: What marks the steps of the batch as routed: an alert that comes alone is told the sooner for every statement that is
    ///     not waited for.
    func take(
        _ drafts: [NotificationDraft], of rows: PostgresRows, marks: [PostgresValue], _ connection: PostgresConnection
    ) async throws -> Taken {
        let claimed = render(try unwritten(drafts, rows))
        guard !claimed.isEmpty else { return Taken(rest: drafts) }
        let written = try await connection.query(
            Self.write,
            [
                .uuidArray(claimed.map(\.message.id)), .uuidArray(claimed.map(\.message.lead.alert.id)),
                .textArray(claimed.map(\.receiver)),
                // With one step, the alert's severity is the step's.
                .textArray(claimed.map(\.message.lead.alert.severity.rawValue)),
                .textArray(claimed.map { $0.message.rendered?.body ?? "" }),
                .textArray(claimed.map { $0.message.rendered?.contentType ?? "" }),
                .uuid(id), .text(outbox.process), .double(outbox.settings.claimSeconds),
                .double(outbox.settings.backoff.giveUpAfter.seconds),
            ] + marks)
        let ids = Set(try written.compactMap { try $0.decode("id") as UUID? })
        let taken = Set(claimed.map { Told(alert: $0.message.lead.alert.id, receiver: $0.receiver) })
        return Taken(
            messages: Dictionary(grouping: claimed.filter { ids.contains($0.message.id) }, by: \.receiver).mapValues { $0.map(\.message) },
            rest: drafts.filter { !isFirst($0) || !taken.contains(Told(alert: $0.alertID, receiver: $0.telling.receiver)) },
            isMarked: true)
    }

    /// What can be told of the steps that were taken.
    private func unwritten(
        _ drafts: [NotificationDraft], _ rows: PostgresRows
    ) throws -> [(receiver: String, notification: ClaimedNotification)] {
        let willing: [String] = try rows.first?.decode("willing") ?? []
        guard !willing.isEmpty else { return [] }
        var notifications: [UUID: ClaimedNotification] = [:]
        for row in rows {
            guard let notification = try ClaimedNotification(unwritten: row, timeLeft: outbox.settings.backoff.giveUpAfter) else {
                continue
            }
            notifications[notification.alert.id] = notification
        }
        return candidates(drafts, willing: Set(willing)).compactMap { draft in
            guard var notification = notifications[draft.alertID] else { return nil }
            notification.id = UUID()
            return (draft.telling.receiver, notification)
        }
    }

    private struct Told: Hashable {
        var alert: UUID
        var receiver: String
    }

    private func isFirst(_ draft: NotificationDraft) -> Bool {
        draft.sequence == 1 && draft.transition == .opened && draft.cause == .transition && draft.telling.group == nil
    }

    private func candidates(_ drafts: [NotificationDraft], willing: Set<String>) -> [NotificationDraft] {
        var rooms = offers.mapValues(\.room)
        var left = share.messages
        return drafts.filter { draft in
            guard left > 0, isFirst(draft), willing.contains(draft.telling.receiver), let room = rooms[draft.telling.receiver], room > 0
            else { return false }
            rooms[draft.telling.receiver] = room - 1
            left -= 1
            return true
        }
    }

    /// Makes messages while there are bytes left; what cannot be made goes the way of all others, where that is seen to.
    private func render(
        _ unwritten: [(receiver: String, notification: ClaimedNotification)]
    ) -> [(receiver: String, message: ClaimedMessage)] {
        var left = share.bytes
        var claimed: [(receiver: String, message: ClaimedMessage)] = []
        for (receiver, notification) in unwritten {
            var message = ClaimedMessage(members: [notification], claimID: id)
            guard let offer = offers[receiver], let rendered = composer.render(message, for: offer.receiver) else { continue }
            let bytes = rendered.body.utf8.count
            guard bytes <= left else { break }
            left -= bytes
            message.hold(rendered)
            claimed.append((receiver, message))
        }
        return claimed
    }

    /// An outer join, so that the steps are marked even where nothing is written.
    private static let write = """
        SELECT id
        FROM monitoring_mark_routed($11::bigint[], $12::text[])
        LEFT JOIN monitoring_write_claimed(
            $1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::uuid, $8::text,
            make_interval(secs => $9::double precision), make_interval(secs => $10::double precision)) AS id ON true
        """
}
