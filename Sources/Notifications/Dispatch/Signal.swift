import Dispatch
import Synchronization

/// Wakes one waiting task. Raised while nobody waits, it is kept, once.
///
/// It has one timer for all its waits. A task that sleeps leaves, where it is cancelled, its timer behind until it would have fired,
/// and a dispatcher under load begins waits by the hundred in a second, most of which could last an hour.
package final class Signal: Sendable {
    private struct Wait {
        var continuation: CheckedContinuation<Bool, Never>
        var deadline: ContinuousClock.Instant
    }

    private struct State {
        var isRaised = false
        var wait: Wait?
        /// When the timer fires: not later than a wait ends, and perhaps earlier, for one that is over.
        var firesAt: ContinuousClock.Instant?
    }

    private let state = Mutex(State())
    /// Its functions may be called from any thread.
    nonisolated(unsafe) private let timer = DispatchSource.makeTimerSource()

    package init() {
        timer.setEventHandler { [weak self] in self?.timerFired() }
        timer.activate()
    }

    deinit {
        timer.cancel()
    }

    package func raise() {
        let wait = state.withLock { state in
            let wait = state.wait
            state.wait = nil
            state.isRaised = wait == nil
            return wait
        }
        wait?.continuation.resume(returning: true)
    }

    /// Waits until it is raised, the time is over, or the task is cancelled; for one task at a time.
    ///
    /// - Returns: Whether it was raised.
    package func wait(atMost time: Duration) async -> Bool {
        let deadline = ContinuousClock.now + max(.zero, time)
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer: Bool? = state.withLock { state in
                    if state.isRaised {
                        state.isRaised = false
                        return true
                    }
                    if Task.isCancelled { return false }
                    state.wait = Wait(continuation: continuation, deadline: deadline)
                    arm(&state)
                    return nil
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            let wait = state.withLock { state in
                defer { state.wait = nil }
                return state.wait
            }
            wait?.continuation.resume(returning: false)
        }
    }

    /// Sees to it that the timer does not fire later than the wait ends.
    private func arm(_ state: inout State) {
        guard let deadline = state.wait?.deadline, state.firesAt.map({ deadline < $0 }) ?? true else { return }
        state.firesAt = deadline
        // A day is more than anybody waits, and a number of nanoseconds that does not overflow.
        let left = min(max(.zero, ContinuousClock.now.duration(to: deadline)), .seconds(86_400))
        timer.schedule(deadline: .now() + .nanoseconds(Int(left / .nanoseconds(1))))
    }

    private func timerFired() {
        let wait: Wait? = state.withLock { state in
            state.firesAt = nil
            guard let wait = state.wait else { return nil }
            guard wait.deadline <= .now else {
                arm(&state)
                return nil
            }
            state.wait = nil
            return wait
        }
        wait?.continuation.resume(returning: false)
    }
}
