/// A pool of connections to one database. All of them live on one thread that never blocks (but for the look-up of a host's name,
/// see `PollLoop`).
///
/// It needs no session state, so that PgBouncer in transaction mode can stand between: no prepared statements, no SET, no startup
/// options but client_encoding and application_name. LISTEN alone needs a direct connection (or session mode).
/// Connections are made when they are needed. Whatever a caller changes of a session (SET, advisory locks, temporary tables)
/// stays with the connection: use the transaction-local forms.
public final class PostgresClient: Sendable {
    private let configuration: Locked<PostgresConfiguration>
    private let acquireTimeout: Duration
    private let loop = PollLoop()
    private let pool: ConnectionPool
    private let listeners = Locked(Listeners())

    private struct Listeners {
        var isClosed = false
        var lastID = 0
        var running: [Int: AsyncStream<PostgresNotification>.Continuation] = [:]
    }

    /// How long what is asked within may wait for a connection, and each of its statements may take, where that is shorter than the
    /// time that they have otherwise; nil: no shorter.
    @TaskLocal public static var patience: Duration?

    /// Connects when the first query needs it.
    ///
    /// - Parameters:
    ///   - poolSize: how many connections there may be, at least 1; a LISTEN stream has one besides.
    ///   - acquireTimeout: how long a query may wait for a connection, the connecting included; during it failed attempts are
    ///     repeated with a growing pause, unless the server refuses for good (wrong password, no such database).
    public init(_ configuration: PostgresConfiguration, poolSize: Int = 8, acquireTimeout: Duration = .seconds(10)) {
        let present = Locked(configuration)
        self.configuration = present
        self.acquireTimeout = acquireTimeout
        pool = ConnectionPool(present, size: poolSize, loop: loop)
    }

    /// Connects with another configuration from now on: a password that was changed. Connections that stand are kept, and so is what
    /// is under way on them.
    public func reconfigure(_ configuration: PostgresConfiguration) {
        self.configuration.withLock { $0 = configuration }
    }

    deinit {
        for continuation in listeners.withLock({ $0.running }).values { continuation.finish() }
        pool.abandon()
        loop.stop()
    }

    /// How many connections are idle, how many are used or being made, and how many callers wait for one.
    public var poolCounts: (idle: Int, used: Int, waiting: Int) {
        let counts = pool.counts
        return (counts.idle, counts.held, counts.waiting)
    }

    /// Runs one statement by the extended protocol, unnamed, on a connection of the pool.
    ///
    /// - Parameters:
    ///   - timeout: from the moment it has a connection; the configuration's `queryTimeout` if nil.
    /// - Throws: `PostgresError`. A query whose connection was lost is never repeated silently.
    @discardableResult
    public func query(_ sql: String, _ parameters: [PostgresValue] = [], timeout: Duration? = nil) async throws -> PostgresRows {
        try await withConnection { try await $0.query(sql, parameters, timeout: timeout) }
    }

    /// Leases a connection for the time of `body`. A transaction that `body` leaves open is rolled back.
    ///
    /// - Throws: what `body` throws; `PostgresError` when there is no connection (`.poolExhausted`, `.connectionFailed`, `.closed`).
    @discardableResult
    public func withConnection<R: Sendable>(_ body: @Sendable (PostgresConnection) async throws -> R) async throws -> R {
        let (id, session) = try await pool.acquire(until: .now + min(acquireTimeout, Self.patience ?? acquireTimeout))
        let connection = PostgresConnection(session)
        do {
            let result = try await body(connection)
            connection.lease.end()
            await pool.release(id, session)
            return result
        } catch {
            connection.lease.end()
            await pool.release(id, session)
            throw error
        }
    }

    /// BEGIN, `body`, COMMIT. ROLLBACK when the body throws or the task is cancelled.
    ///
    /// It is READ COMMITTED whatever the database's default is: who has waited for a lock is to see what the holder did.
    ///
    /// - Parameter readOnly: BEGIN READ ONLY: the server refuses to write.
    /// - Throws: what `body` throws; `PostgresError`: `.server` with SQLSTATE 25P02 when the body hid the error of a statement, so that
    ///   the server rolled back instead of committing; `.connectionLost` or `.timedOut` from COMMIT leave open whether it happened.
    @discardableResult
    public func transaction<R: Sendable>(
        readOnly: Bool = false, _ body: @Sendable (PostgresConnection) async throws -> R
    ) async throws -> R {
        try await withConnection { connection in
            try await connection.query("BEGIN ISOLATION LEVEL READ COMMITTED" + (readOnly ? " READ ONLY" : ""))
            // What the body throws, and a cancellation, rolls back when the lease returns.
            let result = try await body(connection)
            if Task.isCancelled { throw PostgresError(.cancelled, message: "the task was cancelled before COMMIT") }
            // Once sent, COMMIT is seen through: half of a cancel would leave its outcome open.
            let commit = try await connection.session.query("COMMIT", [], timeout: nil, cancellable: false)
            guard commit.commandTag == "COMMIT" else {
                throw PostgresError(.server, sqlState: "25P02", message: "the transaction had failed and was rolled back")
            }
            return result
        }
    }

    /// LISTEN on a connection of its own, which is made again whenever it breaks, with a growing pause.
    ///
    /// The stream keeps the newest 64 notifications for a slow reader; it ends when the client closes or the reader stops.
    ///
    /// - Parameters:
    ///   - channel: its exact name; quoted here.
    ///   - onError: hears of every connection that could not be made or was lost, with how many have failed in a row: the stream
    ///     itself goes on, and says nothing of it.
    public func notifications(
        on channel: String, onError: @escaping @Sendable (_ error: any Error, _ failures: Int) -> Void = { _, _ in }
    ) -> AsyncStream<PostgresNotification> {
        let (stream, continuation) = AsyncStream.makeStream(of: PostgresNotification.self, bufferingPolicy: .bufferingNewest(64))
        let id = listeners.withLock { listeners in
            listeners.lastID += 1
            return listeners.lastID
        }
        let listener = NotificationListener(present: configuration, loop: loop, channel: channel)
        // Its lifetime is the stream's: the end of the stream cancels it.
        let task = Task { await listener.run(onError: onError) { continuation.yield($0) } }
        continuation.onTermination = { [weak self] _ in
            task.cancel()
            self?.listeners.withLock { $0.running[id] = nil }
        }
        let isClosed = listeners.withLock { listeners in
            if !listeners.isClosed { listeners.running[id] = continuation }
            return listeners.isClosed
        }
        if isClosed { continuation.finish() }
        return stream
    }

    /// Takes no more work, ends the LISTEN streams, waits up to 10 s for leases to return, and closes all connections, those still
    /// in use as well.
    public func close() async {
        let continuations = listeners.withLock { listeners in
            listeners.isClosed = true
            return listeners.running.values.map { $0 }
        }
        for continuation in continuations { continuation.finish() }
        await pool.close(until: .now + .seconds(10))
        loop.stop()
    }
}
