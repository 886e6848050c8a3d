public import Foundation
import Postgres
import Synchronization

/// Whether the evaluations of this process succeed: whoever evaluates tells, and `/ready` asks.
public final class EvaluationWatch: Sendable {
    /// So long may they fail before the process counts as not ready, in seconds.
    static let patience: TimeInterval = 600

    private struct State {
        var firstFailure: Date?
        var isDiskFull = false
    }

    private let state = Mutex(State())

    /// Nothing has failed.
    public init() {}

    /// An evaluation failed; of several in a row the first counts, and what the last one failed of.
    public func failed(at moment: Date, of error: (any Error)? = nil) {
        let isDiskFull = (error as? PostgresError)?.sqlState == "53100"
        state.withLock { state in
            state.firstFailure = state.firstFailure ?? moment
            state.isDiskFull = isDiskFull
        }
    }

    /// An evaluation succeeded, or another process does it.
    public func succeeded() {
        state.withLock { $0 = State() }
    }

    /// Since when they have failed; nil where the last one did not.
    public var failingSince: Date? { state.withLock { $0.firstFailure } }

    /// Whether the last one failed for want of space on the database's disk, which nothing that only reads would notice.
    var isDiskFull: Bool { state.withLock { $0.isDiskFull } }
}
