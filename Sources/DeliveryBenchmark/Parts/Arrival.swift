import Foundation

/// A request as a receiver saw it.
struct Arrival: Sendable {
    /// On the monotonic clock.
    var at: Double
    /// The header `webhook-id`; nil where there is none.
    var id: UUID?
    /// The number of the alert that the body tells of; nil where it names none.
    var alert: Int?
    /// Of the whole body.
    var digest: UInt64
    /// What was answered; 0 for nothing.
    var status: Int
}
