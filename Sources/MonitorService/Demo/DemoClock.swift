import Foundation
import Synchronization

/// The demo's time: the real one, shifted by up to two and a half minutes so that a five-minute bucket ends soon after the
/// regression began. Detection looks at closed buckets only, and nobody likes to wait for a demo.
///
/// It is not shifted before `set`: how long the history takes to load is only known once it is. Or it is played: it begins some time ago
/// and runs faster than the real one, until it has caught up with it.
final class DemoClock: Sendable {
    /// The most that it is ever shifted, in seconds.
    static let furthest: TimeInterval = 150

    private enum Course: Sendable {
        case shifted(by: TimeInterval)
        case played(from: Date, since: Date, speed: Double)
    }

    private let course = Mutex(Course.shifted(by: 0))

    /// Seconds added to the real time, -150 to 150; 0 where it is played.
    var shift: TimeInterval {
        guard case .shifted(let seconds) = course.withLock({ $0 }) else { return 0 }
        return seconds
    }

    /// Shifts it.
    ///
    /// - Parameters:
    ///   - start: The real time at which the demo's spectator begins to wait.
    ///   - untilBucketEnds: How long after it a bucket is to end, in seconds.
    func set(start: Date, untilBucketEnds: TimeInterval) {
        let wanted = start.timeIntervalSince1970 + untilBucketEnds
        let bucket = 2 * Self.furthest
        course.withLock { $0 = .shifted(by: (wanted / bucket).rounded() * bucket - wanted) }
    }

    /// Plays it.
    ///
    /// - Parameters:
    ///   - from: The demo's time at the real time `since`, and earlier than that.
    ///   - speed: Seconds of the demo's in one of the real time, over 1.
    func play(from: Date, since: Date, speed: Double) {
        course.withLock { $0 = .played(from: from, since: since, speed: speed) }
    }

    /// The demo's time at a real one.
    func moment(at real: Date) -> Date {
        switch course.withLock({ $0 }) {
        case .shifted(let seconds): real.addingTimeInterval(seconds)
        case .played(let from, let since, let speed): min(real, from.addingTimeInterval(real.timeIntervalSince(since) * speed))
        }
    }
}
