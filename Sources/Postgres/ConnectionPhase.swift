/// What a connection is doing, and what a time-out, a cancellation or an answer means then. No socket, no clock.
struct ConnectionPhase: Sendable {
    /// Why a command was given up before its end.
    enum Reason: Sendable, Hashable {
        case timedOut
        case cancelled
    }

    private enum State {
        /// No answer is outstanding: `running`, `closed`.
        case ready
        /// A command was sent, or is being sent: `ready`, `cancelling`, `closed`.
        case running
        /// The server was asked to cancel; what it still sends is read and thrown away: `ready`, `closed`.
        case cancelling(Reason)
        /// For good.
        case closed
    }

    enum StartAction: Sendable, Hashable {
        case send
        /// Another command is on its way: two tasks use the lease at once.
        case refuseBusy
        case refuseClosed
    }

    enum InterruptAction: Sendable, Hashable {
        /// Send a cancel request, and read on for the time of grace.
        case requestCancel
        /// The grace is over as well: close.
        case close(Reason)
        /// Too late: nothing runs.
        case none
    }

    enum FinishAction: Sendable, Hashable {
        /// The command ran to its end; the connection can be used again.
        case complete
        /// The server confirmed the cancel request, which can hit nothing else any more.
        case interrupted(Reason)
        /// The answer came before the cancel request, which may still be under way and would hit the next command: close.
        case closeInterrupted(Reason)
        /// The connection was closed meanwhile.
        case closed
    }

    private var state = State.ready

    var isReady: Bool {
        if case .ready = state { true } else { false }
    }

    var isClosed: Bool {
        if case .closed = state { true } else { false }
    }

    /// Why the command under way was given up; nil while it was not.
    var interruption: Reason? {
        if case .cancelling(let reason) = state { reason } else { nil }
    }

    mutating func commandStarted() -> StartAction {
        switch state {
        case .ready:
            state = .running
            return .send
        case .running, .cancelling: return .refuseBusy
        case .closed: return .refuseClosed
        }
    }

    /// The deadline passed, or the task was cancelled.
    mutating func interrupted(_ reason: Reason) -> InterruptAction {
        switch state {
        case .running:
            state = .cancelling(reason)
            return .requestCancel
        case .cancelling(let first):
            state = .closed
            return .close(first)
        case .ready, .closed: return .none
        }
    }

    /// The server's answer is complete.
    ///
    /// - Parameter confirmsCancel: it failed with 57014 (query_canceled), and the cancel request was handed over completely.
    mutating func commandFinished(confirmsCancel: Bool) -> FinishAction {
        switch state {
        case .running, .ready:
            state = .ready
            return .complete
        case .cancelling(let reason):
            state = confirmsCancel ? .ready : .closed
            return confirmsCancel ? .interrupted(reason) : .closeInterrupted(reason)
        case .closed: return .closed
        }
    }

    /// The socket broke, or the owner has no more use for it. Gives the reason if a cancel was under way: that is what the caller hears.
    mutating func closed() -> Reason? {
        defer { state = .closed }
        if case .cancelling(let reason) = state { return reason }
        return nil
    }
}
