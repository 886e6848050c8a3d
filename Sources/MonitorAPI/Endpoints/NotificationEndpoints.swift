import Foundation
import Hummingbird
import Monitoring
import Notifications
import Postgres

/// The outbox: what was told, what waits, what could not be delivered, and what people do about that.
struct NotificationEndpoints: Sendable {
    private let deliveries: NotificationRepository

    init(client: PostgresClient) {
        deliveries = NotificationRepository(client: client)
    }

    var all: [Endpoint] {
        [
            .get("/api/monitor/notifications", query: ["status", "receiver", "limit", "cursor"]) { try await list($0) },
            .get("/api/monitor/notifications/{id}") { try await show($0) },
            .post("/api/monitor/notifications/{id}/retry") { try await retry($0) },
            .post("/api/monitor/notifications/{id}/drop") { try await drop($0) },
        ]
    }

    private func list(_ call: Call) async throws -> Response {
        let status = try call.query.choice("status", of: NotificationRecord.Status.self)
        let receiver = try call.query.text("receiver", maximum: 48)
        let limit = try call.query.integer("limit", in: 1...1000, default: 50)
        let cursor = try call.query.id("cursor")
        let found = try await deliveries.list(status: status, receiver: receiver, after: cursor, limit: limit)
        if found.isEmpty, let cursor, try await deliveries.notification(id: cursor) == nil {
            throw QueryParameters.refusal(
                "cursor", cursor.uuidString.lowercased(), allowed: "the next_cursor of an answer whose notifications are still kept")
        }
        return try .json(NotificationListAnswer(notifications: found, nextCursor: found.count == limit ? found.last?.id : nil))
    }

    private func show(_ call: Call) async throws -> Response {
        let notification = try await notification(call)
        return try .json(
            NotificationStoryAnswer(
                notification: notification, members: try await deliveries.members(ofMessageOf: notification.id),
                attempts: try await deliveries.attempts(notificationID: notification.id)))
    }

    private func retry(_ call: Call) async throws -> Response {
        let id = try Self.order(call)
        return try Self.answer(try await deliveries.retry(id: id), to: "retry", settled: [.delivered, .superseded], call)
    }

    private func drop(_ call: Call) async throws -> Response {
        let id = try Self.order(call)
        return try Self.answer(try await deliveries.drop(id: id), to: "drop", settled: [.delivered, .superseded, .sending], call)
    }

    private static func order(_ call: Call) throws(Problem) -> UUID {
        _ = try JSONBody(call.body, allowed: [])
        return try call.id()
    }

    private static func answer(
        _ change: NotificationChange?, to action: String, settled: [NotificationRecord.Status], _ call: Call
    ) throws -> Response {
        guard let change else { throw missing(try call.id()) }
        let status = change.notification.status
        if !change.changed, settled.contains(status) {
            throw Problem(
                .notificationSettled,
                status == .sending
                    ? "It is being sent at this moment; what comes of that is known within a minute."
                    : "It cannot be \(action == "drop" ? "dropped" : "sent again"): it is \(status.rawValue).",
                members: ["status_of_notification": .string(status.rawValue), "action": .string(action)])
        }
        return try .json(NotificationChangeAnswer(notification: change.notification, changed: change.changed, count: change.count))
    }

    private func notification(_ call: Call) async throws -> NotificationRecord {
        let id = try call.id()
        guard let notification = try await deliveries.notification(id: id) else { throw Self.missing(id) }
        return notification
    }

    private static func missing(_ id: UUID) -> Problem {
        Problem(.notFound, "There is no notification \(id.uuidString.lowercased()).")
    }
}
