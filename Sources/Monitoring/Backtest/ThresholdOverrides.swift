/// Thresholds that stand over those of the settings; what is nil stays as the settings say.
///
/// They hold for every metric, also for one that has thresholds of its own in the settings.
public struct ThresholdOverrides: Sendable, Hashable, Codable {
    /// From here on it is low.
    public var low: Double?
    /// From here on it is medium.
    public var medium: Double?
    /// From here on it is high.
    public var high: Double?
    /// Held at this ratio for a while, it becomes critical.
    public var critical: Double?

    /// Nothing overridden.
    public init() {}

    /// All four.
    public init(_ config: ThresholdConfig) {
        low = config.low
        medium = config.medium
        high = config.high
        critical = config.critical
    }

    /// Reads what a person gives on the command line: `low=1.5,medium=2,high=3,critical=3`, any of them, in any order.
    ///
    /// - Throws: `MonitoringError` with `.invalidArgument` for an unknown name, a ratio that is not from 1 to 1,000,000, a name given
    ///   twice, or ratios that fall from low to critical.
    public init(parsing text: String) throws(MonitoringError) {
        let names = "low, medium, high, critical"
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map { Self.trimmed($0) }
            guard sides.count == 2, let keyPath = Self.paths.first(where: { $0.name == sides[0] })?.path else {
                throw MonitoringError(.invalidArgument, "thresholds: \"\(part)\" is not one of \(names) with = and a ratio")
            }
            guard let ratio = Double(sides[1]), (1...1_000_000).contains(ratio) else {
                throw MonitoringError(.invalidArgument, "thresholds: \(sides[0]) is a ratio from 1 to 1000000, not \"\(sides[1])\"")
            }
            guard self[keyPath: keyPath] == nil else { throw MonitoringError(.invalidArgument, "thresholds: \(sides[0]) is there twice") }
            self[keyPath: keyPath] = ratio
        }
        let given = Self.paths.compactMap { entry in self[keyPath: entry.path].map { (name: entry.name, ratio: $0) } }
        for (lower, higher) in zip(given, given.dropFirst()) where lower.ratio > higher.ratio {
            throw MonitoringError(.invalidArgument, "thresholds: \(lower.name) must not be above \(higher.name)")
        }
    }

    private static var paths: [(name: String, path: WritableKeyPath<Self, Double?>)] {
        [("low", \.low), ("medium", \.medium), ("high", \.high), ("critical", \.critical)]
    }

    private static func trimmed(_ text: Substring) -> String {
        String(text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}
