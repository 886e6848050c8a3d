import Synchronization

/// Wakes one waiting task. Raised while nobody waits, it is kept, once.
final class Signal: Sendable {
    private struct State {
        var isRaised = false
        var waiter: CheckedContinuation<Bool, Never>?
    }

    private let state = Mutex(State())

    func raise() {
        let waiter = state.withLock { state in
            let waiter = state.waiter
            state.waiter = nil
            state.isRaised = waiter == nil
            return waiter
        }
        waiter?.resume(returning: true)
    }

    /// Waits until it is raised, the time is over, or the task is cancelled; for one task at a time.
    ///
    /// - Returns: Whether it was raised.
    func wait(atMost time: Duration) async -> Bool {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask { await self.raised() }
            group.addTask {
                try? await Task.sleep(for: max(.zero, time))
                return false
            }
            let first = await group.next() ?? false
            group.cancelAll()
            // The other may have been raised in between: that must not be lost.
            let second = await group.next() ?? false
            return first || second
        }
    }

    private func raised() async -> Bool {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer: Bool? = state.withLock { state in
                    if state.isRaised {
                        state.isRaised = false
                        return true
                    }
                    if Task.isCancelled { return false }
                    state.waiter = continuation
                    return nil
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            let waiter = state.withLock { state in
                defer { state.waiter = nil }
                return state.waiter
            }
            waiter?.resume(returning: false)
        }
    }
}
