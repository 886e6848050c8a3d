import Monitoring
import Postgres

/// The newest step of an alert that a snooze or a silence kept from being told, and how the alert stands now.
struct WithheldTransition: Sendable, Hashable {
    /// With the alert's labels and severity of now.
    var transition: UnroutedTransition
    /// As what it will be told.
    var cause: NotificationCause
    /// The alert is still open, and nobody has taken it in hand since.
    var isWanted: Bool

    init(row: PostgresRow) throws {
        transition = try UnroutedTransition(row: row)
        cause = try row.word("cause")
        isWanted = try row.decode("is_wanted")
    }
}
