public import Foundation

/// A parameter of a statement. It travels as text, but for arrays, whose elements go as they are (`BinaryArray`), and the server infers
/// its type from the SQL: write a cast (`$1::timestamptz`) where the context does not say.
public struct PostgresValue: Sendable, Hashable, CustomStringConvertible {
    /// How it travels.
    enum Wire: Sendable, Hashable {
        case null
        case text(String)
        case binary([UInt8])
    }

    let wire: Wire

    private init(wire text: String?) {
        wire = text.map { .text($0) } ?? .null
    }

    private init(wire array: BinaryArray?) {
        wire = array.map { .binary($0.bytes) } ?? .null
    }

    /// Text as it is. Zero bytes are refused when the statement is sent: PostgreSQL has none in text.
    public static func text(_ value: String?) -> PostgresValue { PostgresValue(wire: value) }

    /// An integer.
    public static func int(_ value: Int?) -> PostgresValue { PostgresValue(wire: value.map { String($0) }) }

    /// The shortest text that gives the same double again; NaN and infinities too.
    public static func double(_ value: Double?) -> PostgresValue { PostgresValue(wire: value.map { ValueText.double($0) }) }

    /// A truth value.
    public static func bool(_ value: Bool?) -> PostgresValue { PostgresValue(wire: value.map { $0 ? "t" : "f" }) }

    /// UTC, rounded to the microsecond; `distantFuture` is infinity, `distantPast` -infinity.
    public static func timestamp(_ value: Date?) -> PostgresValue { PostgresValue(wire: value.map { PostgresTimestamp.text($0) }) }

    /// A UUID.
    public static func uuid(_ value: UUID?) -> PostgresValue { PostgresValue(wire: value.map { $0.uuidString.lowercased() }) }

    /// bytea.
    public static func bytes(_ value: [UInt8]?) -> PostgresValue { PostgresValue(wire: value.map { ValueText.bytea($0) }) }

    /// JSON text, which the server checks.
    public static func json(_ value: String?) -> PostgresValue { PostgresValue(wire: value) }

    /// text[]; nil elements are NULL. Zero bytes are refused when the statement is sent.
    public static func textArray(_ value: [String?]?) -> PostgresValue {
        guard let value, value.contains(where: { $0.map(ValueText.holdsZero) ?? false }) else {
            return PostgresValue(wire: value.map { BinaryArray.text($0) })
        }
        return PostgresValue(wire: ValueText.array(value))
    }

    /// int4[] or int8[], as the statement has it; nil elements are NULL.
    public static func intArray(_ value: [Int?]?) -> PostgresValue {
        PostgresValue(wire: value.map { ValueText.array($0.map { $0.map { String($0) } }) })
    }

    /// boolean[].
    public static func boolArray(_ value: [Bool]?) -> PostgresValue {
        PostgresValue(wire: value.map { BinaryArray.bool($0) })
    }

    /// uuid[].
    public static func uuidArray(_ value: [UUID]?) -> PostgresValue {
        PostgresValue(wire: value.map { BinaryArray.uuid($0) })
    }

    /// timestamptz[]; each as `timestamp`.
    public static func timestampArray(_ value: [Date]?) -> PostgresValue {
        PostgresValue(wire: value.map { BinaryArray.timestamp($0) })
    }

    /// Never the value: it must not get into a log.
    public var description: String { wire == .null ? "NULL" : "a value" }
}

extension PostgresValue: CustomDebugStringConvertible, CustomReflectable {
    /// As `description`.
    public var debugDescription: String { description }
    /// Shows nothing of the value.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

extension PostgresValue: ExpressibleByStringLiteral, ExpressibleByStringInterpolation {
    /// Text.
    public init(stringLiteral value: String) { self = .text(value) }
}

extension PostgresValue: ExpressibleByIntegerLiteral {
    /// An integer.
    public init(integerLiteral value: Int) { self = .int(value) }
}

extension PostgresValue: ExpressibleByFloatLiteral {
    /// A double.
    public init(floatLiteral value: Double) { self = .double(value) }
}

extension PostgresValue: ExpressibleByBooleanLiteral {
    /// A truth value.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
}

extension PostgresValue: ExpressibleByNilLiteral {
    /// NULL.
    public init(nilLiteral: ()) { self = .text(nil) }
}
