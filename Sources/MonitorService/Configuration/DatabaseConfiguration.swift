public import Notifications

/// The database that the service works on.
public struct DatabaseConfiguration: Sendable, Hashable {
    /// A libpq URI or keyword/value string. nil: the embedded PostgreSQL.
    public var url: Secret?

    /// Connections kept by one process at most; 2…200: a backtest holds its lock on one and works on another.
    public var poolSize = 8

    /// The embedded PostgreSQL with eight connections.
    public init() {}
}
