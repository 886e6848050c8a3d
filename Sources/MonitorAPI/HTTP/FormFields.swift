/// Names and values of a query or of a form's body, decoded strictly.
struct FormFields: Sendable, Hashable {
    private(set) var values: [String: String] = [:]
    /// Of those that may be there several times, all.
    private(set) var lists: [String: [String]] = [:]

    /// - Parameter repeatable: Names that may be there several times.
    /// - Throws: The name of the fault: what is not percent-encoded text, or is there twice, is refused rather than guessed.
    init(_ text: some StringProtocol, repeatable: Set<String> = []) throws(FormFieldsError) {
        for pair in text.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = Self.decode(parts[0]), let value = parts.count > 1 ? Self.decode(parts[1]) : "" else { throw .malformed }
            if repeatable.contains(name) {
                lists[name, default: []].append(value)
                continue
            }
            guard values.updateValue(value, forKey: name) == nil else { throw .repeated(String(name.prefix(100))) }
        }
    }

    /// `+` and `%XX`; nil where that is no UTF-8 text, or holds a NUL.
    static func decode(_ text: some StringProtocol) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8.makeIterator()
        while let byte = rest.next() {
            switch byte {
            case UInt8(ascii: "+"):
                bytes.append(0x20)
            case UInt8(ascii: "%"):
                guard let high = rest.next().flatMap(hexDigit), let low = rest.next().flatMap(hexDigit) else { return nil }
                bytes.append(high << 4 | low)
            default:
                bytes.append(byte)
            }
        }
        guard !bytes.contains(0) else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func hexDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }
}

/// Why fields cannot be read.
enum FormFieldsError: Error, Sendable, Hashable {
    case malformed
    case repeated(String)
}
