import Foundation
import Synchronization

/// Remembers what was accepted for as long as it could be accepted again.
final class ReplayMemory: Sendable {
    private let limit: Int
    private let ends = Mutex<[String: Date]>([:])

    /// - Parameter limit: So many are remembered; more are refused rather than forgotten.
    init(limit: Int = 10_000) {
        self.limit = limit
    }

    /// What became of one.
    enum Verdict: Sendable, Hashable {
        case fresh
        case replayed
        /// Too many came for it to be remembered.
        case full
    }

    /// Remembers `key` until `end`, where it is not remembered yet.
    func accept(_ key: String, until end: Date, now: Date) -> Verdict {
        ends.withLock { ends in
            if let known = ends[key], known > now { return .replayed }
            if ends.count >= limit { ends = ends.filter { $0.value > now } }
            guard ends.count < limit else { return .full }
            ends[key] = end
            return .fresh
        }
    }
}
