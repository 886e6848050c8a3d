import Foundation
import Notifications

/// GET /api/monitor/receivers.
struct ReceiverListAnswer: Encodable, Sendable {
    var receivers: [ReceiverAnswer]
    var count: Int
}

/// How it goes with one receiver.
struct ReceiverAnswer: Encodable, Sendable {
    /// In the order in which they count: a receiver that is disabled is paused as well.
    enum State: String, Encodable, Sendable, CaseIterable {
        /// Its answers say that it is gone; one message an hour looks again.
        case disabled
        /// It failed so often that it is left alone for a while.
        case breakerOpen = "breaker_open"
        /// It asked for rest.
        case paused
        case ok
        /// The configuration has none of that name.
        case undefined
    }

    var record: ReceiverRecord
    /// nil where it is not configured.
    var kind: ReceiverKind?
    var now: Date

    var state: State {
        if kind == nil { return .undefined }
        if record.disabledAt != nil { return .disabled }
        if record.openings > 0 { return .breakerOpen }
        return record.pausedUntil.map { $0 > now } ?? false ? .paused : .ok
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Keys.self)
        try container.encode(record.name, forKey: .name)
        try container.encode(kind?.rawValue, forKey: .kind)
        try container.encode(state, forKey: .state)
        try container.encode(record.pausedUntil.flatMap { $0 > now ? $0 : nil }, forKey: .pausedUntil)
        try container.encode(record.disabledAt, forKey: .disabledAt)
        try container.encode(record.disabledReason, forKey: .disabledReason)
        try container.encode(record.openings, forKey: .openings)
        try container.encode(record.waiting, forKey: .waiting)
        try container.encode(record.oldestDueAt, forKey: .oldestDueAt)
        try container.encode(record.dead, forKey: .dead)
        try container.encode(record.lastDeliveredAt, forKey: .lastDeliveredAt)
    }

    private enum Keys: String, CodingKey {
        case name, kind, state, openings, waiting, dead
        case pausedUntil = "paused_until"
        case disabledAt = "disabled_at"
        case disabledReason = "disabled_reason"
        case oldestDueAt = "oldest_due_at"
        case lastDeliveredAt = "last_delivered_at"
    }
}
