import Synchronization

/// The requests that may be under way at the same time, over all receivers.
///
/// Whoever holds as much as is left gets no more, so that receivers that hang never hold all of it: the first gets half, the second
/// half of what is left, and so on; and everybody gets one.
final class InFlightLimit: Sendable {
    private let free: Mutex<Int>

    init(_ count: Int) {
        free = Mutex(count)
    }

    /// Takes one.
    ///
    /// - Parameter held: How many whoever asks has already.
    /// - Returns: Whether there was one to be had.
    func acquire(holding held: Int) -> Bool {
        free.withLock { free in
            guard free > 0, held == 0 || held < free else { return false }
            free -= 1
            return true
        }
    }

    func release() {
        free.withLock { $0 += 1 }
    }
}
