public import Foundation

/// How far a backtest has come.
public struct BacktestProgress: Sendable, Hashable {
    /// What it is doing.
    public enum Phase: Sendable, Hashable {
        /// New events are rolled up; so many hours are still to do.
        case rollingUp(hoursPending: Int)
        /// History is evaluated.
        case evaluating
    }

    /// What it is doing.
    public var phase: Phase
    /// Moments that were evaluated.
    public var evaluations: Int
    /// Moments there are.
    public var evaluationsInAll: Int
    /// Transitions so far.
    public var transitions: Int
    /// The moment it has come to.
    public var moment: Date
}
