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
        ["content-length", "transfer-encoding"].contains(name.lowercased())
    }

    /// Lines as CURLOPT_HTTPHEADER wants them: a header without a value is written `Name;`, and `Name:` keeps libcurl from adding its own.
    static func lines(_ headers: [(name: String, value: String)]) -> [String] {
        let given = Set(headers.map { $0.name.lowercased() })
        let suppressed = ["Content-Type", "Expect"].filter { !given.contains($0.lowercased()) }.map { "\($0):" }
        return headers.map { name, value in
            value.utf8.allSatisfy { $0 == 0x20 || $0 == 0x09 } ? "\(name);" : "\(name): \(value)"
        } + suppressed
    }
}
