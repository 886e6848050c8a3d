import CLibPQ

/// One row of a result.
public struct PostgresRow: Sendable {
    let result: PostgresResult
    let index: Int32

    /// Whether the result has a column of that name.
    public func has(_ column: String) -> Bool {
        result.columns[column] != nil
    }

    /// The value of a column.
    ///
    /// - Parameters:
    ///   - column: the column's name in the result; of two with the same name the first.
    ///   - type: an optional type takes NULL as nil.
    /// - Throws: `.decoding`, naming the column and both types, never the value: there is no such column, the column's type
    ///   cannot be read as `type`, the value does not fit (a fraction into Int, say), or it is NULL and `type` is no optional.
    public func decode<T: PostgresDecodable>(_ column: String, as type: T.Type = T.self) throws(PostgresError) -> T {
        guard let position = result.columns[column] else {
            throw PostgresError(.decoding, message: "the result has no column \(column)")
        }
        let oid = result.types[Int(position)]
        if PQgetisnull(result.pointer, index, position) == 1 {
            guard let value = T.postgresNull else {
                throw PostgresError(.decoding, message: "column \(column) is NULL, expected \(T.self)")
            }
            return value
        }
        let value = withExtendedLifetime(result) {
            let bytes = UnsafeRawBufferPointer(
                start: PQgetvalue(result.pointer, index, position), count: Int(PQgetlength(result.pointer, index, position)))
            return T(postgres: PostgresCell(type: PostgresType(oid: oid), bytes: bytes))
        }
        guard let value else {
            throw PostgresError(.decoding, message: "column \(column): expected \(T.self), found a value of type \(PostgresType(oid: oid))")
        }
        return value
    }
}
