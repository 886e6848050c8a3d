internal import Crypto
internal import Foundation

/// What Slack sends when somebody presses a button.
public enum SlackPress {
    /// The form.
    ///
    /// - Parameters:
    ///   - token: The button's value.
    ///   - user: A JSON object, as is `action`, which stands in place of the button with the token.
    public static func form(
        _ token: String, type: String = "block_actions", user: String = #"{"id": "U2CERLKJA", "username": "ana <b>"}"#,
        action: String? = nil, responseURL: String = "https://hooks.slack.com/actions/T1/2/x"
    ) -> String {
        let json = """
            {"type": "\(type)", "user": \(user), "team": {"id": "T1"}, "response_url": "\(responseURL)",
             "actions": [\(action ?? #"{"action_id": "acknowledge", "value": "\#(token)", "type": "button"}"#)]}
            """
        let bytes = json.utf8.map { byte in
            (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte)
                ? String(UnicodeScalar(byte)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
        }
        return "payload=" + bytes.joined()
    }

    /// The headers that sign a body.
    ///
    /// - Parameter seconds: Since 1970.
    public static func headers(_ body: String, secret: String, at seconds: Int) -> [(name: String, value: String)] {
        let code = HMAC<SHA256>.authenticationCode(
            for: Array("v0:\(seconds):\(body)".utf8), using: SymmetricKey(data: Array(secret.utf8)))
        let hex = code.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        return [(name: "X-Slack-Signature", value: "v0=" + hex), (name: "X-Slack-Request-Timestamp", value: "\(seconds)")]
    }
}
