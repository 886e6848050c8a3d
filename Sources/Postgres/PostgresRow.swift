import CLibPQ
import Foundation

/// One row of a result.
public struct PostgresRow: Sendable {
    let result: PostgresResult
    let index: Int32

    /// Whether the result has a column of that name.
    public func has(_ column: String) -> Bool {
        result.columns[column] != nil
    }

    /// The value of a column. It is specialized for what most columns are read as: the look-up of types at run time costs more than
    /// the reading.
    ///
    /// - Parameters:
    ///   - column: the column's name in the result; of two with the same name the first.
    ///   - type: an optional type takes NULL as nil.
    /// - Throws: `.decoding`, naming the column and both types, never the value: there is no such column, the column's type
    ///   cannot be read as `type`, the value does not fit (a fraction into Int, say), or it is NULL and `type` is no optional.
    @specialized(where T == String)
    @specialized(where T == String?)
    @specialized(where T == UUID)
    @specialized(where T == Int)
    @specialized(where T == Double)
    @specialized(where T == Bool)
    @specialized(where T == Date)
    public func decode<T: PostgresDecodable>(_ column: String, as type: T.Type = T.self) throws(PostgresError) -> T {
        let cell = try cell(column)
        if let value = withExtendedLifetime(self, { cell.map { T(postgres: $0) } ?? T.postgresNull }) { return value }
        throw Self.refusal(of: column, "\(T.self)", found: cell?.type)
    }

    /// Nil: NULL.
    private func cell(_ column: String) throws(PostgresError) -> PostgresCell? {
        guard let position = result.columns[column] else {
            throw PostgresError(.decoding, message: "the result has no column \(column)")
        }
        guard PQgetisnull(result.pointer, index, position) == 0 else { return nil }
        return PostgresCell(
            type: PostgresType(oid: result.types[Int(position)]),
            bytes: UnsafeRawBufferPointer(
                start: PQgetvalue(result.pointer, index, position), count: Int(PQgetlength(result.pointer, index, position))))
    }

    private static func refusal(of column: String, _ expected: String, found type: PostgresType?) -> PostgresError {
        guard let type else { return PostgresError(.decoding, message: "column \(column) is NULL, expected \(expected)") }
        return PostgresError(.decoding, message: "column \(column): expected \(expected), found a value of type \(type)")
    }
}
