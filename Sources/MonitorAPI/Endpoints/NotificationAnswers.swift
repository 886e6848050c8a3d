import Foundation
import Notifications

/// GET /api/monitor/notifications.
struct NotificationListAnswer: Encodable, Sendable {
    var notifications: [NotificationRecord]
    /// Of the next page; nil where this is the last.
    var nextCursor: UUID?

    enum CodingKeys: String, CodingKey {
        case notifications
        case nextCursor = "next_cursor"
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(notifications, forKey: .notifications)
        try container.encode(nextCursor?.uuidString.lowercased(), forKey: .nextCursor)
    }
}

/// GET /api/monitor/notifications/{id}: it, all that its message tells of, and every attempt to deliver that.
struct NotificationStoryAnswer: Encodable, Sendable {
    var notification: NotificationRecord
    /// At most 500.
    var members: [NotificationRecord]
    var attempts: [DeliveryAttempt]
}

/// POST /api/monitor/notifications/{id}/retry and drop.
struct NotificationChangeAnswer: Encodable, Sendable {
    var notification: NotificationRecord
    var changed: Bool
    /// Notifications that were changed: all that the message tells of.
    var count: Int
}
