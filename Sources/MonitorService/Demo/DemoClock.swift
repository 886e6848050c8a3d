import Foundation
import Synchronization

/// The demo's time: the real one, shifted by up to two and a half minutes so that a five-minute bucket ends soon after the
/// regression began. Detection looks at closed buckets only, and nobody likes to wait for a demo.
///
/// It is not shifted before `set`: how long the history takes to load is only known once it is.
final class DemoClock: Sendable {
    /// The most that it is ever shifted, in seconds.
    static let furthest: TimeInterval = 150

    private let seconds = Mutex<TimeInterval>(0)

    /// Seconds added to the real time, -150 to 150.
    var shift: TimeInterval { seconds.withLock { $0 } }

    /// Shifts it.
    ///
    /// - Parameters:
    ///   - start: The real time at which the demo's spectator begins to wait.
    ///   - untilBucketEnds: How long after it a bucket is to end, in seconds.
    func set(start: Date, untilBucketEnds: TimeInterval) {
        let wanted = start.timeIntervalSince1970 + untilBucketEnds
        let bucket = 2 * Self.furthest
        seconds.withLock { $0 = (wanted / bucket).rounded() * bucket - wanted }
    }

    /// The demo's time at a real one.
    func moment(at real: Date) -> Date { real.addingTimeInterval(shift) }
}
