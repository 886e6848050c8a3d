/// Where an alert stands in its life. The table of transitions between these stands in the SQL function
/// `monitoring_allowed_transitions()`, and nowhere else.
public enum AlertStatus: String, Sendable, Hashable, Codable, CaseIterable {
    case open, acknowledged, resolved, ignored
}
