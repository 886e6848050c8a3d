public import Foundation
public import Postgres

/// Silences in the database. What they hold back is the dispatcher's business.
public struct SilenceRepository: Sendable {
    let client: PostgresClient

    /// - Parameter client: Of a database with the monitor's schema.
    public init(client: PostgresClient) {
        self.client = client
    }

    /// Latest end first.
    ///
    /// - Parameters:
    ///   - all: With those that have ended.
    ///   - limit: At most so many.
    ///   - place: Only what follows in that order: the end in microseconds since 1970, and the id; nil for the first page.
    public func list(
        all: Bool, limit: Int, now: Date, after place: (microseconds: Int, id: UUID)? = nil
    ) async throws -> [SilenceRecord] {
        try await client.query(
            Self.list, [.bool(all), .timestamp(now), .int(limit), .int(place?.microseconds), .uuid(place?.id)], timeout: .seconds(10)
        ).map {
            try SilenceRecord(row: $0, now: now)
        }
    }

    /// - Parameters:
    ///   - matchers: Each as `Matcher` reads it: what it cannot read would silence nothing.
    ///   - end: After `start`.
    public func create(
        matchers: [String], from start: Date, until end: Date, by creator: String, comment: String, now: Date
    ) async throws -> SilenceRecord {
        let rows = try await client.query(
            Self.create,
            [.textArray(matchers), .timestamp(start), .timestamp(end), .text(creator), .text(comment), .timestamp(now)],
            timeout: .seconds(10))
        return try SilenceRecord(row: rows[0], now: now)
    }

    /// The silence of that id; nil where there is none.
    public func silence(id: UUID, now: Date) async throws -> SilenceRecord? {
        try await client.query(Self.one, [.uuid(id)], timeout: .seconds(10)).first.map { try SilenceRecord(row: $0, now: now) }
    }

    /// Gives a silence other words and times; nil where there is none. What waits is looked at for it again.
    ///
    /// - Parameter end: After `start`.
    public func change(
        id: UUID, matchers: [String], from start: Date, until end: Date, by creator: String, comment: String, now: Date
    ) async throws -> SilenceRecord? {
        try await client.query(
            Self.change,
            [
                .uuid(id), .textArray(matchers), .timestamp(start), .timestamp(end), .text(creator), .text(comment), .timestamp(now),
            ], timeout: .seconds(10)
        ).first.map { try SilenceRecord(row: $0, now: now) }
    }

    /// Ends it now; one that had not begun never does. nil where there is none. Ending it again changes nothing.
    public func end(id: UUID, now: Date) async throws -> SilenceRecord? {
        try await client.query(Self.end, [.uuid(id), .timestamp(now)], timeout: .seconds(10)).first.map {
            try SilenceRecord(row: $0, now: now)
        }
    }

    private static let columns = "id, matchers, starts_at, ends_at, created_by, comment, created_at, updated_at"

    private static let list = """
        SELECT \(columns)
        FROM monitoring_silences
        WHERE ($1::boolean OR ends_at > $2::timestamptz)
          AND ($4::bigint IS NULL
               OR ends_at <= timestamptz 'epoch' + $4 * interval '1 microsecond'
                  AND (ends_at < timestamptz 'epoch' + $4 * interval '1 microsecond' OR id > $5::uuid))
        ORDER BY ends_at DESC, id
        LIMIT $3::integer
        """

    private static let create = """
        WITH version AS (SELECT monitoring_bump_data_version(), pg_notify('monitoring_transitions', 'silence'))
        INSERT INTO monitoring_silences (matchers, starts_at, ends_at, created_by, comment, created_at)
        SELECT $1::text[], $2::timestamptz, $3::timestamptz, $4::text, $5::text, $6::timestamptz
        FROM version
        RETURNING \(columns)
        """

    private static let one = "SELECT \(columns) FROM monitoring_silences WHERE id = $1::uuid"

    private static let change = """
        WITH version AS (SELECT monitoring_bump_data_version(), pg_notify('monitoring_transitions', 'silence'))
        UPDATE monitoring_silences
        SET matchers = $2::text[], starts_at = $3::timestamptz, ends_at = $4::timestamptz, created_by = $5::text, comment = $6::text,
            applied_at = NULL, updated_at = $7::timestamptz
        FROM version
        WHERE id = $1::uuid
        RETURNING \(columns)
        """

    /// A range that is empty is not allowed, so one that had not begun becomes a millisecond that is over.
    private static let end = """
        WITH version AS (SELECT monitoring_bump_data_version())
        UPDATE monitoring_silences
        SET starts_at = least(starts_at, $2::timestamptz - interval '1 millisecond'), ends_at = least(ends_at, $2::timestamptz),
            updated_at = CASE WHEN ends_at > $2::timestamptz THEN $2::timestamptz ELSE updated_at END
        FROM version
        WHERE id = $1::uuid
        RETURNING \(columns)
        """
}
