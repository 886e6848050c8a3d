/// What a token may be used for.
public enum AccessScope: String, Sendable, Hashable, Codable, CaseIterable {
    /// Reading metrics, alerts and pages.
    case read
    /// Reading, and acting: on alerts, silences and computations.
    case write
    /// Bringing alerts in from elsewhere, and nothing else.
    case ingest
}
