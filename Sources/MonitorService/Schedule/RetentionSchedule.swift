/// When the next batch of what is past is removed: batch after batch with a second between them, and once all is gone, in an hour.
struct RetentionSchedule: Sendable, Hashable {
    static let interval: Duration = .seconds(3600)
    static let pause: Duration = .seconds(1)

    /// nil: nothing has run yet.
    private var next: ContinuousClock.Instant?

    func isDue(at moment: ContinuousClock.Instant) -> Bool {
        next.map { $0 <= moment } ?? true
    }

    func untilNext(after moment: ContinuousClock.Instant) -> Duration {
        next.map { max(.zero, moment.duration(to: $0)) } ?? .zero
    }

    /// Notes a batch.
    ///
    /// - Parameter isFinished: Whether nothing is left.
    mutating func ran(isFinished: Bool, at moment: ContinuousClock.Instant) {
        next = moment + (isFinished ? Self.interval : Self.pause)
    }
}
