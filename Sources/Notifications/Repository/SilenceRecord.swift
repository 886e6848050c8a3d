public import Foundation
import Postgres

/// Matchers and a time range in which matching alerts are tracked but not told. Keys are in snake case.
public struct SilenceRecord: Sendable, Hashable, Codable {
    /// Whether it holds.
    public enum State: String, Sendable, Hashable, Codable, CaseIterable {
        case pending, active, expired
    }

    /// Its id, in lower case.
    public var id: String
    /// As in a route: `severity>=high`.
    public var matchers: [String]
    /// From when it holds.
    public var startsAt: Date
    /// Until when.
    public var endsAt: Date
    /// Who made it.
    public var createdBy: String
    /// Why; empty where nobody said.
    public var comment: String
    /// When it was made.
    public var createdAt: Date
    /// At the moment of the answer.
    public var state: State
    /// When it was last changed or ended; nil: never. Not among its keys.
    public var updatedAt: Date?

    enum CodingKeys: String, CodingKey {
        case id, matchers, comment, state
        case startsAt = "starts_at"
        case endsAt = "ends_at"
        case createdBy = "created_by"
        case createdAt = "created_at"
    }

    init(row: PostgresRow, now: Date) throws {
        id = try row.decode("id", as: UUID.self).uuidString.lowercased()
        matchers = try row.decode("matchers")
        startsAt = try row.decode("starts_at")
        endsAt = try row.decode("ends_at")
        createdBy = try row.decode("created_by")
        comment = try row.decode("comment")
        createdAt = try row.decode("created_at")
        updatedAt = try row.decode("updated_at")
        // The database keeps microseconds, rounded: what begins or ends now may seem to do so a moment later.
        let moment = now.addingTimeInterval(0.000_002)
        state = moment < startsAt ? .pending : moment < endsAt ? .active : .expired
    }
}
