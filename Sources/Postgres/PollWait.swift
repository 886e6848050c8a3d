/// One wait of one task: for a socket, for a time, for a wake-up, whichever comes first. Used once.
final class PollWait: Sendable {
    /// What ended the wait.
    enum Outcome: Sendable {
        /// The socket is ready (or has an error, which the next read shows), or somebody called `finish(.ready)`.
        case ready
        case timedOut
        case cancelled
    }

    /// What is waited for on the socket.
    enum Interest: Sendable {
        case read
        case write
        case readWrite
    }

    private enum State {
        /// Nobody waits yet; an outcome that comes now is kept: `waiting`, `done`.
        case created
        /// Holds the only reference to the continuation: `done`.
        case waiting(CheckedContinuation<Outcome, Never>)
        case done(Outcome)
    }

    /// Nil waits for the deadline or a wake-up alone.
    let socket: Int32?
    let interest: Interest
    /// Nil waits without bound: only for waits that something else is sure to end.
    let deadline: ContinuousClock.Instant?
    private let isEnough: @Sendable () -> Bool
    private let state = Locked(State.created)

    /// - Parameter isEnough: Asked on the loop's thread whenever the socket is ready; as long as it is not, the wait goes on. For what
    ///   comes in many pieces: the task need not be woken for each.
    init(
        socket: Int32? = nil, interest: Interest = .read, deadline: ContinuousClock.Instant?,
        isEnough: @escaping @Sendable () -> Bool = { true }
    ) {
        self.socket = socket
        self.interest = interest
        self.deadline = deadline
        self.isEnough = isEnough
    }

    var isDone: Bool {
        state.withLock {
            if case .done = $0 { true } else { false }
        }
    }

    /// The socket is ready: ends the wait, if that is enough.
    func socketIsReady() {
        if !isDone, isEnough() { finish(.ready) }
    }

    /// Ends the wait; a second outcome does nothing.
    func finish(_ outcome: Outcome) {
        let continuation = state.withLock { state -> CheckedContinuation<Outcome, Never>? in
            switch state {
            case .created:
                state = .done(outcome)
                return nil
            case .waiting(let continuation):
                state = .done(outcome)
                return continuation
            case .done:
                return nil
            }
        }
        continuation?.resume(returning: outcome)
    }

    /// Hands over the continuation, which is resumed at once when the outcome is there already.
    func begin(_ continuation: CheckedContinuation<Outcome, Never>) {
        let outcome = state.withLock { state -> Outcome? in
            if case .done(let outcome) = state { return outcome }
            state = .waiting(continuation)
            return nil
        }
        if let outcome { continuation.resume(returning: outcome) }
    }
}
