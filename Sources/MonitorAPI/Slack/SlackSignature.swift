import Crypto
import Foundation

/// Slack's signature of a request, version v0: `v0=` and the HMAC-SHA256, in hex, of `v0:`, the timestamp, `:` and the raw body.
enum SlackSignature {
    /// How far a request's timestamp may lie from now, in seconds.
    static let tolerance = 300

    /// Why a request is refused.
    enum Refusal: Error, Sendable, Hashable {
        /// A header is missing, or is not what Slack writes.
        case malformed
        /// It was signed too long ago, or our clock or theirs is wrong.
        case stale
        /// Somebody else signed it, or changed it.
        case mismatch
    }

    /// - Parameters:
    ///   - signature: X-Slack-Signature.
    ///   - timestamp: X-Slack-Request-Timestamp, in seconds since 1970.
    ///   - body: As it came, before anything is decoded.
    static func verify(
        signature: String?, timestamp: String?, body: [UInt8], secret: String, now: Date
    ) throws(Refusal) {
        guard let timestamp, (1...12).contains(timestamp.utf8.count), timestamp.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let seconds = Int(timestamp), let presented = signature.flatMap(digest)
        else { throw .malformed }
        guard abs(now.timeIntervalSince1970 - Double(seconds)) <= Double(tolerance) else { throw .stale }
        let isValid = HMAC<SHA256>.isValidAuthenticationCode(
            presented, authenticating: Array("v0:\(timestamp):".utf8) + body, using: SymmetricKey(data: Array(secret.utf8)))
        guard isValid else { throw .mismatch }
    }

    /// The 32 bytes of `v0=…`.
    private static func digest(_ text: String) -> [UInt8]? {
        guard text.utf8.count == 67, text.hasPrefix("v0=") else { return nil }
        var bytes: [UInt8] = []
        var rest = text.utf8.dropFirst(3)
        while let high = rest.popFirst(), let low = rest.popFirst() {
            guard let first = nibble(high), let second = nibble(low) else { return nil }
            bytes.append(first << 4 | second)
        }
        return bytes
    }

    private static func nibble(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }
}
