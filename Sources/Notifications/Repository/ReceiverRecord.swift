public import Foundation
import Postgres

/// How it goes with a receiver's endpoint, over all processes; never where it is.
public struct ReceiverRecord: Sendable, Hashable {
    /// Its name in the configuration.
    public var name: String
    /// It asked for rest, or is disabled: nothing is sent before.
    public var pausedUntil: Date?
    /// Since when its answers say that it is gone.
    public var disabledAt: Date?
    /// Why, from the closed list of reasons.
    public var disabledReason: String?
    /// How often its circuit breaker has opened since it last worked; 0: closed.
    public var openings: Int
    /// Notifications that are pending or being sent.
    public var waiting: Int
    /// Since when the one that waits longest has been due; nil where none waits.
    public var oldestDueAt: Date?
    /// Notifications that could not be delivered.
    public var dead: Int
    /// When it last took one, as far as that is kept.
    public var lastDeliveredAt: Date?

    /// A receiver that nothing waits for.
    public init(name: String, lastDeliveredAt: Date? = nil) {
        self.name = name
        self.lastDeliveredAt = lastDeliveredAt
        openings = 0
        waiting = 0
        dead = 0
    }

    init(row: PostgresRow) throws {
        name = try row.decode("receiver")
        pausedUntil = try row.decode("paused_until")
        disabledAt = try row.decode("disabled_at")
        disabledReason = try row.decode("disabled_reason")
        openings = try row.decode("openings")
        waiting = try row.decode("waiting")
        oldestDueAt = try row.decode("oldest_due_at")
        dead = try row.decode("dead")
        lastDeliveredAt = try row.decode("last_delivered_at")
    }
}
