import CLibPQ
import Glibc

/// A serial executor that is also a poll(2) loop: one thread runs the actors of all connections of a client and waits for their
/// sockets and deadlines.
///
/// What runs here must not block, with one exception that libpq leaves no way around: the look-up of a host's name in
/// `PQconnectPoll` (libpq manual, section "Database Connection Control Functions"). Give addresses (`hostaddr`) where that hurts.
///
/// The thread starts with the first job. After `stop()` it ends as soon as nothing is left to do; a job that comes later
/// starts another, since an executor must never lose a job.
final class PollLoop: SerialExecutor {
    private struct State {
        var jobs: [UnownedJob] = []
        var waits: [PollWait] = []
        var thread: pthread_t?
        /// A thread was started and has not decided to end.
        var isRunning = false
        /// The thread sleeps in poll(2), or is about to: it must be woken.
        var isPolling = false
        var isStopped = false
    }

    private let state = Locked(State())
    private let wakeUp: Int32

    init() {
        wakeUp = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
        precondition(wakeUp >= 0, "eventfd(2) failed: no file descriptors are left")
    }

    deinit {
        Glibc.close(wakeUp)
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        poke { $0.jobs.append(job) }
    }

    func asUnownedSerialExecutor() -> UnownedSerialExecutor {
        UnownedSerialExecutor(ordinary: self)
    }

    func checkIsolated() {
        precondition(state.withLock { $0.thread.map { pthread_equal($0, pthread_self()) != 0 } ?? false }, "not on the poll loop's thread")
    }

    /// Lets the thread end once no job and no wait is left.
    func stop() {
        poke { $0.isStopped = true }
    }

    /// Waits until something ends `wait`. Callable from any actor or none; the caller's isolation is kept.
    ///
    /// - Parameter cancellable: whether the cancellation of the current task ends the wait; if not it goes on.
    nonisolated(nonsending) func wait(_ wait: PollWait, cancellable: Bool = true) async -> PollWait.Outcome {
        if !cancellable { return await register(wait) }
        return await withTaskCancellationHandler {
            await register(wait)
        } onCancel: {
            wait.finish(.cancelled)
        }
    }

    private nonisolated(nonsending) func register(_ wait: PollWait) async -> PollWait.Outcome {
        await withCheckedContinuation { continuation in
            wait.begin(continuation)
            poke { $0.waits.append(wait) }
        }
    }

    /// Changes the state, and starts or wakes the thread where that is needed.
    private func poke(_ change: (inout State) -> Void) {
        let (mustStart, mustWake) = state.withLock { state in
            change(&state)
            let mustStart = !state.isRunning && (!state.jobs.isEmpty || !state.waits.isEmpty)
            if mustStart { state.isRunning = true }
            let mustWake = state.isPolling
            state.isPolling = false
            return (mustStart, mustWake)
        }
        if mustStart {
            precondition(NativeThread.start("postgres", { self.run() }), "the system gives no thread")
        } else if mustWake {
            var one: UInt64 = 1
            _ = Glibc.write(wakeUp, &one, 8)
        }
    }

    private func run() {
        state.withLock { $0.thread = pthread_self() }
        while true {
            let jobs = state.withLock { state in
                defer { state.jobs.removeAll(keepingCapacity: true) }
                return state.jobs
            }
            for job in jobs { job.runSynchronously(on: asUnownedSerialExecutor()) }

            // Nil: nothing is left, and no more is expected.
            let next = state.withLock { state -> (waits: [PollWait], block: Bool)? in
                state.waits.removeAll { $0.isDone }
                if state.isStopped, state.jobs.isEmpty, state.waits.isEmpty {
                    state.isRunning = false
                    state.thread = nil
                    return nil
                }
                state.isPolling = state.jobs.isEmpty
                return (state.waits, state.jobs.isEmpty)
            }
            guard let next else { return }
            poll(next.waits, block: next.block)
        }
    }

    /// One poll(2); ends the waits whose socket is ready or whose deadline has passed.
    private func poll(_ waits: [PollWait], block: Bool) {
        var entries = [pollfd(fd: wakeUp, events: Int16(POLLIN), revents: 0)]
        var earliest: ContinuousClock.Instant?
        for wait in waits {
            let events =
                switch wait.interest {
                case .read: Int16(POLLIN)
                case .write: Int16(POLLOUT)
                case .readWrite: Int16(POLLIN) | Int16(POLLOUT)
                }
            // poll(2) passes over negative descriptors.
            entries.append(pollfd(fd: wait.socket ?? -1, events: events, revents: 0))
            if let deadline = wait.deadline { earliest = min(earliest ?? deadline, deadline) }
        }
        let ready = Glibc.poll(&entries, nfds_t(entries.count), block ? Self.milliseconds(until: earliest) : 0)
        state.withLock { $0.isPolling = false }
        if ready > 0 {
            if entries[0].revents != 0 {
                var count: UInt64 = 0
                _ = Glibc.read(wakeUp, &count, 8)
            }
            for (wait, entry) in zip(waits, entries.dropFirst()) where entry.revents != 0 { wait.socketIsReady() }
        }
        if earliest != nil {
            let now = ContinuousClock.now
            for wait in waits {
                if let deadline = wait.deadline, deadline <= now { wait.finish(.timedOut) }
            }
        }
    }

    /// For poll(2): rounded up, so that a deadline has passed when the call returns; -1 for none.
    private static func milliseconds(until deadline: ContinuousClock.Instant?) -> Int32 {
        guard let deadline else { return -1 }
        let left = deadline - ContinuousClock.now
        guard left > .zero else { return 0 }
        guard left < .seconds(3600) else { return 3_600_000 }
        let (seconds, attoseconds) = left.components
        return Int32(seconds) * 1000 + Int32((attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
    }
}
