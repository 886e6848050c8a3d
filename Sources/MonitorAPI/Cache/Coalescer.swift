import Synchronization

/// Does a piece of work once for all who ask for it at the same time.
final class Coalescer<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    /// What whoever waits gets: a value, an error, or nothing where the one who worked was cancelled.
    private typealias Waiter = CheckedContinuation<Value?, any Error>

    private struct State {
        var lastID = 0
        /// Those who wait for each piece of work that is under way.
        var waiters: [Key: [Int: Waiter]] = [:]
    }

    private let state = Mutex(State())

    /// What `work` gives, done by this caller or by another whose work began before it asked.
    ///
    /// - Throws: What `work` throws, to all of them; a cancelled caller alone gets `CancellationError`, and another one takes over.
    func value(for key: Key, _ work: () async throws -> Value) async throws -> Value {
        while true {
            try Task.checkCancellation()
            let leads = state.withLock { state in
                guard state.waiters[key] == nil else { return false }
                state.waiters[key] = [:]
                return true
            }
            if leads {
                do {
                    let value = try await work()
                    finish(key, .success(value))
                    return value
                } catch {
                    finish(key, Task.isCancelled ? .success(nil) : .failure(error))
                    throw error
                }
            }
            if let value = try await next(key) { return value }
        }
    }

    private func finish(_ key: Key, _ result: Result<Value?, any Error>) {
        let waiters = state.withLock { $0.waiters.removeValue(forKey: key) }
        for waiter in (waiters ?? [:]).values { waiter.resume(with: result) }
    }

    private func next(_ key: Key) async throws -> Value? {
        let id = state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { waiter in
                let isKept = state.withLock { state in
                    // Under the lock: a cancellation comes either before, and is seen here, or after, and finds the waiter.
                    guard state.waiters[key] != nil, !Task.isCancelled else { return false }
                    state.waiters[key]?[id] = waiter
                    return true
                }
                if !isKept { waiter.resume(returning: nil) }
            }
        } onCancel: {
            let waiter = state.withLock { $0.waiters[key]?.removeValue(forKey: id) }
            waiter?.resume(throwing: CancellationError())
        }
    }
}
