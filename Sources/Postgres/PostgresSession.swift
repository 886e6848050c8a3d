import CLibPQ
import Glibc

/// One connection to the server, on the poll loop's thread.
actor PostgresSession {
    /// After a cancel request the server has this long to answer, then the connection is closed.
    static let cancelGrace = Duration.seconds(2)

    static let rollbackTimeout = Duration.seconds(5)

    nonisolated let loop: PollLoop
    let configuration: PostgresConfiguration
    private let cancelGrace: Duration
    private var handle: ConnectionHandle?
    private var phase = ConnectionPhase()
    private var interrupt = Interrupt()
    /// The server has refused to write (25006): its role or its default may change, and a session that is open does not hear of it.
    private var isReadOnly = false
    /// Of the command under way.
    private var currentWait: PollWait?
    /// Within COPY: bytes that libpq holds and that were not flushed.
    var unflushed = 0
    var isCopyWriting = false

    /// When and how the command under way may be broken off.
    private struct Interrupt {
        var deadline: ContinuousClock.Instant?
        var isCancellable = true
        var request: CancelRequest?
        var isCopy = false
    }

    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    init(loop: PollLoop, configuration: PostgresConfiguration, cancelGrace: Duration = PostgresSession.cancelGrace) {
        self.loop = loop
        self.configuration = configuration
        self.cancelGrace = cancelGrace
    }

    // MARK: - Connecting

    /// Connects. On any error, a cancellation too, nothing is left behind.
    func connect(until deadline: ContinuousClock.Instant) async throws(PostgresError) {
        // Some startup options only: PgBouncer refuses those it does not track.
        let pairs = [
            ("dbname", configuration.conninfo), ("client_encoding", "UTF8"), ("fallback_application_name", configuration.applicationName),
        ]
        var keywords: [UnsafePointer<CChar>?] = []
        var values: [UnsafePointer<CChar>?] = []
        for (keyword, value) in pairs {
            keywords.append(UnsafePointer(strdup(keyword)))
            values.append(UnsafePointer(strdup(value)))
        }
        defer { for string in keywords + values { free(UnsafeMutablePointer(mutating: string)) } }
        guard let pointer = PQconnectStartParams(keywords + [nil], values + [nil], 1) else {
            throw PostgresError(.connectionFailed, message: "out of memory")
        }
        let handle = ConnectionHandle(pointer)
        torq_ignore_notices(pointer)
        guard PQstatus(pointer) != CONNECTION_BAD else { throw connectError(pointer) }
        var polling = PGRES_POLLING_WRITING
        while polling != PGRES_POLLING_OK {
            // The socket may be another one after each step (libpq manual, PQconnectPoll).
            let interest = polling == PGRES_POLLING_WRITING ? PollWait.Interest.write : .read
            switch await loop.wait(PollWait(socket: PQsocket(pointer), interest: interest, deadline: deadline)) {
            case .ready: break
            case .timedOut: throw PostgresError(.connectionFailed, message: "the server did not answer in time")
            case .cancelled: throw PostgresError(.cancelled, message: "the task was cancelled while connecting")
            }
            polling = PQconnectPoll(pointer)
            guard polling != PGRES_POLLING_FAILED else { throw connectError(pointer) }
        }
        guard PQsetnonblocking(pointer, 1) == 0 else { throw connectError(pointer) }
        self.handle = consume handle
    }

    private func connectError(_ pointer: OpaquePointer) -> PostgresError {
        PostgresError(.connectionFailed, message: configuration.redacted(Self.line(of: PQerrorMessage(pointer))))
    }

    /// For an idle connection: whether it still stands. One that has spoken unasked counts as gone: what the server says to an idle
    /// client is that it ends the connection, of which libpq makes a mere notice until the end of file comes, a moment later.
    func isAlive() -> Bool {
        guard isReusable, let pointer = handle?.pointer else { return false }
        var entry = pollfd(fd: PQsocket(pointer), events: Int16(POLLIN), revents: 0)
        // Without time: this does not block.
        return poll(&entry, 1, 0) == 0
    }

    /// Whether the connection can serve the next lease.
    var isReusable: Bool {
        guard phase.isReady, !isReadOnly, let pointer = handle?.pointer else { return false }
        return PQstatus(pointer) == CONNECTION_OK && PQtransactionStatus(pointer) == PQTRANS_IDLE
    }

    /// A transaction is open, or failed and not rolled back.
    var isInTransaction: Bool {
        guard phase.isReady, let pointer = handle?.pointer else { return false }
        let status = PQtransactionStatus(pointer)
        return status == PQTRANS_INTRANS || status == PQTRANS_INERROR
    }

    /// Makes the connection ready for the next lease: rolls back what is open. False when it cannot be used again.
    func makeReusable() async -> Bool {
        if isInTransaction {
            // Whatever happens to the task: a transaction must not stay open. If this fails the connection goes.
            _ = try? await query("ROLLBACK", [], timeout: Self.rollbackTimeout, cancellable: false)
        }
        return isReusable
    }

    /// Closes the connection; a command under way, if there is one, hears of it.
    func close() {
        _ = phase.closed()
        handle = nil
        currentWait?.finish(.ready)
    }

    // MARK: - Commands

    /// Begins a command: from here on the deadline runs, and a cancellation counts.
    func begin(timeout: Duration?, cancellable: Bool) throws(PostgresError) -> OpaquePointer {
        if cancellable, Task.isCancelled { throw Self.error(.cancelled) }
        guard let pointer = handle?.pointer else { throw PostgresError(.connectionLost, message: "the connection is closed") }
        switch phase.commandStarted() {
        case .send: break
        case .refuseBusy: throw PostgresError(.misuse, message: "the connection is busy: a lease serves one task and one command at a time")
        case .refuseClosed: throw PostgresError(.connectionLost, message: "the connection is closed")
        }
        let time = timeout ?? configuration.queryTimeout
        // What is seen through to its end has its own time.
        let limit = cancellable ? min(time, PostgresClient.patience ?? time) : time
        interrupt = Interrupt(deadline: .now + limit, isCancellable: cancellable)
        return pointer
    }

    /// The connection; throws when it was closed.
    func openPointer() throws(PostgresError) -> OpaquePointer {
        guard let pointer = handle?.pointer else { throw lost("the connection is closed") }
        return pointer
    }

    /// Between two waits a COPY may go on for long without one: its deadline and a cancellation are looked at here.
    func checkCopyInterrupt() throws(PostgresError) {
        if phase.interruption == nil {
            if Task.isCancelled {
                try interrupted(.cancelled)
            } else if let deadline = interrupt.deadline, deadline <= .now {
                try interrupted(.timedOut)
            }
        }
        if let reason = phase.interruption { throw Self.error(reason) }
    }

    /// The writer gave up: from here on it is about the connection only, and a cancellation of the task must not cost it.
    func copyGivenUp() {
        guard phase.interruption == nil else { return }
        interrupt.isCancellable = false
        interrupt.deadline = .now + Self.rollbackTimeout
    }

    /// What ends a COPY early is told apart from a confirmed cancel by nothing: both are 57014. The connection is not used again then.
    func copyStarted() {
        interrupt.isCopy = true
    }

    /// Waits for the socket; a deadline or cancellation meanwhile sends the cancel request, and the wait goes on for the time of grace.
    ///
    /// - Parameter isEnough: Asked whenever the socket is ready, whether to go on with that; see `PollWait`.
    func waitForSocket(
        _ interest: PollWait.Interest, isEnough: @escaping @Sendable (OpaquePointer) -> Bool = { _ in true }
    ) async throws(PostgresError) {
        while true {
            guard let pointer = handle?.pointer else { throw lost("the connection was closed") }
            // Used by the loop's thread alone, which is this actor's, and not after the wait, which ends before the connection does.
            nonisolated(unsafe) let connection = pointer
            let wait = PollWait(socket: PQsocket(pointer), interest: interest, deadline: interrupt.deadline) { isEnough(connection) }
            currentWait = wait
            defer { currentWait = nil }
            let reason: ConnectionPhase.Reason
            switch await loop.wait(wait, cancellable: interrupt.isCancellable) {
            case .ready: return
            case .timedOut: reason = .timedOut
            case .cancelled: reason = .cancelled
            }
            try interrupted(reason)
        }
    }

    private func interrupted(_ reason: ConnectionPhase.Reason) throws(PostgresError) {
        switch phase.interrupted(reason) {
        case .requestCancel:
            let deadline = ContinuousClock.now + cancelGrace
            interrupt.deadline = deadline
            interrupt.isCancellable = false
            guard let pointer = handle?.pointer, let request = CancelRequest.start(pointer, deadline: deadline) else {
                close()
                throw Self.error(reason)
            }
            interrupt.request = request
        case .close(let reason):
            handle = nil
            throw Self.error(reason)
        case .none: throw lost("the connection was closed")
        }
    }

    /// Hands all that libpq holds to the kernel.
    func flush() async throws(PostgresError) {
        while true {
            guard let pointer = handle?.pointer else { throw lost("the connection was closed") }
            switch PQflush(pointer) {
            case 0: return
            case 1: break
            default: throw lost(pointer)
            }
            try await waitForSocket(.readWrite)
            // A server that cannot write its answer reads no more: take in what it sends (libpq manual, PQflush).
            guard PQconsumeInput(pointer) == 1 else { throw lost(pointer) }
        }
    }

    /// The next result; nil when there are no more.
    func nextResult() async throws(PostgresError) -> PostgresResult? {
        while true {
            guard let pointer = handle?.pointer else { throw lost("the connection was closed") }
            guard PQisBusy(pointer) == 1 else { return PQgetResult(pointer).map { PostgresResult($0) } }
            // A large result comes in pieces of 8 KB: they are taken in until it is whole, or the connection is lost.
            try await waitForSocket(.read) { PQconsumeInput($0) != 1 || PQisBusy($0) != 1 }
            guard PQconsumeInput(pointer) == 1 else { throw lost(pointer) }
        }
    }

    /// The command is at its end. Throws when it was broken off.
    ///
    /// - Parameter failure: the server's error, if any.
    func finish(_ failure: PostgresError?) async throws(PostgresError) {
        if let pointer = handle?.pointer, PQstatus(pointer) != CONNECTION_OK {
            throw Self.withLastWords(failure, lost(pointer))
        }
        var confirms = false
        if let request = interrupt.request, failure?.sqlState == "57014", !interrupt.isCopy {
            if case .ready = await loop.wait(request.sent, cancellable: false) { confirms = true }
        }
        interrupt = Interrupt()
        switch phase.commandFinished(confirmsCancel: confirms) {
        case .complete: if let failure { throw failure }
        case .interrupted(let reason): throw Self.error(reason)
        case .closeInterrupted(let reason):
            handle = nil
            throw Self.error(reason)
        case .closed: throw lost("the connection was closed")
        }
    }

    /// Reads to the end of the command, keeps the last result, and throws the first error.
    func drain(keep: Bool) async throws(PostgresError) -> PostgresResult? {
        var last: PostgresResult?
        var failure: PostgresError?
        do throws(PostgresError) {
            while let result = try await nextResult() {
                switch result.status {
                case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH:
                    // There is no way to go on but to read or write all of it.
                    close()
                    throw PostgresError(.misuse, message: "COPY is for copyIn only")
                default: break
                }
                failure = failure ?? result.error
                if failure?.sqlState == "25006" { isReadOnly = true }
                if keep { last = result }
            }
        } catch {
            throw Self.withLastWords(failure, error)
        }
        try await finish(failure)
        return last
    }

    /// A server that ends a connection says why first (57P01: an administrator's command); that is more than that it is gone.
    private static func withLastWords(_ words: PostgresError?, _ error: PostgresError) -> PostgresError {
        guard error.code == .connectionLost, let words else { return error }
        return PostgresError(.connectionLost, sqlState: words.sqlState, message: words.message)
    }

    /// What libpq says on several lines, some of them indented, on one.
    private static func line(of message: UnsafePointer<CChar>) -> String {
        String(cString: message).split(separator: "\n").map { $0.drop(while: \.isWhitespace) }.joined(separator: "; ")
    }

    func lost(_ pointer: OpaquePointer) -> PostgresError {
        let text = Self.line(of: PQerrorMessage(pointer))
        return lost(text.isEmpty ? "the connection broke" : configuration.redacted(text))
    }

    /// Closes; the error is that of the interruption if there was one.
    func lost(_ message: String) -> PostgresError {
        handle = nil
        if let reason = phase.closed() { return Self.error(reason) }
        return PostgresError(.connectionLost, message: message)
    }

    static func error(_ reason: ConnectionPhase.Reason) -> PostgresError {
        switch reason {
        case .timedOut: PostgresError(.timedOut, message: "the statement took longer than its time")
        case .cancelled: PostgresError(.cancelled, message: "the task was cancelled")
        }
    }
}
