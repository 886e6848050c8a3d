/// Writes the data of a COPY … FROM STDIN. Valid inside the closure it is given to.
public struct PostgresCopyWriter: Sendable {
    let session: PostgresSession
    let lease: Lease

    /// Sends bytes in the format that the COPY statement names; rows may be cut anywhere. Waits while the server is slower.
    ///
    /// - Throws: `PostgresError`: lost connection, deadline, cancellation; `.misuse` when two tasks write at once. A mistake in
    ///   the data shows at the end of the COPY.
    public func write(_ bytes: [UInt8]) async throws {
        try lease.check()
        try await session.writeCopy(bytes)
    }
}
