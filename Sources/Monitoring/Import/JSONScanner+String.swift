extension JSONScanner {
    /// Passes a string; what stands between its quotes, and whether there are escapes in it.
    mutating func string() throws(LineFault) -> (raw: ArraySlice<UInt8>, hasEscapes: Bool) {
        position += 1
        let start = position
        var hasEscapes = false
        while position < bytes.endIndex {
            switch bytes[position] {
            case UInt8(ascii: "\""):
                position += 1
                return (bytes[start..<position - 1], hasEscapes)
            case UInt8(ascii: "\\"):
                hasEscapes = true
                try escape()
            case 0..<0x20: throw fault("a control character in a JSON string")
            default: position += 1
            }
        }
        throw fault("a JSON string that does not end")
    }

    private mutating func escape() throws(LineFault) {
        guard position + 1 < bytes.endIndex else { throw fault("a JSON string that does not end") }
        switch bytes[position + 1] {
        case UInt8(ascii: "u"): _ = try unicodeEscape()
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"), UInt8(ascii: "n"),
            UInt8(ascii: "r"), UInt8(ascii: "t"):
            position += 2
        default: throw fault("an escape that JSON does not have")
        }
    }

    /// Passes `\uXXXX`, or two of them that are one character.
    private mutating func unicodeEscape() throws(LineFault) -> Unicode.Scalar {
        let first = try codeUnit()
        if first == 0 { throw fault("\\u0000, which PostgreSQL cannot store") }
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard first < 0xDC00, position + 1 < bytes.endIndex, bytes[position] == UInt8(ascii: "\\"),
            bytes[position + 1] == UInt8(ascii: "u")
        else { throw fault("half a surrogate pair") }
        let second = try codeUnit()
        guard (0xDC00...0xDFFF).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (UInt32(first) - 0xD800) << 10 + UInt32(second) - 0xDC00)
        else { throw fault("half a surrogate pair") }
        return scalar
    }

    private mutating func codeUnit() throws(LineFault) -> UInt16 {
        guard position + 6 <= bytes.endIndex else { throw fault("a \\u without four hex digits") }
        var unit: UInt16 = 0
        for byte in bytes[position + 2..<position + 6] {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else {
                throw fault("a \\u without four hex digits")
            }
            unit = unit << 4 | UInt16(digit)
        }
        position += 6
        return unit
    }

    /// The text that a string between its quotes stands for.
    static func unescape(_ raw: ArraySlice<UInt8>) throws(LineFault) -> [UInt8] {
        var scanner = JSONScanner(raw)
        var text: [UInt8] = []
        text.reserveCapacity(raw.count)
        while scanner.position < raw.endIndex {
            let byte = raw[scanner.position]
            guard byte == UInt8(ascii: "\\") else {
                text.append(byte)
                scanner.position += 1
                continue
            }
            let kind = raw[scanner.position + 1]
            if kind == UInt8(ascii: "u") {
                text += UTF8.encode(try scanner.unicodeEscape()) ?? UTF8.encodedReplacementCharacter
                continue
            }
            scanner.position += 2
            switch kind {
            case UInt8(ascii: "b"): text.append(0x08)
            case UInt8(ascii: "f"): text.append(0x0C)
            case UInt8(ascii: "n"): text.append(0x0A)
            case UInt8(ascii: "r"): text.append(0x0D)
            case UInt8(ascii: "t"): text.append(0x09)
            default: text.append(kind)
            }
        }
        return text
    }
}
