import Crypto
import Foundation

/// A bearer token that may use the listener. Only a digest of its secret is kept, so that no log or dump can show it.
public struct ListenerToken: Sendable, Hashable, CustomStringConvertible {
    /// What the audit calls who used it.
    public let name: String
    /// What it may be used for.
    public let scope: AccessScope
    let digest: [UInt8]

    /// - Parameters:
    ///   - name: Not empty, at most 200 characters; several tokens may share one while a secret is rotated.
    ///   - secret: At least 8 visible ASCII characters.
    /// - Throws: `ListenerConfigurationError` naming the token, never showing the secret.
    public init(name: String, secret: String, scope: AccessScope) throws(ListenerConfigurationError) {
        guard !name.isEmpty, name.count <= 200, name.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F }) else {
            throw ListenerConfigurationError(.invalidToken, "a token's name has 1 to 200 characters, none of them a control character")
        }
        guard secret.utf8.count >= 8, secret.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw ListenerConfigurationError(
                .invalidToken, "the secret of token \(name) must be at least 8 visible ASCII characters, without spaces")
        }
        self.name = name
        self.scope = scope
        digest = Self.digest(of: secret)
    }

    /// Its name and scope.
    public var description: String { "\(name) (\(scope.rawValue))" }

    /// Whether `presented` is the digest of its secret; takes the same time for any.
    func matches(_ presented: [UInt8]) -> Bool {
        Self.isSame(digest, presented)
    }

    /// Whether two texts of one length are the same; takes the same time for any.
    static func isSame(_ one: [UInt8], _ other: [UInt8]) -> Bool {
        zip(one, other).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0 && one.count == other.count
    }

    /// Digests are compared in place of secrets: all have one length, and none says anything of the secret.
    static func digest(of secret: String) -> [UInt8] {
        Array(SHA256.hash(data: Data(secret.utf8)))
    }
}
