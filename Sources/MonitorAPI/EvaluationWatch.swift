public import Foundation
import Synchronization

/// Whether the evaluations of this process succeed: whoever evaluates tells, and `/ready` asks.
public final class EvaluationWatch: Sendable {
    /// So long may they fail before the process counts as not ready, in seconds.
    static let patience: TimeInterval = 600

    private let firstFailure = Mutex<Date?>(nil)

    /// Nothing has failed.
    public init() {}

    /// An evaluation failed; only the first of several in a row counts.
    public func failed(at moment: Date) {
        firstFailure.withLock { $0 = $0 ?? moment }
    }

    /// An evaluation succeeded, or another process does it.
    public func succeeded() {
        firstFailure.withLock { $0 = nil }
    }

    /// Since when they have failed; nil where the last one did not.
    public var failingSince: Date? { firstFailure.withLock { $0 } }
}
