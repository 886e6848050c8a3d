public import Foundation

/// A type whose arrays a column can be read as.
public protocol PostgresArrayElement: Sendable {
    /// Nil when the column is no one-dimensional array, or an element does not fit.
    static func decodeArray(_ cell: PostgresCell) -> [Self]?
}

extension PostgresArrayElement where Self: PostgresDecodable {
    /// Each element by its own type; a NULL among them fits optional elements only.
    public static func decodeArray(_ cell: PostgresCell) -> [Self]? {
        guard cell.isArray, let elements = cell.elements() else { return nil }
        var result: [Self] = []
        result.reserveCapacity(elements.count)
        for element in elements {
            guard let value = element.map({ Self(postgres: $0) }) ?? postgresNull else { return nil }
            result.append(value)
        }
        return result
    }
}

extension String: PostgresArrayElement {}
extension Bool: PostgresArrayElement {}
extension Int: PostgresArrayElement {}
extension Int64: PostgresArrayElement {}
extension Double: PostgresArrayElement {}
extension Date: PostgresArrayElement {}
extension UUID: PostgresArrayElement {}
extension Optional: PostgresArrayElement where Wrapped: PostgresDecodable {}

extension UInt8: PostgresArrayElement {
    /// bytea.
    public static func decodeArray(_ cell: PostgresCell) -> [UInt8]? {
        cell.type == .bytea ? [UInt8](cell.bytes) : nil
    }
}

extension Array: PostgresDecodable where Element: PostgresArrayElement {
    /// From a one-dimensional array, or bytea as [UInt8].
    public init?(postgres cell: PostgresCell) {
        guard let value = Element.decodeArray(cell) else { return nil }
        self = value
    }
}
