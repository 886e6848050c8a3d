import Crypto

/// A key that signs links.
public struct LinkKey: Sendable, Hashable, CustomStringConvertible, CustomReflectable {
    /// Names the key inside a token: 1 to 16 bytes of ASCII.
    public let id: String
    let secret: [UInt8]

    /// - Parameters:
    ///   - id: The first 16 bytes of it count.
    ///   - secret: 32 bytes of chance, or a long text's UTF-8.
    public init(id: String, secret: [UInt8]) {
        self.id = String(decoding: id.utf8.prefix(16), as: UTF8.self)
        self.secret = secret
    }

    /// The key that a configured text is: its id is a digest, so that every process gives it the same.
    ///
    /// - Throws: `.invalidSetting` for fewer than 16 bytes.
    public init(configured text: String) throws(NotificationConfigurationError) {
        guard text.utf8.count >= 16 else {
            throw NotificationConfigurationError(.invalidSetting, "the link key has at least 16 bytes")
        }
        let digest = SHA256.hash(data: Array("torq-monitor link key\n".utf8) + Array(text.utf8))
        self.init(id: digest.prefix(4).map { hex($0) }.joined(), secret: Array(text.utf8))
    }

    /// The id alone.
    public var description: String { "link key \(id)" }
    /// Without children.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

func hex(_ byte: UInt8) -> String {
    let digits = String(byte, radix: 16)
    return digits.count == 1 ? "0" + digits : digits
}
