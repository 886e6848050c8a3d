import Foundation

/// When an evaluation is due: once in each interval, counted from 1970, however often it is asked and however late.
struct EvaluationSchedule: Sendable, Hashable {
    /// Over 0.
    let interval: Duration
    private var lastSlot: Int?

    init(interval: Duration) {
        self.interval = interval
    }

    /// Whether the slot that `moment` lies in has not been evaluated yet.
    func isDue(at moment: Date) -> Bool {
        slot(of: moment) != lastSlot
    }

    /// Notes that it has been.
    mutating func evaluated(at moment: Date) {
        lastSlot = slot(of: moment)
    }

    /// How long after `moment` the next slot begins.
    func untilNextSlot(after moment: Date) -> Duration {
        let next = Double(slot(of: moment) + 1) * seconds
        return .seconds(max(0, next - moment.timeIntervalSince1970))
    }

    private func slot(of moment: Date) -> Int {
        Int((moment.timeIntervalSince1970 / seconds).rounded(.down))
    }

    private var seconds: Double {
        let (whole, attoseconds) = interval.components
        return Double(whole) + Double(attoseconds) * 1e-18
    }
}
