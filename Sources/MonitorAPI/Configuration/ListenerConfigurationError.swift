/// Why a listener cannot be set up as asked.
public struct ListenerConfigurationError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kinds, for those who act on them.
    public enum Code: Sendable, Hashable {
        /// A host that others can reach, and no tokens.
        case unprotected
        /// The port is none.
        case invalidPort
        /// The address cannot be bound: it is taken, or not this machine's.
        case addressUnavailable
        /// The public URL is none, or has more than scheme, host, port and path.
        case invalidPublicURL
        /// A trusted proxy is no address and no network.
        case invalidProxy
        /// A token's name or secret cannot be used.
        case invalidToken
    }

    /// What kind it is.
    public var code: Code
    /// A sentence for people: what is wrong and what to do, without secrets.
    public var message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The sentence.
    public var description: String { message }
}
