/// Why a receiver, a route or a matcher cannot be used.
public struct NotificationConfigurationError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kinds, for those who act on them.
    public enum Code: Sendable, Hashable {
        /// A receiver's name, type, URL, secret or limit.
        case invalidReceiver
        /// A matcher that cannot be read.
        case invalidMatcher
        /// A route, or a list of default receivers, that names nobody or somebody unknown.
        case invalidRoute
        /// A template that cannot be read, or names what no message has.
        case invalidTemplate
        /// The public URL, the link key, or another setting of the whole.
        case invalidSetting
    }

    /// What kind it is.
    public var code: Code
    /// A sentence for people; it quotes names and matchers, never a URL or a secret.
    public var message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The sentence.
    public var description: String { message }
}
