import Notifications
import Synchronization

/// The dispatcher that works now, of several that may follow one another.
final class PresentDispatcher: Sendable {
    private struct State {
        var dispatcher: Dispatcher?
        var end: AsyncStream<Never>.Continuation?
    }

    private let state = Mutex(State())

    /// Lets another take over.
    ///
    /// - Returns: Ends when it is the new one's turn to go, or when its reader is cancelled.
    func replace(by dispatcher: Dispatcher) -> AsyncStream<Never> {
        let (successor, end) = AsyncStream.makeStream(of: Never.self)
        let former = state.withLock { state in
            defer { state = State(dispatcher: dispatcher, end: end) }
            return state.end
        }
        former?.finish()
        return successor
    }

    /// There may be a new transition.
    func wake() {
        state.withLock { $0.dispatcher }?.wake()
    }
}
