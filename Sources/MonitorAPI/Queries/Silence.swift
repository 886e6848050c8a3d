import Foundation
import Postgres

/// Matchers and a time range in which matching alerts are tracked but not told.
struct Silence: Encodable, Sendable, Hashable {
    var id: String
    var matchers: [String]
    var startsAt: Date
    var endsAt: Date
    var createdBy: String
    var comment: String
    var createdAt: Date
    /// `pending`, `active` or `expired`, at the moment of the answer.
    var state: String

    enum CodingKeys: String, CodingKey {
        case id, matchers, comment, state
        case startsAt = "starts_at"
        case endsAt = "ends_at"
        case createdBy = "created_by"
        case createdAt = "created_at"
    }
}

extension Silence {
    init(row: PostgresRow, now: Date) throws {
        id = try row.decode("id", as: UUID.self).uuidString.lowercased()
        matchers = try row.decode("matchers")
        startsAt = try row.decode("starts_at")
        endsAt = try row.decode("ends_at")
        createdBy = try row.decode("created_by")
        comment = try row.decode("comment")
        createdAt = try row.decode("created_at")
        state = now < startsAt ? "pending" : now < endsAt ? "active" : "expired"
    }
}
