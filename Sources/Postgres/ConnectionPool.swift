/// Runs the actions of `PoolMachine`.
///
/// There are no tasks of its own: whoever holds a permit connects by itself, so a cancellation or time-out of the caller ends that too.
final class ConnectionPool: Sendable {
    /// What each new connection is made with.
    private let present: Locked<PostgresConfiguration>
    private let loop: PollLoop
    private let backoff: Backoff
    private let state: Locked<State>

    private struct State {
        var machine: PoolMachine
        var lastWaiter = 0
        /// Idle and leased ones.
        var sessions: [PoolMachine.ConnectionID: PostgresSession] = [:]
        var waits: [PoolMachine.WaiterID: PollWait] = [:]
        /// Waits for the last lease.
        var drain: PollWait?
    }

    init(_ present: Locked<PostgresConfiguration>, size: Int, loop: PollLoop, backoff: Backoff = Backoff()) {
        self.present = present
        self.loop = loop
        self.backoff = backoff
        state = Locked(State(machine: PoolMachine(size: size)))
    }

    /// How many are idle, leased (or being connected) and waited for.
    var counts: (idle: Int, held: Int, waiting: Int) {
        state.withLock { ($0.machine.idleCount, $0.machine.heldCount, $0.machine.waiting) }
    }

    /// A connection that is alive; `release` it.
    func acquire(until deadline: ContinuousClock.Instant) async throws(PostgresError) -> (PoolMachine.ConnectionID, PostgresSession) {
        if Task.isCancelled { throw Self.cancelled }
        let grant = try await permit(until: deadline)
        switch grant {
        case .connect(let id): return (id, try await connect(id, until: deadline))
        case .use(let id):
            if let session = state.withLock({ $0.sessions[id] }), await session.isAlive() { return (id, session) }
            // The server closed it while it was idle: nothing was sent, so another may take its place unseen.
            let (dead, newID) = state.withLock { ($0.sessions.removeValue(forKey: id), $0.machine.replace(id)) }
            await dead?.close()
            return (newID, try await connect(newID, until: deadline))
        }
    }

    private func permit(until deadline: ContinuousClock.Instant) async throws(PostgresError) -> PoolMachine.Grant {
        let wait = PollWait(deadline: deadline)
        let (waiter, action) = state.withLock { state in
            state.lastWaiter += 1
            let action = state.machine.acquire(state.lastWaiter)
            if case .wait = action { state.waits[state.lastWaiter] = wait }
            return (state.lastWaiter, action)
        }
        switch action {
        case .granted(let grant): return grant
        case .refuse: throw Self.closed
        case .wait: break
        }
        let outcome = await loop.wait(wait)
        let grant = state.withLock { state -> PoolMachine.Grant? in
            state.waits[waiter] = nil
            return if case .ready = outcome { state.machine.collect(waiter) } else { state.machine.abandon(waiter) }
        }
        switch (outcome, grant) {
        case (.cancelled, let grant?):
            // It came at the same moment; the next in the queue gets it.
            switch grant {
            case .use(let id): await release(id, state.withLock { $0.sessions[id] })
            case .connect(let id): await release(id, nil)
            }
            throw Self.cancelled
        case (_, let grant?): return grant
        case (.cancelled, nil): throw Self.cancelled
        case (.timedOut, nil): throw PostgresError(.poolExhausted, message: "no connection became free in time")
        case (.ready, nil): throw Self.closed
        }
    }

    /// Tries until the deadline, with growing pauses. Gives the permit back when it throws.
    private func connect(
        _ id: PoolMachine.ConnectionID, until deadline: ContinuousClock.Instant
    ) async throws(PostgresError) -> PostgresSession {
        var failures = 0
        while true {
            let configuration = present.withLock { $0 }
            let session = PostgresSession(loop: loop, configuration: configuration)
            do {
                try await session.connect(until: min(deadline, .now + configuration.connectTimeout))
                state.withLock { $0.sessions[id] = session }
                return session
            } catch {
                failures += 1
                let pause = backoff.delay(failures: failures, jitter: .random(in: 0...1))
                let isClosed = state.withLock { $0.machine.isClosed }
                guard error.code == .connectionFailed, !ConnectFailure.isPermanent(error.message), !isClosed, .now + pause < deadline else {
                    await release(id, nil)
                    throw error
                }
                if case .cancelled = await loop.wait(PollWait(deadline: .now + pause)) {
                    await release(id, nil)
                    throw Self.cancelled
                }
            }
        }
    }

    /// Returns the permit, and the connection if it can be used again; what is left of a transaction is rolled back first.
    func release(_ id: PoolMachine.ConnectionID, _ session: PostgresSession?) async {
        let isUsable = await session?.makeReusable() ?? false
        let (wake, drain, isParked) = state.withLock { state -> (PollWait?, PollWait?, Bool) in
            let action = state.machine.release(id, isUsable: isUsable)
            let drain = state.machine.isDrained ? state.drain : nil
            switch action {
            case .park: return (nil, drain, true)
            case .wake(let waiter): return (state.waits[waiter], drain, true)
            case .close:
                state.sessions[id] = nil
                return (nil, drain, false)
            case .closeAndWake(let waiter):
                state.sessions[id] = nil
                return (state.waits[waiter], drain, false)
            }
        }
        wake?.finish(.ready)
        if !isParked { await session?.close() }
        drain?.finish(.ready)
    }

    /// No more leases; waits for those there are, then closes every connection.
    func close(until deadline: ContinuousClock.Instant) async {
        let drain = PollWait(deadline: deadline)
        let (idle, wake, mustWait) = state.withLock { state -> ([PostgresSession], [PollWait], Bool) in
            guard case .close(let idle, let waiters) = state.machine.close() else { return ([], [], false) }
            state.drain = drain
            return (
                idle.compactMap { state.sessions.removeValue(forKey: $0) }, waiters.compactMap { state.waits[$0] }, !state.machine.isDrained
            )
        }
        for wait in wake { wait.finish(.ready) }
        for session in idle { await session.close() }
        if mustWait { _ = await loop.wait(drain, cancellable: false) }
        let rest = state.withLock { state in
            defer { state.sessions = [:] }
            return state.sessions.values.map { $0 }
        }
        for session in rest { await session.close() }
    }

    /// The client is gone, and with it all who could hold a lease or wait.
    func abandon() {
        state.withLock { $0.sessions = [:] }
    }

    private static let cancelled = PostgresError(.cancelled, message: "the task was cancelled while it waited for a connection")
    private static let closed = PostgresError(.closed, message: "the client is closed")
}
