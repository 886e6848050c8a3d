import Monitoring

/// A JSON object of texts as PostgreSQL writes it: labels are read thousands of times in a burst.
enum TextObject {
    /// Names and texts.
    ///
    /// - Throws: `DecodingError` where it is none.
    static func parse(_ text: String) throws -> [String: String] {
        var text = text
        let fast: [String: String]? = text.withUTF8 { bytes in
            var scanner = Scanner(bytes: bytes)
            return scanner.object()
        }
        // With escapes by their numbers, and whatever else is not plain.
        return try fast ?? MonitoringJSON.decode([String: String].self, from: text.utf8)
    }

    private struct Scanner {
        let bytes: UnsafeBufferPointer<UInt8>
        var position = 0

        /// nil: not plain.
        mutating func object() -> [String: String]? {
            guard take("{") else { return nil }
            var members: [String: String] = [:]
            if take("}") { return isAtEnd ? members : nil }
            while true {
                guard let name = string(), take(":"), let value = string() else { return nil }
                members[name] = value
                if take("}") { return isAtEnd ? members : nil }
                guard take(",") else { return nil }
            }
        }

        private var isAtEnd: Bool { position == bytes.count }

        private mutating func skipSpace() {
            while position < bytes.count, bytes[position] == 0x20 { position += 1 }
        }

        private mutating func take(_ character: Unicode.Scalar) -> Bool {
            skipSpace()
            guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
            position += 1
            return true
        }

        private mutating func string() -> String? {
            guard take("\"") else { return nil }
            let start = position
            while position < bytes.count {
                switch bytes[position] {
                case UInt8(ascii: "\""):
                    let text = String(decoding: UnsafeBufferPointer(rebasing: bytes[start..<position]), as: UTF8.self)
                    position += 1
                    return text
                case UInt8(ascii: "\\"):
                    return escaped(from: start)
                default:
                    position += 1
                }
            }
            return nil
        }

        /// From the beginning of a text that has an escape.
        private mutating func escaped(from start: Int) -> String? {
            var content = Array(bytes[start..<position])
            while position < bytes.count {
                let byte = bytes[position]
                position += 1
                if byte == UInt8(ascii: "\"") { return String(decoding: content, as: UTF8.self) }
                guard byte == UInt8(ascii: "\\") else {
                    content.append(byte)
                    continue
                }
                guard position < bytes.count else { return nil }
                switch bytes[position] {
                case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): content.append(bytes[position])
                case UInt8(ascii: "n"): content.append(0x0A)
                case UInt8(ascii: "t"): content.append(0x09)
                case UInt8(ascii: "r"): content.append(0x0D)
                default: return nil
                }
                position += 1
            }
            return nil
        }
    }
}
