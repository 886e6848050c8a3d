import Foundation

/// The demo's time: the real one, shifted by up to two and a half minutes so that a five-minute bucket ends soon after the
/// regression began. Detection looks at closed buckets only, and nobody likes to wait for a demo.
struct DemoClock: Sendable, Hashable {
    /// Seconds added to the real time, -150 to 150.
    let shift: TimeInterval

    /// - Parameters:
    ///   - start: The real time at which the demo starts.
    ///   - untilBucketEnds: How long after it a bucket is to end, in seconds.
    init(start: Date, untilBucketEnds: TimeInterval) {
        let wanted = start.timeIntervalSince1970 + untilBucketEnds
        let bucket: TimeInterval = 300
        shift = (wanted / bucket).rounded() * bucket - wanted
    }

    /// The demo's time at a real one.
    func moment(at real: Date) -> Date { real.addingTimeInterval(shift) }
}
