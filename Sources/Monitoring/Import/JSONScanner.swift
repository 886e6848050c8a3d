/// Reads JSON (RFC 8259) without turning it into anything, so that every number and text stays as it was written, and refuses
/// what a jsonb column of PostgreSQL refuses: \u0000, half a surrogate pair, numbers beyond numeric, too deep a nesting.
struct JSONScanner {
    /// PostgreSQL's own limit depends on its stack; this many levels fit into any.
    static let maximumDepth = 1000

    let bytes: ArraySlice<UInt8>
    var position: Int

    /// - Parameter bytes: Valid UTF-8.
    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    /// Checks that all of `bytes` is one JSON value.
    static func validate(_ bytes: ArraySlice<UInt8>) throws(LineFault) {
        var scanner = JSONScanner(bytes)
        _ = try scanner.value()
        try scanner.end()
    }

    /// The next byte; nil at the end.
    var peek: UInt8? { position < bytes.endIndex ? bytes[position] : nil }

    mutating func skipSpace() {
        while position < bytes.endIndex {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return
            }
        }
    }

    /// White space and nothing else may follow.
    mutating func end() throws(LineFault) {
        skipSpace()
        if position < bytes.endIndex { throw fault("something follows the JSON value") }
    }

    /// Whether `byte` comes next, after white space; if so it is passed.
    mutating func take(_ byte: Character) -> Bool {
        skipSpace()
        guard peek == byte.asciiValue else { return false }
        position += 1
        return true
    }

    func fault(_ reason: String) -> LineFault {
        LineFault("\(reason), at byte \(position - bytes.startIndex + 1)")
    }

    /// Passes one value of any kind; its bytes without the white space around it.
    mutating func value() throws(LineFault) -> ArraySlice<UInt8> {
        skipSpace()
        let start = position
        var isObject: [Bool] = []
        values: while true {
            skipSpace()
            switch peek {
            case UInt8(ascii: "{"):
                if isObject.count == Self.maximumDepth { throw fault("JSON is nested over \(Self.maximumDepth) levels deep") }
                position += 1
                if !take("}") {
                    isObject.append(true)
                    try key()
                    continue values
                }
            case UInt8(ascii: "["):
                if isObject.count == Self.maximumDepth { throw fault("JSON is nested over \(Self.maximumDepth) levels deep") }
                position += 1
                if !take("]") {
                    isObject.append(false)
                    continue values
                }
            default: try scalar()
            }
            // After a value: the next one of its container, or the container's end, which is the end of a value again.
            while let object = isObject.last {
                if take(",") {
                    if object { try key() }
                    continue values
                }
                guard take(object ? "}" : "]") else { throw fault(peek == nil ? "JSON ends too early" : "not JSON") }
                isObject.removeLast()
            }
            return bytes[start..<position]
        }
    }

    /// Passes a key and its colon.
    private mutating func key() throws(LineFault) {
        skipSpace()
        guard peek == UInt8(ascii: "\"") else { throw fault(peek == nil ? "JSON ends too early" : "not JSON") }
        _ = try string()
        guard take(":") else { throw fault(peek == nil ? "JSON ends too early" : "not JSON") }
    }

    private mutating func scalar() throws(LineFault) {
        guard let byte = peek else { throw fault("JSON ends too early") }
        switch byte {
        case UInt8(ascii: "\""): _ = try string()
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): try number()
        case UInt8(ascii: "t"): try word("true")
        case UInt8(ascii: "f"): try word("false")
        case UInt8(ascii: "n"): try word("null")
        default: throw fault("not JSON")
        }
    }

    private mutating func word(_ word: String) throws(LineFault) {
        guard bytes[position...].starts(with: word.utf8) else { throw fault("not JSON") }
        position += word.utf8.count
    }
}
