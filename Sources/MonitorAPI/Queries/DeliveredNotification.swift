import Foundation
import Notifications

/// A notification of an alert with every attempt to deliver its message, as the API and the pages show it.
///
/// What a receiver answered, which process asked and from where to where is left out.
struct DeliveredNotification: Encodable, Sendable, Hashable {
    var record: NotificationRecord
    var attempts: [DeliveryAttempt]

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Keys.self)
        try container.encode(record.id.uuidString.lowercased(), forKey: .id)
        try container.encode(record.messageID?.uuidString.lowercased(), forKey: .messageID)
        try container.encode(record.receiver, forKey: .receiver)
        try container.encode(record.cause, forKey: .cause)
        try container.encode(record.sequence, forKey: .sequence)
        try container.encode(record.transition, forKey: .transition)
        try container.encode(record.severity, forKey: .severity)
        try container.encode(record.status, forKey: .status)
        try container.encode(record.dueAt, forKey: .dueAt)
        try container.encode(record.deliveredAt, forKey: .deliveredAt)
        try container.encode(record.lastError, forKey: .lastError)
        try container.encode(record.createdAt, forKey: .createdAt)
        try container.encode(attempts.map(Attempt.init), forKey: .attempts)
    }

    private enum Keys: String, CodingKey {
        case id, receiver, cause, sequence, transition, severity, status, attempts
        case messageID = "message_id"
        case dueAt = "due_at"
        case deliveredAt = "delivered_at"
        case lastError = "last_error"
        case createdAt = "created_at"
    }

    /// What is shown of an attempt.
    struct Attempt: Encodable, Sendable, Hashable {
        var attempt: Int
        var startedAt: Date
        var outcome: String
        @Nullable var httpStatus: Int?
        @Nullable var reason: String?
        @Nullable var totalMilliseconds: Double?

        init(_ attempt: DeliveryAttempt) {
            self.attempt = attempt.attempt
            startedAt = attempt.startedAt
            outcome = attempt.outcome
            _httpStatus = Nullable(wrappedValue: attempt.httpStatus)
            _reason = Nullable(wrappedValue: attempt.reason)
            _totalMilliseconds = Nullable(wrappedValue: attempt.totalMilliseconds)
        }

        private enum CodingKeys: String, CodingKey {
            case attempt, outcome, reason
            case startedAt = "started_at"
            case httpStatus = "http_status"
            case totalMilliseconds = "total_ms"
        }
    }
}

extension NotificationRepository {
    /// What was, is or will be told of an alert, oldest first, with its attempts.
    func delivered(alertID: UUID) async throws -> [DeliveredNotification] {
        let records = try await list(alertID: alertID)
        guard !records.isEmpty else { return [] }
        let attempts = try await attempts(alertID: alertID)
        return records.map { DeliveredNotification(record: $0, attempts: attempts[$0.id] ?? []) }
    }
}
