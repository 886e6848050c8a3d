import HTTPTypes
import Monitoring
import Postgres

/// Whether the database can be worked with, and if not, why not: for supervisors, who act by a word.
struct Readiness: Sendable {
    /// Why it is not ready, in a word.
    static let reasons = [
        "database_gone", "database_slow", "password_refused", "no_such_database", "too_many_connections", "disk_full", "read_only",
        "schema_not_current", "starting",
    ]

    private let client: PostgresClient

    init(client: PostgresClient) {
        self.client = client
    }

    /// - Parameter isStarting: The schema may still be another version's.
    /// - Throws: `Problem` with a `reason` from `reasons`.
    func check(isStarting: Bool = false) async throws {
        do {
            if !isStarting, try await !SchemaMigrator(client: client).plan(timeout: .seconds(3)).isCurrent {
                throw Self.problem("schema_not_current", "The database's schema is not up to date: run torq-monitor migrate.")
            }
            let isReadOnly: Bool = try await client.query(
                "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean AS is_read_only", timeout: .seconds(3)
            )[0].decode("is_read_only")
            if isReadOnly { throw Self.problem("read_only", "The database takes no changes: it is a standby, or was made read-only.") }
        } catch let error as PostgresError {
            let (reason, words) = Self.reason(error)
            throw Self.problem(reason, words)
        }
    }

    /// It waits for its database, or brings the schema up to date.
    static let starting = problem("starting", "The monitor is starting. Try again in a few seconds.")

    /// It does not answer in time.
    static let slow = problem("database_slow", "The database does not answer in time.")

    /// What an evaluation found, since a check that only reads finds nothing.
    static let diskIsFull = problem("disk_full", diskIsFullWords)
    private static let diskIsFullWords = "The database's disk is full."

    private static func problem(_ reason: String, _ words: String) -> Problem {
        Problem(.unavailable, words, members: ["reason": .string(reason)], headers: [.retryAfter: "5"])
    }

    /// What an error comes from, as far as it says; never its own words.
    static func reason(_ error: PostgresError) -> (reason: String, words: String) {
        func says(_ words: String...) -> Bool { words.contains { error.message.contains($0) } }
        // libpq has no SQLSTATE for a connection that was refused.
        let isRefused = error.code == .connectionFailed
        if error.sqlState == "53300" || isRefused && says("too many connections", "too many clients", "connection slots") {
            return ("too_many_connections", "The database has no connection left for this service.")
        }
        if ["28P01", "28000"].contains(error.sqlState)
            || isRefused && says("authentication failed", "no password supplied", "no pg_hba.conf entry")
        {
            return ("password_refused", "The database refuses this service's user or password.")
        }
        if error.sqlState == "3D000" || isRefused && says("FATAL") && says("does not exist") {
            return ("no_such_database", "The database or the user that is configured does not exist.")
        }
        if error.sqlState == "53100" { return ("disk_full", diskIsFullWords) }
        if error.sqlState == "25006" {
            return ("read_only", "The database takes no changes: it is a standby, or was made read-only.")
        }
        return error.code == .timedOut || error.code == .poolExhausted
            ? ("database_slow", slow.detail)
            : ("database_gone", "The database does not answer at the moment. Try again in a few seconds.")
    }
}
