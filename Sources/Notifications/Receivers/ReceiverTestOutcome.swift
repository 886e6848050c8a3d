public import Foundation

/// What came of a test message. It holds no URL and no secret; keys are in snake case, and every one is written.
public struct ReceiverTestOutcome: Sendable, Hashable, Codable {
    /// The receiver's name.
    public var receiver: String
    /// What it speaks.
    public var type: String
    /// Whether it took the message.
    public var delivered: Bool
    /// When the request began.
    public var startedAt: Date
    /// nil where there was no answer.
    public var httpStatus: Int?
    /// Why it failed, from a closed list; nil where it was delivered.
    public var reason: String?
    /// What to look at, in a sentence; nil where it was delivered.
    public var advice: String?
    /// Milliseconds from the start until the name was known; nil, as the next ones, where there was no request.
    public var nameLookupMilliseconds: Double?
    /// Until there was a connection; 0 where it failed before.
    public var connectMilliseconds: Double?
    /// Until it was secure; 0 for plain HTTP.
    public var tlsMilliseconds: Double?
    /// Until the first byte of the answer.
    public var firstByteMilliseconds: Double?
    /// Until the end.
    public var totalMilliseconds: Double?
    /// The address reached.
    public var remoteAddress: String?
    /// The first 4 KB of the answer, without secrets.
    public var answer: String?
    /// Whether a template of the configuration gave nothing of use, and the built-in text was sent.
    public var templateFailed: Bool

    enum CodingKeys: String, CodingKey {
        case receiver, type, delivered, reason, advice, answer
        case startedAt = "started_at"
        case httpStatus = "http_status"
        case nameLookupMilliseconds = "name_lookup_ms"
        case connectMilliseconds = "connect_ms"
        case tlsMilliseconds = "tls_ms"
        case firstByteMilliseconds = "first_byte_ms"
        case totalMilliseconds = "total_ms"
        case remoteAddress = "remote_address"
        case templateFailed = "template_failed"
    }

    /// Every key is written, null where there is no value.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(receiver, forKey: .receiver)
        try container.encode(type, forKey: .type)
        try container.encode(delivered, forKey: .delivered)
        try container.encode(startedAt, forKey: .startedAt)
        try container.encode(httpStatus, forKey: .httpStatus)
        try container.encode(reason, forKey: .reason)
        try container.encode(advice, forKey: .advice)
        try container.encode(nameLookupMilliseconds, forKey: .nameLookupMilliseconds)
        try container.encode(connectMilliseconds, forKey: .connectMilliseconds)
        try container.encode(tlsMilliseconds, forKey: .tlsMilliseconds)
        try container.encode(firstByteMilliseconds, forKey: .firstByteMilliseconds)
        try container.encode(totalMilliseconds, forKey: .totalMilliseconds)
        try container.encode(remoteAddress, forKey: .remoteAddress)
        try container.encode(answer, forKey: .answer)
        try container.encode(templateFailed, forKey: .templateFailed)
    }
}
