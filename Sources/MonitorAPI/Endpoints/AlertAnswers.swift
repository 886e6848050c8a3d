import Foundation
import Monitoring

/// GET /api/monitor/alerts.
struct AlertListAnswer: Encodable, Sendable {
    struct Filter: Encodable, Sendable {
        var threshold: String
        var status: String
    }

    var alerts: [Alert]
    var totalCount: Int
    var filteredBy: Filter
    @Nullable var nextCursor: Cursor?

    enum CodingKeys: String, CodingKey {
        case alerts
        case totalCount = "total_count"
        case filteredBy = "filtered_by"
        case nextCursor = "next_cursor"
    }
}

/// GET /api/monitor/alerts/{id}: its fields, its timeline, and who was told.
struct AlertStoryAnswer: Encodable, Sendable {
    var alert: Alert
    var timeline: [AlertTransition]
    var notifications: [DeliveredNotification]
}
