import Crypto
public import Foundation

/// Whether a webhook bears a signature of Standard Webhooks 1.0.0.
public enum StandardWebhooksCheck {
    /// How far a timestamp may lie from now, in seconds.
    public static let tolerance = 300

    /// Whether one of the signatures is of this message and secret, and not too old.
    public static func holds(
        id: String?, timestamp: String?, signatures: String?, body: [UInt8], secret: SigningSecret, now: Date
    ) -> Bool {
        guard let id, (1...255).contains(id.utf8.count), let timestamp, (1...12).contains(timestamp.utf8.count),
            timestamp.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let seconds = Int(timestamp),
            abs(now.timeIntervalSince1970 - Double(seconds)) <= Double(tolerance), let signatures, signatures.utf8.count <= 4096
        else { return false }
        let content = Array("\(id).\(timestamp).".utf8) + body
        let key = SymmetricKey(data: secret.bytes)
        return signatures.split(separator: " ").contains { signature in
            guard signature.hasPrefix("v1,"), let code = Data(base64Encoded: String(signature.dropFirst(3))) else { return false }
            return HMAC<SHA256>.isValidAuthenticationCode(code, authenticating: content, using: key)
        }
    }
}
