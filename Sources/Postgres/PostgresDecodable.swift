/// A type that a column can be read as.
///
/// An enum with string values conforms with an empty extension: its raw value is decoded, and an unknown one is an error.
public protocol PostgresDecodable: Sendable {
    /// Nil when the type or the value does not fit.
    init?(postgres cell: PostgresCell)
    /// What NULL is read as; nil when it cannot be.
    static var postgresNull: Self? { get }
}

extension PostgresDecodable {
    /// NULL cannot be read.
    public static var postgresNull: Self? { nil }
}

extension PostgresDecodable where Self: RawRepresentable, RawValue: PostgresDecodable {
    /// By the raw value.
    public init?(postgres cell: PostgresCell) {
        guard let raw = RawValue(postgres: cell) else { return nil }
        self.init(rawValue: raw)
    }
}

extension Optional: PostgresDecodable where Wrapped: PostgresDecodable {
    /// As the wrapped type.
    public init?(postgres cell: PostgresCell) {
        guard let value = Wrapped(postgres: cell) else { return nil }
        self = .some(value)
    }

    /// Nil.
    public static var postgresNull: Wrapped?? { .some(.none) }
}
