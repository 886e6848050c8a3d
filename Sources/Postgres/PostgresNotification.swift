/// What a LISTEN stream yields.
public enum PostgresNotification: Sendable, Hashable {
    /// Listening from now on, for the first time or again: notifications before this moment may be lost, so look once.
    case connected
    /// A NOTIFY; the payload is empty where none was given.
    case received(payload: String)
}
