/// What may stand in a request's header (RFC 9110, 5.1 and 5.5).
enum HeaderSyntax {
    /// One or more of letters, digits and `!#$%&'*+-.^_|~` with the backtick.
    static func isToken(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
                default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
                }
            }
    }

    /// No control character but the tab: above all no CR, LF or NUL.
    static func isValue(_ text: String) -> Bool {
        text.utf8.allSatisfy { ($0 >= 0x20 && $0 != 0x7f) || $0 == 0x09 }
    }

    /// Whether the header says where the body ends: that is libcurl's to say.
    static func isFraming(_ name: String) -> Bool {
        isSame(name, "content-length") || isSame(name, "transfer-encoding")
    }

    /// Whether two names are one; the second is written in small letters.
    static func isSame(_ name: String, _ small: String) -> Bool {
        name.utf8.count == small.utf8.count
            && zip(name.utf8, small.utf8).allSatisfy { byte, wanted in
                byte == wanted || (0x41...0x5a).contains(byte) && byte | 0x20 == wanted
            }
    }

    /// Lines as CURLOPT_HTTPHEADER wants them: a header without a value is written `Name;`, and `Name:` keeps libcurl from adding its own.
    static func lines(_ headers: [(name: String, value: String)]) -> [String] {
        var lines = headers.map { name, value in
            value.utf8.allSatisfy { $0 == 0x20 || $0 == 0x09 } ? "\(name);" : "\(name): \(value)"
        }
        if !headers.contains(where: { isSame($0.name, "content-type") }) { lines.append("Content-Type:") }
        if !headers.contains(where: { isSame($0.name, "expect") }) { lines.append("Expect:") }
        return lines
    }
}
