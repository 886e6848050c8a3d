import Glibc

/// PostgreSQL's text forms of values.
enum ValueText {
    static func double(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Infinity" : "Infinity" }
        return "\(value)"
    }

    /// The hex format: `\x00ff`.
    static func bytea(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = Array("\\x".utf8)
        text.reserveCapacity(2 + 2 * bytes.count)
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// `{"a","say \"b\"",NULL}`: every element in quotes, so that neither NULL, commas, braces nor spaces mean anything.
    static func array(_ elements: [String?]) -> String {
        var text = [UInt8(ascii: "{")]
        text.reserveCapacity(elements.reduce(2) { $0 + ($1?.utf8.count ?? 2) + 3 })
        for (index, element) in elements.enumerated() {
            if index > 0 { text.append(UInt8(ascii: ",")) }
            guard let element else {
                text += Array("NULL".utf8)
                continue
            }
            text.append(UInt8(ascii: "\""))
            append(element, to: &text)
            text.append(UInt8(ascii: "\""))
        }
        text.append(UInt8(ascii: "}"))
        return String(decoding: text, as: UTF8.self)
    }

    /// With a backslash before what has a meaning in quotes; what lies between is copied as it is: there may be much of it.
    private static func append(_ element: String, to text: inout [UInt8]) {
        var element = element
        element.withUTF8 { bytes in
            var copied = 0
            for position in bytes.indices where bytes[position] == UInt8(ascii: "\"") || bytes[position] == UInt8(ascii: "\\") {
                text.append(contentsOf: bytes[copied..<position])
                text.append(UInt8(ascii: "\\"))
                copied = position
            }
            text.append(contentsOf: bytes[copied...])
        }
    }

    /// Whether a C string of it would end too early.
    static func holdsZero(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { bytes in bytes.baseAddress.map { memchr($0, 0, bytes.count) } ?? nil } != nil
    }
}
