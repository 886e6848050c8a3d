import Crypto
import Foundation

/// The headers of Standard Webhooks 1.0.0.
enum StandardWebhooks {
    /// - Parameters:
    ///   - id: Stable over all attempts, without a dot.
    ///   - timestamp: Of this attempt.
    ///   - secrets: Of a rotation all of them; none: there is no signature.
    static func headers(id: String, timestamp: Date, body: [UInt8], secrets: [SigningSecret]) -> [(name: String, value: String)] {
        let seconds = String(Int64(timestamp.timeIntervalSince1970))
        var headers = [(name: "webhook-id", value: id), (name: "webhook-timestamp", value: seconds)]
        if !secrets.isEmpty {
            let content = Array("\(id).\(seconds).".utf8) + body
            let signatures = secrets.map { secret in
                let code = HMAC<SHA256>.authenticationCode(for: content, using: SymmetricKey(data: secret.bytes))
                return "v1,\(Data(code).base64EncodedString())"
            }
            headers.append((name: "webhook-signature", value: signatures.joined(separator: " ")))
        }
        return headers
    }
}
