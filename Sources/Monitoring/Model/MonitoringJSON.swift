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

    /// `2026-02-21T10:00:02.431Z`; without a fraction where there is none. Times are shown to the millisecond.
    public static func timestamp(_ date: Date) -> String {
        let milliseconds = Int((date.timeIntervalSince1970 * 1000).rounded())
        let fraction = milliseconds - Int((Double(milliseconds) / 1000).rounded(.down)) * 1000
        let whole = Date(timeIntervalSince1970: Double((milliseconds - fraction) / 1000)).formatted(Date.ISO8601FormatStyle())
        guard fraction > 0 else { return whole }
        let digits = String(fraction)
        return "\(whole.dropLast()).\(String(repeating: "0", count: 3 - digits.count))\(digits)Z"
    }

    /// The moment that an RFC 3339 time names, with or without a fraction, in any offset; nil for anything else.
    public static func date(fromTimestamp text: String) -> Date? {
        // The style takes the 30th of February for the 2nd of March, and 25 o'clock for one.
        guard text.utf8.count <= 40, Day(String(text.prefix(10))) != nil,
            text.dropFirst(10).wholeMatch(of: /T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?(Z|[-+][0-9]{2}:[0-9]{2})/) != nil
        else { return nil }
        return (try? Date(text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true)))
            ?? (try? Date(text, strategy: Date.ISO8601FormatStyle()))
    }
}
