import CLibPQ

/// Owns a `PGresult`.
///
/// libpq manual, "Behavior in Threaded Programs": a PGresult is read-only after it was made and can be read by several threads.
final class PostgresResult: @unchecked Sendable {  // `pointer` is only read until deinit.
    let pointer: OpaquePointer
    let rowCount: Int32
    /// Name to position; the first of two columns of the same name.
    let columns: [String: Int32]
    /// Of each column.
    let types: [UInt32]

    init(_ pointer: OpaquePointer) {
        self.pointer = pointer
        rowCount = PQntuples(pointer)
        var columns: [String: Int32] = [:]
        var types: [UInt32] = []
        // The columns of a COPY have no names.
        for index in 0..<PQnfields(pointer) {
            guard let name = PQfname(pointer, index).map({ String(cString: $0) }) else { break }
            if columns[name] == nil { columns[name] = index }
            types.append(PQftype(pointer, index))
        }
        self.columns = columns
        self.types = types
    }

    deinit {
        PQclear(pointer)
    }

    var status: ExecStatusType { PQresultStatus(pointer) }

    /// `INSERT 0 5`, `COMMIT`.
    var commandTag: String { String(cString: PQcmdStatus(pointer)) }

    /// Rows that an INSERT, UPDATE, DELETE, MERGE, SELECT or COPY touched, 0 for other commands.
    var affectedRows: Int { Int(String(cString: PQcmdTuples(pointer))) ?? 0 }

    var sqlState: String? {
        PQresultErrorField(pointer, torq_diag_sqlstate).map { String(cString: $0) }
    }

    /// The server's error, if it is one, without the values it may quote.
    var error: PostgresError? {
        guard status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE || status == PGRES_NONFATAL_ERROR else { return nil }
        let state = sqlState
        let text = PQresultErrorField(pointer, torq_diag_message_primary).map { String(cString: $0) } ?? "no message"
        return PostgresError(.server, sqlState: state, message: ServerMessage.withoutValues(text, sqlState: state))
    }
}
