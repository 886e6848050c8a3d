import Notifications
import Synchronization

/// What the service runs by now, and a word to each part when that becomes another.
final class RunningConfiguration: Sendable {
    /// A configuration and what was made of it.
    struct Snapshot: Sendable {
        var configuration: ServiceConfiguration
        /// Signs links, with the keys that the configuration and the database have. nil until the service has started.
        var signer: LinkSigner?
    }

    private struct State {
        var snapshot: Snapshot
        var lastReader = 0
        var readers: [Int: AsyncStream<Snapshot>.Continuation] = [:]
    }

    private let state: Mutex<State>

    init(_ configuration: ServiceConfiguration) {
        state = Mutex(State(snapshot: Snapshot(configuration: configuration)))
    }

    /// What holds now.
    var snapshot: Snapshot { state.withLock { $0.snapshot } }
    /// What holds now.
    var configuration: ServiceConfiguration { snapshot.configuration }

    /// Lets another take its place; everybody who reads on hears of it. Without a signer it keeps the one that there is by now: the service
    /// may have started meanwhile.
    func replace(_ snapshot: Snapshot) {
        change { $0 = Snapshot(configuration: snapshot.configuration, signer: snapshot.signer ?? $0.signer) }
    }

    /// The service has started: everybody hears of it.
    ///
    /// - Parameter configuration: What it has started by. Where another one holds meanwhile, nothing is done.
    /// - Returns: Whether that one holds.
    func start(_ configuration: ServiceConfiguration, signer: LinkSigner) -> Bool {
        change { snapshot in
            guard snapshot.configuration == configuration else { return false }
            snapshot.signer = signer
            return true
        }
    }

    private func change<Result: Sendable>(_ body: (inout Snapshot) -> Result) -> Result {
        state.withLock { state in
            let result = body(&state.snapshot)
            // Under the lock, so that nobody hears of two in the wrong order.
            for reader in state.readers.values { reader.yield(state.snapshot) }
            return result
        }
    }

    /// What holds now, and then each that takes its place; a slow reader misses those in between, never the last. It ends when its
    /// reader is cancelled.
    func snapshots() -> AsyncStream<Snapshot> {
        let (stream, continuation) = AsyncStream.makeStream(of: Snapshot.self, bufferingPolicy: .bufferingNewest(1))
        state.withLock { state in
            state.lastReader += 1
            let reader = state.lastReader
            state.readers[reader] = continuation
            continuation.yield(state.snapshot)
            continuation.onTermination = { [weak self] _ in self?.state.withLock { $0.readers[reader] = nil } }
        }
        return stream
    }
}
