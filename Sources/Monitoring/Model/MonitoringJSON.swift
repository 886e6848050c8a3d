public import Foundation

/// JSON as the API writes it: keys sorted, so that equal answers are equal bytes; times RFC 3339 in UTC with a `Z`.
public enum MonitoringJSON {
    /// The bytes of `value`.
    public static func encode(_ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .custom { date, encoder in
            var container = encoder.singleValueContainer()
            try container.encode(timestamp(date))
        }
        return Array(try encoder.encode(value))
    }

    /// Reads what `encode` wrote.
    public static func decode<Value: Decodable>(_ type: Value.Type, from bytes: some Sequence<UInt8>) throws -> Value {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .custom { decoder in
            let text = try decoder.singleValueContainer().decode(String.self)
            guard let date = date(fromTimestamp: text) else {
                throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: "not an RFC 3339 time"))
            }
            return date
        }
        return try decoder.decode(type, from: Data(bytes))
    }

    /// `text` as JSON writes it, in quotes.
    public static func quoted(_ text: String) throws -> String {
        var text = text
        let isPlain = text.withUTF8 { bytes in
            bytes.allSatisfy { (0x20..<0x7f).contains($0) && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
        }
        return isPlain ? "\"\(text)\"" : String(decoding: try encode(text), as: UTF8.self)
    }

    /// `2026-02-21T10:00:02.431Z`; without a fraction where there is none. Times are shown to the millisecond.
    public static func timestamp(_ date: Date) -> String {
        Timestamp3339.text(date)
    }

    /// The moment that an RFC 3339 time names, with or without a fraction, in any offset; nil for anything else.
    public static func date(fromTimestamp text: String) -> Date? {
        Timestamp3339.date(text)
    }
}
