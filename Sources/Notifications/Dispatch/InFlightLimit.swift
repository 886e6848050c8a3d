import Synchronization

/// The requests that may be under way at the same time, over all receivers.
///
/// Whoever asks gets at most half of what is left, so that a receiver that hangs never holds all of it.
final class InFlightLimit: Sendable {
    private let free: Mutex<Int>

    init(_ count: Int) {
        free = Mutex(count)
    }

    /// Takes up to `wanted`; zero where nothing is left.
    func acquire(_ wanted: Int) -> Int {
        free.withLock { free in
            let taken = min(wanted, max(min(1, free), free / 2))
            free -= taken
            return taken
        }
    }

    func release(_ count: Int) {
        free.withLock { $0 += count }
    }
}
