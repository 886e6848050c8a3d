import Crypto
import Foundation

/// Somebody who signed in to the pages. Its secret is in a cookie and nowhere else.
struct Session: Sendable, Hashable {
    /// How long one lasts.
    static let lifetime: TimeInterval = 7 * 86_400

    /// 32 bytes of chance.
    private let secret: [UInt8]

    /// A new one.
    init() {
        var random = SystemRandomNumberGenerator()
        secret = (0..<32).map { _ in random.next() as UInt8 }
    }

    /// What a cookie holds; nil for what no cookie of ours does.
    init?(cookie text: String) {
        guard text.utf8.count == 64 else { return nil }
        var bytes: [UInt8] = []
        var rest = Substring(text)
        while !rest.isEmpty {
            let digits = rest.prefix(2)
            guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }), let byte = UInt8(digits, radix: 16)
            else { return nil }
            bytes.append(byte)
            rest = rest.dropFirst(2)
        }
        guard bytes.count == 32 else { return nil }
        secret = bytes
    }

    /// What its cookie holds.
    var cookie: String { Self.hex(secret) }

    /// Under which the database knows it.
    var digest: [UInt8] { Array(SHA256.hash(data: Array("torq-monitor session\n".utf8) + secret)) }

    /// What its forms are bound to; says nothing of the secret.
    var binding: String { "session " + Self.hex(digest) }

    /// Ties it to the token that opened it: the same for the same token, and of no use to whoever reads the database.
    func mark(of token: ListenerToken) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: token.digest, using: SymmetricKey(data: secret)))
    }

    private static func hex(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
