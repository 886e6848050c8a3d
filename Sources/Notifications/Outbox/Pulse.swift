import Synchronization

/// What a process knows of how the others see it: whoever has been silent for the heartbeat's timeout is dead for them, and they take
/// its claims. What it still holds then is somebody else's, whether it was stopped, starved, or cut off from the database.
final class Pulse: Sendable {
    private struct State {
        var beatAt: ContinuousClock.Instant?
        var gaps = 0
    }

    private let state = Mutex(State())
    private let timeout: Duration

    /// - Parameter timeout: After which others take a process for dead.
    init(timeout: Duration) {
        // A request that begins at the last moment still has to be sent.
        self.timeout = timeout * 9 / 10
    }

    /// How often it was silent for too long; nil while it is.
    func gaps(at now: ContinuousClock.Instant = .now) -> Int? {
        state.withLock { state in
            guard let beatAt = state.beatAt, beatAt.duration(to: now) < timeout else { return nil }
            return state.gaps
        }
    }

    /// - Parameter began: When the statement that others see was sent.
    func beat(at began: ContinuousClock.Instant) {
        state.withLock { state in
            if let beatAt = state.beatAt, beatAt.duration(to: began) >= timeout { state.gaps += 1 }
            state.beatAt = max(state.beatAt ?? began, began)
        }
    }
}
