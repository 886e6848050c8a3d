/// A value that must not be shown: a password, a token, a webhook's URL.
///
/// Its description, debug description and mirror are `***`, so that a log line, an error or a `dump` of what holds it
/// does not give it away. Only `reveal()` does, at the place that sends it.
public struct Secret: Sendable, Hashable {
    private let value: String

    /// Wraps a value. It is kept as it is, neither trimmed nor decoded.
    public init(_ value: String) {
        self.value = value
    }

    /// The value itself.
    public func reveal() -> String {
        value
    }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Always `***`, whatever the value and its length.
    public var description: String { "***" }

    /// Always `***`.
    public var debugDescription: String { "***" }

    /// A mirror without children, so that `dump` finds nothing.
    public var customMirror: Mirror { Mirror(self, children: [], displayStyle: .struct) }
}
