public import Foundation

/// One step in an alert's life, written in the transaction of the change it records.
public struct AlertTransition: Sendable, Hashable, Codable {
    /// What a step is called.
    public enum Kind: String, Sendable, Hashable, Codable, CaseIterable {
        case opened, escalated, deescalated, acknowledged, unacknowledged, snoozed, resolved, reopened, ignored
    }

    /// 1, 2, 3, … within the alert.
    public var sequence: Int
    /// What happened.
    public var transition: Kind
    /// Status before; nil for `opened`.
    public var fromStatus: AlertStatus?
    /// Status after.
    public var toStatus: AlertStatus
    /// Severity before; nil for `opened`.
    public var fromSeverity: Severity?
    /// Severity after.
    public var toSeverity: Severity
    /// `monitor`, or the name that the person gave.
    public var actor: String
    /// What that claim rests on: a token's name, `link`, `slack`, `cli`; nil for the monitor itself.
    public var credential: String?
    /// What the person said about it.
    public var note: String?
    /// What the evaluation saw; an empty object for what people do.
    public var evidence: JSONValue
    /// When it counts as having happened.
    public var occurredAt: Date

    enum CodingKeys: String, CodingKey {
        case sequence, transition, actor, credential, note, evidence
        case fromStatus = "from_status"
        case toStatus = "to_status"
        case fromSeverity = "from_severity"
        case toSeverity = "to_severity"
        case occurredAt = "occurred_at"
    }

    /// Every key is written, null where there is no value.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(sequence, forKey: .sequence)
        try container.encode(transition, forKey: .transition)
        try container.encode(fromStatus, forKey: .fromStatus)
        try container.encode(toStatus, forKey: .toStatus)
        try container.encode(fromSeverity, forKey: .fromSeverity)
        try container.encode(toSeverity, forKey: .toSeverity)
        try container.encode(actor, forKey: .actor)
        try container.encode(credential, forKey: .credential)
        try container.encode(note, forKey: .note)
        try container.encode(evidence, forKey: .evidence)
        try container.encode(occurredAt, forKey: .occurredAt)
    }
}
