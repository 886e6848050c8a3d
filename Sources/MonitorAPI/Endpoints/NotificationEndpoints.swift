import Foundation
import Hummingbird
import Monitoring
import Notifications
import Postgres

/// The outbox: what was told, what waits, what could not be delivered, and what people do about that.
struct NotificationEndpoints: Sendable {
    private static let status = QueryParameter<NotificationRecord.Status>.choice(
        "status", of: NotificationRecord.Status.self, "Only those that stand there; absent, all.")
    private static let receiver = QueryParameter<String>.text(
        "receiver", maximum: 48, "Only those to the receiver of that name; absent, all.", example: "oncall")
    private static let limit = QueryParameter<Int>.integer("limit", in: 1...1000, default: 50, "How many a page holds at most.")

    private let deliveries: NotificationRepository

    init(client: PostgresClient) {
        deliveries = NotificationRepository(client: client)
    }

    var all: [Endpoint] {
        let absent = "There is no notification 00000000-0000-4000-8000-00000000ffff."
        return [
            .get(
                "/api/monitor/notifications", freshness: .brief,
                Operation(
                    id: "listNotifications", tag: .notifications, summary: "The outbox, newest first",
                    query: [
                        Self.status.declaration, Self.receiver.declaration, Self.limit.declaration, QueryParameter.cursor.declaration,
                    ], answer: .json(NotificationListAnswer.self))
            ) { try await list($0) },
            .get(
                "/api/monitor/notifications/{id}", freshness: .brief,
                Operation(
                    id: "showNotification", tag: .notifications,
                    summary: "A notification with all that its message tells of, and its attempts", path: [.id(of: "a notification")],
                    answer: .json(NotificationStoryAnswer.self), problems: [.notFound: absent])
            ) { try await show($0) },
            .post(
                "/api/monitor/notifications/{id}/retry",
                Operation(
                    id: "retryNotification", tag: .notifications, summary: "Send what is dead or dropped again",
                    detail: "All that its message tells of goes with it; what waits becomes due now.", path: [.id(of: "a notification")],
                    answer: .json(NotificationChangeAnswer.self),
                    problems: [.notFound: absent, .notificationSettled: "It cannot be sent again: it is delivered."])
            ) { try await retry($0) },
            .post(
                "/api/monitor/notifications/{id}/drop",
                Operation(
                    id: "dropNotification", tag: .notifications, summary: "Give up what waits or is dead",
                    detail: "All that its message tells of goes with it.", path: [.id(of: "a notification")],
                    answer: .json(NotificationChangeAnswer.self),
                    problems: [.notFound: absent, .notificationSettled: "It cannot be dropped: it is delivered."])
            ) { try await drop($0) },
        ]
    }

    private func list(_ call: Call) async throws -> Response {
        let limit = try call.query.get(Self.limit)
        let cursor = try call.query.value(.cursor)
        let found = try await deliveries.list(
            status: try call.query.value(Self.status), receiver: try call.query.value(Self.receiver),
            after: cursor.map { ($0.microseconds, $0.id) }, limit: limit + 1)
        let page = Array(found.prefix(limit))
        return try .json(
            NotificationListAnswer(
                notifications: page,
                nextCursor: found.count > limit ? page.last.map { Cursor(time: $0.createdAt, id: $0.id) } : nil))
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
        _ = try call.fields()
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
