import Foundation

/// Takes what is secret out of an answer before it is kept: receivers quote what they were sent, their own credentials and the links
/// of messages alike.
struct AnswerScrubber: Sendable {
    private let secrets: [String]

    /// - Parameter receiver: Its URL, the URL's path, query and user, and its signing secrets are taken out.
    init(receiver: Receiver) {
        var found: Set<String> = []
        if let url = receiver.url?.reveal() {
            found.insert(url)
            if let components = URLComponents(string: url) {
                found.formUnion(
                    [components.percentEncodedPath, components.path, components.percentEncodedQuery, components.query].compactMap { $0 })
                found.formUnion([components.user, components.password].compactMap { $0 })
                if let user = components.user {
                    let basic = Data("\(user):\(components.password ?? "")".utf8).base64EncodedString()
                    found.formUnion([basic, String(basic.prefix { $0 != "=" })])
                }
                if let last = components.path.split(separator: "/").last { found.insert(String(last)) }
                found.formUnion(components.path.split(separator: "/").filter { $0.utf8.count >= 8 }.map(String.init))
                found.formUnion((components.queryItems ?? []).compactMap(\.value))
            }
        }
        if let key = receiver.routingKey { found.insert(key.reveal()) }
        for secret in receiver.signingSecrets {
            found.insert(secret.text.reveal())
            found.insert(String(secret.text.reveal().drop { $0 != "_" }.dropFirst()))
        }
        found = found.filter { $0.utf8.count >= 4 }
        found.formUnion(found.map { $0.replacing("/", with: "\\/") })
        found.formUnion(found.compactMap { $0.addingPercentEncoding(withAllowedCharacters: .alphanumerics) })
        secrets = found.sorted { $0.utf8.count != $1.utf8.count ? $0.utf8.count > $1.utf8.count : $0 < $1 }
    }

    /// A link's token has 79 characters of base64url at least (`LinkSigner`), and hardly anything else has so many.
    private static let tokenLength = 76

    /// Whoever has a link may act, and the answer is for everybody who may read.
    private static func withoutTokens(_ text: String) -> String {
        let utf8 = Array(text.utf8)
        var result: [UInt8] = []
        var start = 0
        func close(_ end: Int) {
            result += end - start >= tokenLength ? Array("[scrubbed]".utf8)[...] : utf8[start..<end]
        }
        for (index, byte) in utf8.enumerated() {
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"), UInt8(ascii: "_"):
                continue
            default:
                close(index)
                result.append(byte)
                start = index + 1
            }
        }
        close(utf8.count)
        return String(decoding: result, as: UTF8.self)
    }

    /// At most 4 KB of text that a database takes, with `[scrubbed]` for every secret.
    ///
    /// It is scrubbed before it is cut, so that no part of a secret stays at the end.
    func scrub(_ answer: [UInt8]) -> String {
        guard !answer.isEmpty else { return "" }
        var text = String(decoding: answer.prefix(64 * 1024), as: UTF8.self).replacing("\0", with: "\u{FFFD}")
        text = Self.withoutTokens(text)
        for secret in secrets where text.contains(secret) { text = text.replacing(secret, with: "[scrubbed]") }
        guard text.utf8.count > 4096 else { return text }
        var end = text.utf8.index(text.startIndex, offsetBy: 4096)
        while String.Index(end, within: text.unicodeScalars) == nil { end = text.utf8.index(before: end) }
        return String(text[..<end])
    }
}
