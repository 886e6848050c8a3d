import Foundation
import Notifications

/// GET /api/monitor/notifications.
struct NotificationListAnswer: Encodable, Sendable {
    var notifications: [NotificationRecord]
    /// Of the next page; nil where this is the last.
    @Nullable var nextCursor: Cursor?

    enum CodingKeys: String, CodingKey {
        case notifications
        case nextCursor = "next_cursor"
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
