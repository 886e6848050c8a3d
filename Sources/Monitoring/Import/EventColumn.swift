/// A column of learning_events as the database has it, and what values it takes.
struct EventColumn: Sendable, Hashable {
    /// What a value must be.
    enum Kind: Sendable, Hashable {
        case text
        case json
        case timestamp
        case integer(ClosedRange<Int>)
        case numeric
        /// Digits before the point and after it.
        case bounded(whole: Int, fraction: Int)
        case uuid
        /// Only the database knows.
        case other
    }

    var name: String
    var kind: Kind
    /// Whether NULL is refused.
    var isRequired: Bool
    /// SQL of the value where none is given; nil for NULL.
    var defaultSQL: String?
}

extension EventColumn.Kind {
    /// - Parameter type: As PostgreSQL's format_type writes it.
    init(type: String) {
        switch type {
        case "text": self = .text
        case "jsonb", "json": self = .json
        case "timestamp with time zone": self = .timestamp
        case "smallint": self = .integer(Int(Int16.min)...Int(Int16.max))
        case "integer": self = .integer(Int(Int32.min)...Int(Int32.max))
        case "bigint": self = .integer(Int.min...Int.max)
        case "numeric": self = .numeric
        case "uuid": self = .uuid
        default:
            let numbers = type.split { !$0.isNumber }.compactMap { Int($0) }
            if type.hasPrefix("character") {
                self = .text
            } else if type.hasPrefix("numeric("), numbers.count == 2, numbers[0] >= numbers[1] {
                self = .bounded(whole: numbers[0] - numbers[1], fraction: numbers[1])
            } else {
                self = .other
            }
        }
    }

    /// The value in the form in which the database gets it.
    ///
    /// - Parameter value: Valid UTF-8 without zero bytes.
    func checked(_ value: ArraySlice<UInt8>) throws(LineFault) -> ArraySlice<UInt8> {
        switch self {
        case .text, .other: return value
        case .json:
            try JSONScanner.validate(value)
            return value
        case .timestamp:
            guard let text = TimestampText.normalized(value) else {
                throw LineFault("is not a time like 2026-02-21T10:00:02.431Z: \(Self.shown(value))")
            }
            return text[...]
        case .integer(let range):
            // Tools that hold numbers as floating point write 1.0.
            let whole = value.prefix { $0 != UInt8(ascii: ".") }
            guard value.count - whole.count != 1, value.dropFirst(whole.count + 1).allSatisfy({ $0 == UInt8(ascii: "0") }),
                let number = Int(String(decoding: whole, as: UTF8.self)), range.contains(number)
            else { throw LineFault("is not a whole number from \(range.lowerBound) to \(range.upperBound): \(Self.shown(value))") }
            return whole
        case .numeric:
            try Self.checkNumber(value)
            return value
        case .bounded(let whole, let fraction):
            try Self.checkNumber(value)
            // Rounding to the places that are kept may carry over.
            let bound = Self.power(whole) - 0.5 / Self.power(fraction)
            guard let number = Double(String(decoding: value, as: UTF8.self)), abs(number) < bound else {
                throw LineFault("has over \(whole) digits before the point: \(Self.shown(value))")
            }
            return value
        case .uuid:
            guard Self.isUUID(value) else { throw LineFault("is not a UUID: \(Self.shown(value))") }
            return value
        }
    }

    private static func power(_ exponent: Int) -> Double { (0..<exponent).reduce(1) { value, _ in value * 10 } }

    private static func checkNumber(_ value: ArraySlice<UInt8>) throws(LineFault) {
        var scanner = JSONScanner(value)
        do {
            try scanner.number()
            try scanner.end()
        } catch { throw LineFault("is not a number: \(shown(value))") }
    }

    private static func isUUID(_ value: ArraySlice<UInt8>) -> Bool {
        value.count == 36
            && value.enumerated().allSatisfy { index, byte in
                [8, 13, 18, 23].contains(index)
                    ? byte == UInt8(ascii: "-") : byte < 0x80 && Character(Unicode.Scalar(byte)).isHexDigit
            }
    }

    /// Enough of a value to find it again.
    private static func shown(_ value: ArraySlice<UInt8>) -> String {
        let text = String(decoding: value.prefix(40), as: UTF8.self)
        return "\"\(text)\(value.count > 40 ? "…" : "")\""
    }
}
