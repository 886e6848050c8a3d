/// Why a database operation failed. Neither message nor description shows the conninfo, a password, SQL or its arguments.
public struct PostgresError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kinds of failures.
    public enum Code: String, Sendable, Hashable {
        /// The conninfo cannot be read.
        case invalidConfiguration
        /// No connection could be made; nothing was sent.
        case connectionFailed
        /// The connection broke while in use: the statement may have taken effect or not. It is never repeated silently.
        case connectionLost
        /// The operation's time was up; the server was asked to cancel it.
        case timedOut
        /// The task was cancelled; the server was asked to cancel what ran.
        case cancelled
        /// No connection of the pool became free within the time for that.
        case poolExhausted
        /// The client is closed.
        case closed
        /// The server answered with an error; see `sqlState`.
        case server
        /// A value is of another type than the one asked for, or NULL where none is allowed.
        case decoding
        /// The caller's mistake: a lease used after its closure or by two tasks at once, COPY through `query`.
        case misuse
    }

    /// The kind of failure.
    public var code: Code
    /// The server's five characters (`23505`); nil when it was not the server that failed.
    public var sqlState: String?
    /// One sentence for a log.
    public var message: String

    /// An error as given.
    public init(_ code: Code, sqlState: String? = nil, message: String) {
        self.code = code
        self.sqlState = sqlState
        self.message = message
    }

    /// Whether the same operation can succeed when it is tried again later. After `.connectionLost` and `.timedOut` of a write
    /// it may have taken effect already: only what can be repeated without harm should be.
    public var isRetryable: Bool {
        switch code {
        case .connectionFailed, .connectionLost, .timedOut, .poolExhausted: true
        case .invalidConfiguration, .cancelled, .closed, .decoding, .misuse: false
        case .server:
            // Connection exceptions, insufficient resources, serialization failure, deadlock, lock timeout, shutdown and start-up.
            sqlState.map { state in
                state.hasPrefix("08") || state.hasPrefix("53") || ["40001", "40P01", "55P03", "57P01", "57P02", "57P03"].contains(state)
            } ?? false
        }
    }

    /// The code, the SQLSTATE if any, and the message.
    public var description: String {
        "\(code.rawValue)\(sqlState.map { " \($0)" } ?? ""): \(message)"
    }
}
