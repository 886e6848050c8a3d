public import Foundation
import Postgres

/// One request made for a notification, with what it met. Keys are in snake case.
public struct DeliveryAttempt: Sendable, Hashable, Codable {
    /// From 1; a number is missing where a process died before it could record.
    public var attempt: Int
    /// Which process made it.
    public var process: String
    /// When.
    public var startedAt: Date
    /// `delivered`, `retry` or `permanent`.
    public var outcome: String
    /// nil where there was no answer.
    public var httpStatus: Int?
    /// Why it failed, from a closed list; nil where it was delivered.
    public var reason: String?
    /// Milliseconds from the start until the name was known.
    public var nameLookupMilliseconds: Double?
    /// Until there was a connection.
    public var connectMilliseconds: Double?
    /// Until it was secure.
    public var tlsMilliseconds: Double?
    /// Until the first byte of the answer.
    public var firstByteMilliseconds: Double?
    /// Until the end.
    public var totalMilliseconds: Double?
    /// The address reached.
    public var remoteAddress: String?
    /// The first 4 KB of the answer, without secrets.
    public var answer: String?

    enum CodingKeys: String, CodingKey {
        case attempt, process, outcome, reason, answer
        case startedAt = "started_at"
        case httpStatus = "http_status"
        case nameLookupMilliseconds = "name_lookup_ms"
        case connectMilliseconds = "connect_ms"
        case tlsMilliseconds = "tls_ms"
        case firstByteMilliseconds = "first_byte_ms"
        case totalMilliseconds = "total_ms"
        case remoteAddress = "remote_address"
    }

    /// Every key is written, null where there is no value.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(attempt, forKey: .attempt)
        try container.encode(process, forKey: .process)
        try container.encode(startedAt, forKey: .startedAt)
        try container.encode(outcome, forKey: .outcome)
        try container.encode(httpStatus, forKey: .httpStatus)
        try container.encode(reason, forKey: .reason)
        try container.encode(nameLookupMilliseconds, forKey: .nameLookupMilliseconds)
        try container.encode(connectMilliseconds, forKey: .connectMilliseconds)
        try container.encode(tlsMilliseconds, forKey: .tlsMilliseconds)
        try container.encode(firstByteMilliseconds, forKey: .firstByteMilliseconds)
        try container.encode(totalMilliseconds, forKey: .totalMilliseconds)
        try container.encode(remoteAddress, forKey: .remoteAddress)
        try container.encode(answer, forKey: .answer)
    }

    init(row: PostgresRow) throws {
        attempt = try row.decode("attempt")
        process = try row.decode("process")
        startedAt = try row.decode("started_at")
        outcome = try row.decode("outcome")
        httpStatus = try row.decode("http_status")
        reason = try row.decode("reason")
        nameLookupMilliseconds = try row.decode("name_lookup_ms")
        connectMilliseconds = try row.decode("connect_ms")
        tlsMilliseconds = try row.decode("tls_ms")
        firstByteMilliseconds = try row.decode("first_byte_ms")
        totalMilliseconds = try row.decode("total_ms")
        remoteAddress = try row.decode("remote_address")
        answer = try row.decode("answer")
    }

    static let columns = """
        attempt, process, started_at, outcome, http_status, reason, name_lookup_ms, connect_ms, tls_ms, first_byte_ms, total_ms,
        remote_address, answer
        """
}
