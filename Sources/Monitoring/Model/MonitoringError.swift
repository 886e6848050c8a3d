/// What can go wrong with a question to the monitor, beside the database's own errors (`PostgresError`).
public struct MonitoringError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kinds, for those who act on them.
    public enum Code: Sendable, Hashable {
        /// There is no alert of this id.
        case alertNotFound
        /// The table of transitions does not allow this action from the alert's status.
        case transitionForbidden
        /// An argument is out of its range.
        case invalidArgument
        /// The database holds what this version does not know.
        case unexpectedValue
        /// The schema is not the one that this version works with.
        case schemaMismatch
        /// Another session has been at the same work for too long; later it may be free.
        case busy
    }

    /// What kind it is.
    public var code: Code
    /// A sentence for people: what was wrong and what is allowed.
    public var message: String

    /// - Parameter message: A sentence for people, without secrets.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The sentence.
    public var description: String { message }
}
