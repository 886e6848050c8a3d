/// From which deviation ratio an alert has which severity, over what the settings in the database say, for every metric.
///
/// | severity | seed's ratio |
/// | --- | --- |
/// | low | 1.5 |
/// | medium | 2.0 |
/// | high | 3.0 |
/// | critical | 3.0, held for `critical_after` |
public struct ThresholdConfig: Sendable, Hashable, Codable {
    /// From here on it is low; over 1.
    public var low: Double
    /// From here on it is medium; at least `low`.
    public var medium: Double
    /// From here on it is high; at least `medium`.
    public var high: Double
    /// Held at this ratio for a while, it becomes critical; at least `high`.
    public var critical: Double

    /// The seed's thresholds.
    public static let standard = ThresholdConfig()

    /// - Precondition: `1 < low <= medium <= high <= critical`; the database refuses anything else with a clear error.
    public init(low: Double = 1.5, medium: Double = 2.0, high: Double = 3.0, critical: Double = 3.0) {
        self.low = low
        self.medium = medium
        self.high = high
        self.critical = critical
    }
}
