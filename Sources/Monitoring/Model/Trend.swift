/// Where a figure goes: the last three days with events against the three before them.
public enum Trend: String, Sendable, Hashable, Codable, CaseIterable {
    /// Over 10 % more.
    case up
    /// Over 10 % less.
    case down
    /// Within 10 %.
    case stable
    /// There are not six days to compare.
    case unknown
}
