import Foundation

/// The moments that a backtest evaluates: `from`, then every `step`, up to but not including `to`.
struct BacktestPlan: Sendable, Hashable {
    let from: Date
    let to: Date
    let stepSeconds: Int

    /// - Throws: `MonitoringError` with `.invalidArgument` unless `from` lies before `to`, at most 200 days, and the step is whole
    ///   seconds from a minute to a day.
    init(from: Date, to: Date, step: Duration) throws(MonitoringError) {
        guard from < to else { throw MonitoringError(.invalidArgument, "a backtest begins before it ends") }
        guard to.timeIntervalSince(from) <= 200 * 86_400 else {
            throw MonitoringError(.invalidArgument, "a backtest goes over 200 days at most")
        }
        guard step.components.attoseconds == 0, (60...86_400).contains(step.components.seconds) else {
            throw MonitoringError(.invalidArgument, "a backtest's step is from one minute to one day, in whole seconds")
        }
        self.from = from
        self.to = to
        stepSeconds = Int(step.components.seconds)
    }

    var count: Int { Int((to.timeIntervalSince(from) / Double(stepSeconds)).rounded(.up)) }

    /// - Parameter index: 0 to `count`; the moment at `count` is the first that is not evaluated.
    func moment(_ index: Int) -> Date {
        from.addingTimeInterval(Double(index) * Double(stepSeconds))
    }
}
