import CLibPQ
import Glibc

extension PostgresSession {
    /// One statement with parameters, the result in binary.
    func query(
        _ sql: String, _ parameters: [PostgresValue], timeout: Duration?, cancellable: Bool = true
    ) async throws(PostgresError) -> PostgresRows {
        try Self.checkText(sql, parameters)
        let pointer = try begin(timeout: timeout, cancellable: cancellable)
        let values = parameters.map { $0.wire.map { UnsafePointer<CChar>(strdup($0)) } ?? nil }
        let isSent = PQsendQueryParams(pointer, sql, Int32(values.count), nil, values, nil, nil, 1) == 1
        for value in values { free(UnsafeMutablePointer(mutating: value)) }
        guard isSent else { throw lost(pointer) }
        try await flush()
        guard let result = try await drain(keep: true) else { throw lost("the server gave no result") }
        return PostgresRows(result)
    }

    /// Several statements, without rows.
    func executeScript(_ sql: String, timeout: Duration?) async throws(PostgresError) {
        try Self.checkText(sql, [])
        let pointer = try begin(timeout: timeout, cancellable: true)
        guard PQsendQuery(pointer, sql) == 1 else { throw lost(pointer) }
        try await flush()
        _ = try await drain(keep: false)
    }

    /// A zero byte would end a C string early, and PostgreSQL stores none in text anyway.
    static func checkText(_ sql: String, _ parameters: [PostgresValue]) throws(PostgresError) {
        guard !ValueText.holdsZero(sql) else { throw PostgresError(.misuse, message: "the statement holds a zero byte") }
        for (index, parameter) in parameters.enumerated() where parameter.wire.map(ValueText.holdsZero) ?? false {
            throw PostgresError(.misuse, message: "parameter $\(index + 1) holds a zero byte")
        }
        guard parameters.count <= 65_535 else { throw PostgresError(.misuse, message: "a statement takes at most 65535 parameters") }
    }
}
