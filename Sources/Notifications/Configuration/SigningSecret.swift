import Foundation

/// The key of a Standard Webhooks signature.
public struct SigningSecret: Sendable, Hashable, CustomStringConvertible, CustomReflectable {
    let bytes: [UInt8]
    /// As it was written: what must not appear in an answer that is kept.
    let text: Secret

    /// - Parameter text: `whsec_` and 24 to 64 bytes as base64; or any other text of at least 16 bytes, whose UTF-8 is the key.
    /// - Throws: `.invalidReceiver`, without the text.
    public init(_ text: String) throws(NotificationConfigurationError) {
        let prefix = "whsec_"
        if text.hasPrefix(prefix) {
            guard let data = Data(base64Encoded: String(text.dropFirst(prefix.count))), (24...64).contains(data.count) else {
                throw NotificationConfigurationError(.invalidReceiver, "a secret that begins with whsec_ holds 24 to 64 bytes as base64")
            }
            bytes = Array(data)
        } else {
            guard (16...256).contains(text.utf8.count) else {
                throw NotificationConfigurationError(.invalidReceiver, "a webhook's secret has 16 to 256 bytes")
            }
            bytes = Array(text.utf8)
        }
        self.text = Secret(text)
    }

    /// `[secret]`.
    public var description: String { "[secret]" }
    /// Without children.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
