import Foundation
import Postgres

/// Sessions in the database, where every process finds them.
struct SessionStore: Sendable {
    /// What the database knows of one.
    struct Record: Sendable, Hashable {
        var tokenName: String
        var tokenMark: [UInt8]
    }

    let client: PostgresClient

    /// Keeps a new one, and forgets those that are over.
    func open(_ session: Session, by token: ListenerToken, now: Date) async throws {
        try await client.query(
            Self.insert,
            [
                .bytes(session.digest), .text(token.name), .bytes(session.mark(of: token)), .timestamp(now),
                .timestamp(now.addingTimeInterval(Session.lifetime)),
            ], timeout: .seconds(5))
    }

    /// nil where it is over, or never was.
    func record(of session: Session, now: Date) async throws -> Record? {
        try await client.query(Self.select, [.bytes(session.digest), .timestamp(now)], timeout: .seconds(5)).first.map { row in
            Record(tokenName: try row.decode("token_name"), tokenMark: try row.decode("token_mark"))
        }
    }

    /// Ends it, everywhere.
    func close(_ session: Session) async throws {
        try await client.query(
            "DELETE FROM monitoring_sessions WHERE id_digest = $1::bytea", [.bytes(session.digest)], timeout: .seconds(5))
    }

    private static let insert = """
        WITH over AS (
            DELETE FROM monitoring_sessions WHERE expires_at <= $4::timestamptz
        )
        INSERT INTO monitoring_sessions (id_digest, token_name, token_mark, created_at, expires_at)
        VALUES ($1::bytea, $2::text, $3::bytea, $4::timestamptz, $5::timestamptz)
        """

    private static let select = """
        SELECT token_name, token_mark
        FROM monitoring_sessions
        WHERE id_digest = $1::bytea AND expires_at > $2::timestamptz
        """
}
