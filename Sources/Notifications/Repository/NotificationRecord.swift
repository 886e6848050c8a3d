public import Foundation
public import Monitoring
import Postgres

/// A row of the outbox: one step of an alert, to be told to one receiver. Keys are in snake case.
public struct NotificationRecord: Sendable, Hashable, Codable {
    /// Where a notification stands.
    public enum Status: String, Sendable, Hashable, Codable, CaseIterable {
        case pending, sending, delivered, superseded, dead, dropped
    }

    /// The id that the receiver sees, in every attempt the same.
    public var id: UUID
    /// Which alert it tells of.
    public var alertID: UUID
    /// The receiver's name.
    public var receiver: String
    /// `transition`, `repeat`, `escalation_step`, `silence_ended`, `snooze_ended`, `mute_ended`, `inhibition_ended`, `fallback`, `test`.
    public var cause: String
    /// Of the transition, or of the repetition.
    public var sequence: Int
    /// Which step; nil where the cause is none.
    public var transition: String?
    /// Of the alert after that step.
    public var severity: Severity
    /// Where it stands.
    public var status: Status
    /// When it is sent, or sent again, at the earliest.
    public var dueAt: Date
    /// Requests begun for it.
    public var attempts: Int
    /// Why the last one failed, from a closed list; nil where it did not.
    public var lastError: String?
    /// The notification that carries the message which tells of it, itself or another; nil before the first attempt.
    public var messageID: UUID?
    /// The newer notification that was sent in its place.
    public var supersededBy: UUID?
    /// When the receiver took it.
    public var deliveredAt: Date?
    /// When it was written.
    public var createdAt: Date

    /// Why the last one failed, in words for a person, with what to look at; nil where it did not.
    public var failure: String? {
        lastError.map { FailureReason(rawValue: $0)?.advice ?? $0.replacing("_", with: " ") }
    }

    enum CodingKeys: String, CodingKey {
        case id, receiver, cause, sequence, transition, severity, status, attempts
        case alertID = "alert_id"
        case dueAt = "due_at"
        case lastError = "last_error"
        case messageID = "message_id"
        case supersededBy = "superseded_by"
        case deliveredAt = "delivered_at"
        case createdAt = "created_at"
    }

    /// Every key is written, null where there is no value.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id.uuidString.lowercased(), forKey: .id)
        try container.encode(alertID.uuidString.lowercased(), forKey: .alertID)
        try container.encode(receiver, forKey: .receiver)
        try container.encode(cause, forKey: .cause)
        try container.encode(sequence, forKey: .sequence)
        try container.encode(transition, forKey: .transition)
        try container.encode(severity, forKey: .severity)
        try container.encode(status, forKey: .status)
        try container.encode(dueAt, forKey: .dueAt)
        try container.encode(attempts, forKey: .attempts)
        try container.encode(lastError, forKey: .lastError)
        try container.encode(messageID?.uuidString.lowercased(), forKey: .messageID)
        try container.encode(supersededBy?.uuidString.lowercased(), forKey: .supersededBy)
        try container.encode(deliveredAt, forKey: .deliveredAt)
        try container.encode(createdAt, forKey: .createdAt)
    }

    init(row: PostgresRow) throws {
        id = try row.decode("id")
        alertID = try row.decode("alert_id")
        receiver = try row.decode("receiver")
        cause = try row.decode("cause")
        sequence = try row.decode("sequence")
        transition = try row.decode("transition")
        severity = try row.word("severity")
        status = try row.word("status")
        dueAt = try row.decode("due_at")
        attempts = try row.decode("attempts")
        lastError = try row.decode("last_error")
        messageID = try row.decode("message_id")
        supersededBy = try row.decode("superseded_by")
        deliveredAt = try row.decode("delivered_at")
        createdAt = try row.decode("created_at")
    }

    static let columns = """
        id, alert_id, receiver, cause, sequence, transition, severity, status, due_at, attempts, last_error, message_id, superseded_by,
        delivered_at, created_at
        """
}
