import Crypto
import Foundation

/// A bearer token that may use the listener. Only a digest of its secret is kept, so that no log or dump can show it.
public struct ListenerToken: Sendable, Hashable, CustomStringConvertible {
    /// What the audit calls who used it.
    public let name: String
    /// What it may be used for.
    public let scope: AccessScope
    /// Whether it lets in whoever has it while others guess from the same address; see `isBeyondGuessing(_:)`.
    let isBeyondGuessing: Bool
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
        isBeyondGuessing = Self.isBeyondGuessing(secret)
        digest = Self.digest(of: secret)
    }

    /// Its name and scope.
    public var description: String { "\(name) (\(scope.rawValue))" }

    /// Whether nobody finds a secret by trying, at whatever rate: drawn by chance from the kinds of characters that it has, one of its
    /// length holds 128 bits or more, and it has eight different characters at least. How it was drawn nobody can tell from it.
    ///
    /// | secret | characters of its kinds | bits | beyond guessing |
    /// | --- | --- | --- | --- |
    /// | 16 bytes in hexadecimal digits | 16 | 32 × 4 = 128 | yes |
    /// | 18 bytes in base64 | 62 | 24 × 5.95 = 143 | yes |
    /// | `correct-horse-battery` | 58 | 21 × 5.86 = 123 | no |
    /// | 64 times `a` | 6 | 64 × 2.58 = 165 | no |
    public static func isBeyondGuessing(_ secret: String) -> Bool {
        let characters = Set(secret.utf8)
        let kinds: [(range: ClosedRange<UInt8>, count: Double)] = [
            (UInt8(ascii: "0")...UInt8(ascii: "9"), 10), (UInt8(ascii: "A")...UInt8(ascii: "F"), 6),
            (UInt8(ascii: "G")...UInt8(ascii: "Z"), 20), (UInt8(ascii: "a")...UInt8(ascii: "f"), 6),
            (UInt8(ascii: "g")...UInt8(ascii: "z"), 20),
        ]
        let others = characters.filter { character in !kinds.contains { $0.range.contains(character) } }
        let alphabet = kinds.reduce(others.isEmpty ? 0 : 32) { sum, kind in
            sum + (characters.contains { kind.range.contains($0) } ? kind.count : 0)
        }
        return characters.count >= 8 && Double(secret.utf8.count) * log2(alphabet) >= 128
    }

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
