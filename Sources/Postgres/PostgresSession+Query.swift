import CLibPQ
import Glibc

extension PostgresSession {
    /// One statement with parameters, the result in binary.
    func query(
        _ sql: String, _ parameters: [PostgresValue], timeout: Duration?, cancellable: Bool = true
    ) async throws(PostgresError) -> PostgresRows {
        try Self.checkText(sql, parameters)
        let pointer = try begin(timeout: timeout, cancellable: cancellable)
        let values = parameters.map { Self.copy($0.wire) }
        let isSent =
            PQsendQueryParams(
                pointer, sql, Int32(values.count), nil, values.map(\.start), values.map(\.length), values.map(\.format), 1) == 1
        for value in values { free(UnsafeMutablePointer(mutating: value.start)) }
        guard isSent else { throw lost(pointer) }
        try await flush()
        guard let result = try await drain(keep: true) else { throw lost("the server gave no result") }
        return PostgresRows(result)
    }

    /// A parameter as libpq takes it: to be freed; its length counts in format 1, binary, alone.
    private static func copy(_ wire: PostgresValue.Wire) -> (start: UnsafePointer<CChar>?, length: Int32, format: Int32) {
        switch wire {
        case .null: return (nil, 0, 0)
        case .text(let text): return (UnsafePointer(strdup(text)), 0, 0)
        case .binary(let bytes):
            guard let start = malloc(max(1, bytes.count)) else { return (nil, 0, 0) }
            bytes.withUnsafeBytes { start.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(start), byteCount: bytes.count) }
            return (UnsafePointer(start.assumingMemoryBound(to: CChar.self)), Int32(bytes.count), 1)
        }
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
        for (index, parameter) in parameters.enumerated() {
            guard case .text(let text) = parameter.wire, ValueText.holdsZero(text) else { continue }
            throw PostgresError(.misuse, message: "parameter $\(index + 1) holds a zero byte")
        }
        guard parameters.count <= 65_535 else { throw PostgresError(.misuse, message: "a statement takes at most 65535 parameters") }
    }
}
