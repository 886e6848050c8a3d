/// The rows of a result, in the server's order. Holds the whole result in memory until the last row is gone.
public struct PostgresRows: RandomAccessCollection, Sendable {
    private let result: PostgresResult

    init(_ result: PostgresResult) {
        self.result = result
    }

    /// How many rows an INSERT, UPDATE, DELETE or MERGE touched or a SELECT gave; 0 for other commands.
    public var affectedRows: Int { result.affectedRows }

    /// What the server did: `INSERT 0 5`, `COMMIT`.
    var commandTag: String { result.commandTag }

    /// Always 0.
    public var startIndex: Int { 0 }
    /// The number of rows.
    public var endIndex: Int { Int(result.rowCount) }

    /// One row; traps where there is none.
    public subscript(position: Int) -> PostgresRow {
        precondition(indices.contains(position), "there is no row \(position)")
        return PostgresRow(result: result, index: Int32(position))
    }
}
