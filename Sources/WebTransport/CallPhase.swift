/// Where a call stands between its announcement and its one answer.
///
/// Every call is answered exactly once: by the first of `fail`, `failAndAbort` and `deliver` that it yields. It yields no second one.
struct CallPhase: Sendable, Hashable {
    private enum State: Hashable {
        /// Known, but nobody waits yet. To: cancelledEarly, waiting, running, finished.
        case announced
        /// Cancelled before anybody waited. To: finished.
        case cancelledEarly
        /// In the queue for a slot. To: running, finished.
        case waiting
        /// A transfer has it, and a slot. To: abandoned, finished.
        case running
        /// Answered already, but the transfer still has its slot. To: finished.
        case abandoned
        /// Answered, and no slot. Final.
        case finished
    }

    /// Whether there is place for one more call.
    enum Place: Hashable {
        case slot, queue, none, closed
    }

    enum Action: Hashable {
        case none
        /// Hand the call to a transfer; it takes a slot.
        case start
        /// Put the call at the end of the queue.
        case enqueue
        /// Answer with this error; there is no transfer.
        case fail(WebTransportError.Code)
        /// Answer with this error, and end the transfer, which keeps its slot until it has ended.
        case failAndAbort(WebTransportError.Code)
        /// Answer with the transfer's result, and free the slot.
        case deliver
        /// Free the slot: the answer was given earlier.
        case release
    }

    private var state = State.announced

    /// Whether the transfer's result is still waited for.
    var isWanted: Bool { state == .running }

    /// Whether the call stands in the queue.
    var isWaiting: Bool { state == .waiting }

    /// Whether nothing more will happen to the call.
    var isFinished: Bool { state == .finished }

    /// Somebody waits for the answer now.
    mutating func submitted(_ place: Place) -> Action {
        switch (state, place) {
        case (.announced, .slot):
            state = .running
            return .start
        case (.announced, .queue):
            state = .waiting
            return .enqueue
        case (.announced, .none):
            state = .finished
            return .fail(.busy)
        case (.announced, .closed):
            state = .finished
            return .fail(.closed)
        case (.cancelledEarly, _):
            state = .finished
            return .fail(.cancelled)
        case (.waiting, _), (.running, _), (.abandoned, _), (.finished, _):
            preconditionFailure("a call is submitted once")
        }
    }

    /// A slot is free and the call is the first in the queue.
    mutating func slotFreed() -> Action {
        guard state == .waiting else { return .none }
        state = .running
        return .start
    }

    /// The call stood in the queue for longer than it may.
    mutating func waitedTooLong() -> Action {
        guard state == .waiting else { return .none }
        state = .finished
        return .fail(.busy)
    }

    /// The task that waits was cancelled.
    mutating func cancelled() -> Action {
        if state == .announced {
            state = .cancelledEarly
            return .none
        }
        return gaveUp(.cancelled)
    }

    /// The transport was closed. A call that is only announced hears of it when it is submitted.
    mutating func transportClosed() -> Action {
        gaveUp(.closed)
    }

    /// libcurl is done with the transfer, or it was ended.
    mutating func transferEnded() -> Action {
        switch state {
        case .running:
            state = .finished
            return .deliver
        case .abandoned:
            state = .finished
            return .release
        case .announced, .cancelledEarly, .waiting, .finished:
            return .none
        }
    }

    private mutating func gaveUp(_ code: WebTransportError.Code) -> Action {
        switch state {
        case .waiting:
            state = .finished
            return .fail(code)
        case .running:
            state = .abandoned
            return .failAndAbort(code)
        case .announced, .cancelledEarly, .abandoned, .finished:
            return .none
        }
    }
}
