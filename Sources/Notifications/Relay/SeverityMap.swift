public import Monitoring

/// What the severities of other systems mean here.
public struct SeverityMap: Sendable, Hashable {
    /// In small letters.
    public let words: [String: Severity]
    /// Of an alert that has none, or one that is not known.
    public let standard: Severity

    /// - Parameter words: Over the usual ones; large and small letters are alike.
    public init(_ words: [String: Severity] = [:], standard: Severity = .medium) {
        self.words = Self.usual.merging(words.map { ($0.key.lowercased(), $0.value) }) { $1 }
        self.standard = standard
    }

    /// The severity that a word means.
    public func severity(of word: String?) -> Severity {
        guard let word else { return standard }
        return words[word] ?? words[word.lowercased()] ?? standard
    }

    /// The words of the monitor itself, and those that are common elsewhere.
    public static let usual: [String: Severity] = [
        "critical": .critical, "high": .high, "medium": .medium, "low": .low,
        "page": .critical, "emergency": .critical, "fatal": .critical, "disaster": .critical, "p1": .critical,
        "error": .high, "major": .high, "p2": .high,
        "warning": .medium, "warn": .medium, "minor": .medium, "average": .medium, "p3": .medium,
        "info": .low, "informational": .low, "information": .low, "notice": .low, "debug": .low, "none": .low, "p4": .low,
    ]
}
