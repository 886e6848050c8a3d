/// An exclusive lease of a connection, valid inside the closure it was given to; one command at a time.
public final class PostgresConnection: Sendable {
    let session: PostgresSession
    let lease = Lease()

    init(_ session: PostgresSession) {
        self.session = session
    }

    /// Runs one statement by the extended protocol and gives all its rows.
    ///
    /// - Parameters:
    ///   - timeout: the configuration's `queryTimeout` if nil.
    /// - Throws: `PostgresError`. After `.timedOut` and `.cancelled` the server was asked to cancel; whether it did so before the end is open.
    @discardableResult
    public func query(_ sql: String, _ parameters: [PostgresValue] = [], timeout: Duration? = nil) async throws -> PostgresRows {
        try lease.check()
        return try await session.query(sql, parameters, timeout: timeout)
    }

    /// Runs several statements by the simple protocol; the first error ends the script. Without BEGIN in it they are one transaction.
    ///
    /// - Parameter timeout: for the whole script; the configuration's `queryTimeout` if nil.
    /// - Throws: `PostgresError`, as `query`.
    public func executeScript(_ sql: String, timeout: Duration? = nil) async throws {
        try lease.check()
        try await session.executeScript(sql, timeout: timeout)
    }

    /// COPY … FROM STDIN.
    ///
    /// - Parameters:
    ///   - sql: the COPY statement.
    ///   - timeout: for the whole COPY; looked at whenever something is written.
    ///   - write: writes the data; when it throws, the COPY is given up and nothing of it stays.
    /// - Returns: the number of rows.
    /// - Throws: what `write` throws, and `PostgresError`.
    @discardableResult
    public func copyIn(
        _ sql: String, timeout: Duration? = nil, _ write: @Sendable (PostgresCopyWriter) async throws -> Void
    ) async throws -> Int {
        try lease.check()
        try await session.beginCopy(sql, timeout: timeout)
        let writing = Lease()
        do {
            try await write(PostgresCopyWriter(session: session, lease: writing))
        } catch {
            writing.end()
            await session.abortCopy()
            throw error
        }
        writing.end()
        return try await session.endCopy()
    }
}
