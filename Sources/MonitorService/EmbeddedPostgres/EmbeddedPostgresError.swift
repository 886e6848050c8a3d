/// Why there is no embedded PostgreSQL.
public struct EmbeddedPostgresError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kinds of reasons.
    public enum Code: String, Sendable, Hashable {
        /// No PostgreSQL programs, or none that fits the cluster.
        case notInstalled
        /// The data directory cannot be made, entered or written.
        case dataDirectory
        /// Another process of the service uses the data directory.
        case inUse
        /// initdb failed.
        case initializationFailed
        /// The server did not start or did not become ready in time.
        case startFailed
        /// The server did not end in time.
        case stopFailed
    }

    /// The kind of reason.
    public var code: Code

    /// For a person: what is wrong and what can be done.
    public var message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The message.
    public var description: String { message }
}
