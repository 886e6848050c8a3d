import Foundation

/// Takes what is secret out of an answer before it is kept: receivers quote what they were sent.
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

    /// At most 4 KB of text that a database takes, with `[scrubbed]` for every secret.
    ///
    /// It is scrubbed before it is cut, so that no part of a secret stays at the end.
    func scrub(_ answer: [UInt8]) -> String {
        var text = String(decoding: answer.prefix(64 * 1024), as: UTF8.self).replacing("\0", with: "\u{FFFD}")
        for secret in secrets where text.contains(secret) { text = text.replacing(secret, with: "[scrubbed]") }
        guard text.utf8.count > 4096 else { return text }
        var end = text.utf8.index(text.startIndex, offsetBy: 4096)
        while String.Index(end, within: text.unicodeScalars) == nil { end = text.utf8.index(before: end) }
        return String(text[..<end])
    }
}
