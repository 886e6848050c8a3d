import Synchronization

/// Whether notices reach this process: shown by one of its own that came back, since a transaction pooler takes a LISTEN and passes
/// nothing on.
final class Hearing: Sendable {
    private struct State {
        var isProven = false
        /// Sent, and not come back yet.
        var isAsking = false
    }

    /// What tells this process's own notices from all others.
    private let payload: String
    private let state = Mutex(State())

    /// - Parameter process: Unique.
    init(process: String) {
        payload = "hearing \(process)"
    }

    /// Whether the last one came back, or the one before it did and the last has just been sent.
    var isProven: Bool { state.withLock { $0.isProven } }

    /// The payload of the next notice. One before it that has not come back shows that none does.
    func ask() -> String {
        state.withLock { state in
            if state.isAsking { state.isProven = false }
            state.isAsking = true
        }
        return payload
    }

    /// - Returns: Whether the notice is somebody else's, of a change.
    func received(_ payload: String) -> Bool {
        guard payload == self.payload else { return !payload.hasPrefix("hearing ") }
        state.withLock { $0 = State(isProven: true) }
        return false
    }

    /// The connection is lost.
    func lost() {
        state.withLock { $0 = State() }
    }
}
