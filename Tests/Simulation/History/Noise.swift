import Foundation

/// How much the hours of a history differ beyond chance.
///
/// Each hour has its own factor for the traffic, for the rate of each kind of bad event and for the share of slow events: log-normal
/// with mean 1, each independent of the others.
public struct Noise: Sendable, Hashable {
    /// Standard deviation of the factors: 0.3 for 30 %.
    public var share: Double
    /// Correlation of one hour's factor (its logarithm) with that of the hour before, 0 to below 1.
    public var autocorrelation: Double

    /// - Parameters:
    ///   - share: 0 for none.
    ///   - autocorrelation: 0 for hours that know nothing of each other.
    public init(_ share: Double, autocorrelation: Double = 0) {
        self.share = share
        self.autocorrelation = autocorrelation
    }

    /// Chance alone.
    public static let none = Noise(0)

    /// What has factors of its own.
    enum Series: Int, CaseIterable {
        case traffic, fallback, failed, duplicate, mediocre, latency
    }

    /// A factor for each hour of each series.
    func factors(hours: Int, seed: UInt64) -> [[Double]] {
        let sigma = log(1 + share * share).squareRoot()
        return Series.allCases.map { series in
            guard share > 0 else { return Array(repeating: 1, count: hours) }
            var random = Randomness(seed: seed, stream: 0xA015_E000 + UInt64(series.rawValue))
            var level = random.normal()
            return (0..<hours).map { _ in
                defer { level = autocorrelation * level + (1 - autocorrelation * autocorrelation).squareRoot() * random.normal() }
                return exp(sigma * level - sigma * sigma / 2)
            }
        }
    }
}
