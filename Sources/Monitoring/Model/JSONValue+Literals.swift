extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral, ExpressibleByNilLiteral {
    /// A string.
    public init(stringLiteral value: String) { self = .string(value) }
    /// A whole number.
    public init(integerLiteral value: Int64) { self = .integer(value) }
    /// true or false.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    /// null.
    public init(nilLiteral: ()) { self = .null }
}
