/// What a person can do to an alert.
public enum AlertAction: String, Sendable, Hashable, Codable, CaseIterable {
    case acknowledge, unacknowledge, resolve, ignore, snooze, reopen
}
