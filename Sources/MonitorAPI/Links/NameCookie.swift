/// The name that somebody gave on a page, kept on their device for the next time.
enum NameCookie {
    private static let key = "torq_name"

    /// A Set-Cookie header: for our pages and those of links, for a year.
    static func header(_ name: String, under path: String, isSecure: Bool) -> String {
        "\(key)=\(encoded(name)); Path=\(path)/; Max-Age=31536000; HttpOnly; SameSite=Lax\(isSecure ? "; Secure" : "")"
    }

    /// The name in a Cookie header; nil where there is none that could have been given.
    static func name(in header: String?) -> String? {
        guard let header, header.utf8.count <= 8192 else { return nil }
        for part in header.split(separator: ";") {
            let pair = part.drop { $0 == " " }
            guard pair.hasPrefix(key + "=") else { continue }
            guard let name = FormFields.decode(pair.dropFirst(key.count + 1)),
                case .accepted(let text) = PlainText.check(name, maximum: ActionOrder.maximumName, multiline: false)
            else { return nil }
            return text
        }
        return nil
    }

    /// Everything but letters and digits as `%XX`.
    private static func encoded(_ text: String) -> String {
        text.utf8.map { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: String(UnicodeScalar(byte))
            default: "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }.joined()
    }
}
