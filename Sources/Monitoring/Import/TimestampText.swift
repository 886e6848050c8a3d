/// The time of an event as files write it.
///
/// | text | read as |
/// | --- | --- |
/// | `2026-02-21T10:00:02.431Z` | itself |
/// | `2026-02-21 10:00:02+05:30`, `+0530`, `+05` | with that offset |
/// | `2026-02-21T10:00:02` | UTC |
/// | `2026-02-21`, `1771660000`, `21.2.2026 10:00`, `2026-02-30T00:00:00Z` | nothing |
enum TimestampText {
    /// The time in a form that PostgreSQL reads alike under any setting; nil where it is none. The years are 0001 to 9999.
    static func normalized(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        var reader = Reader(rest: text)
        guard let year = reader.number(4), year > 0, reader.take("-"), let month = reader.number(2), reader.take("-"),
            let day = reader.number(2), (1...12).contains(month), day >= 1, day <= days(month: month, year: year),
            reader.take("T") || reader.take("t") || reader.take(" "),
            let hour = reader.number(2), hour < 24, reader.take(":"), let minute = reader.number(2), minute < 60
        else { return nil }
        var result = Array(text[text.startIndex..<text.startIndex + 10]) + [UInt8(ascii: "T")]
        result += text[text.startIndex + 11..<text.startIndex + 16]
        if reader.take(":") {
            guard let second = reader.number(2), second < 60 else { return nil }
            result += text[text.startIndex + 16..<text.startIndex + 19]
            if reader.take(".") {
                let fraction = reader.rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
                guard !fraction.isEmpty else { return nil }
                reader.rest = reader.rest.dropFirst(fraction.count)
                result.append(UInt8(ascii: "."))
                result += fraction.prefix(9)
            }
        }
        guard let offset = reader.offset() else { return nil }
        return result + offset
    }

    private static func days(month: Int, year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    private struct Reader {
        var rest: ArraySlice<UInt8>

        mutating func take(_ character: Character) -> Bool {
            guard let byte = rest.first, byte == character.asciiValue else { return false }
            rest = rest.dropFirst()
            return true
        }

        mutating func number(_ digits: Int) -> Int? {
            guard rest.count >= digits else { return nil }
            var value = 0
            for byte in rest.prefix(digits) {
                guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
                value = value * 10 + Int(byte) - 0x30
            }
            rest = rest.dropFirst(digits)
            return value
        }

        /// What is left: `Z`, `+05`, `+0530`, `+05:30`, or nothing, which is UTC.
        mutating func offset() -> [UInt8]? {
            if rest.isEmpty || rest.elementsEqual("Z".utf8) || rest.elementsEqual("z".utf8) { return Array("+00:00".utf8) }
            guard let sign = rest.first, take("+") || take("-"), let hours = number(2), hours < 16 else { return nil }
            var minutes = 0
            if !rest.isEmpty {
                _ = take(":")
                guard let value = number(2), value < 60, rest.isEmpty else { return nil }
                minutes = value
            }
            func padded(_ number: Int) -> [UInt8] { [UInt8(0x30 + number / 10), UInt8(0x30 + number % 10)] }
            return [sign] + padded(hours) + [UInt8(ascii: ":")] + padded(minutes)
        }
    }
}
