import Foundation

/// The standard normal distribution.
enum NormalDistribution {
    /// What 95 % lie below.
    static let p95 = 1.6448536269514722

    /// The share above `deviation`.
    ///
    /// | deviation | 0 | 1.645 | 2.326 |
    /// | --- | --- | --- | --- |
    /// | share | 0.5 | 0.05 | 0.01 |
    static func above(_ deviation: Double) -> Double {
        erfc(deviation / 2.0.squareRoot()) / 2
    }
}
