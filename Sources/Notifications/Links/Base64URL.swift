import Foundation

/// RFC 4648, section 5, without padding.
enum Base64URL {
    private static let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    static func encode(_ bytes: [UInt8]) -> String {
        let digits = digits
        return String(unsafeUninitializedCapacity: (bytes.count * 4 + 2) / 3) { text in
            var (count, bits, held) = (0, 0, 0)
            func append(_ digit: Int) {
                text[count] = digits[digit & 63]
                count += 1
            }
            for byte in bytes {
                bits = bits << 8 & 0xffff | Int(byte)
                held += 8
                while held >= 6 {
                    held -= 6
                    append(bits >> held)
                }
            }
            if held > 0 { append(bits << (6 - held)) }
            return count
        }
    }

    /// nil for any other character, and for a text that `encode` would have written differently: a token has one spelling.
    static func decode(_ text: String) -> [UInt8]? {
        guard text.utf8.allSatisfy({ $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "=") }) else { return nil }
        let standard = text.replacing("-", with: "+").replacing("_", with: "/")
        let padding = String(repeating: "=", count: (4 - standard.utf8.count % 4) % 4)
        guard let data = Data(base64Encoded: standard + padding) else { return nil }
        let bytes = Array(data)
        return encode(bytes) == text ? bytes : nil
    }
}
