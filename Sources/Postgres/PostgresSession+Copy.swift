import CLibPQ

extension PostgresSession {
    /// What libpq may hold before a writer waits.
    private static let flushThreshold = 64 * 1024

    /// Sends the COPY statement and waits until the server wants data.
    func beginCopy(_ sql: String, timeout: Duration?) async throws(PostgresError) {
        try Self.checkText(sql, [])
        let pointer = try begin(timeout: timeout, cancellable: true)
        guard PQsendQuery(pointer, sql) == 1 else { throw lost(pointer) }
        try await flush()
        guard let result = try await nextResult() else { throw lost("the server gave no result") }
        guard result.status == PGRES_COPY_IN else {
            if result.status == PGRES_COPY_OUT || result.status == PGRES_COPY_BOTH {
                close()
                throw PostgresError(.misuse, message: "copyIn takes COPY … FROM STDIN only")
            }
            var failure = result.error
            while let more = try await nextResult() { failure = failure ?? more.error }
            try await finish(failure)
            throw PostgresError(.misuse, message: "copyIn takes COPY … FROM STDIN only")
        }
        unflushed = 0
        copyStarted()
    }

    /// Returns when libpq holds no more than a little: the writer is as slow as the server.
    func writeCopy(_ bytes: [UInt8]) async throws(PostgresError) {
        guard !isCopyWriting else { throw PostgresError(.misuse, message: "a COPY has one writer at a time") }
        isCopyWriting = true
        defer { isCopyWriting = false }
        var start = 0
        while start < bytes.count {
            try checkCopyInterrupt()
            let end = min(start + Self.flushThreshold, bytes.count)
            let pointer = try openPointer()
            let code = bytes[start..<end].withUnsafeBytes { buffer in
                buffer.withMemoryRebound(to: CChar.self) { PQputCopyData(pointer, $0.baseAddress, Int32($0.count)) }
            }
            switch code {
            case 1:
                unflushed += end - start
                start = end
            case 0: try await waitForSocket(.readWrite)
            default: throw lost(pointer)
            }
            if unflushed >= Self.flushThreshold {
                try await flush()
                unflushed = 0
            }
        }
        try checkCopyInterrupt()
    }

    /// Ends the COPY; the number of rows.
    func endCopy() async throws(PostgresError) -> Int {
        try await putEnd(nil)
        guard let result = try await drain(keep: true) else { throw lost("the server gave no result") }
        return result.affectedRows
    }

    /// Ends the COPY so that nothing of it stays. The server's error to that is expected; only a lost connection shows.
    func abortCopy() async {
        copyGivenUp()
        do {
            try await putEnd("given up by the writer")
            _ = try await drain(keep: false)
        } catch {
            if error.code != .server { close() }
        }
    }

    private func putEnd(_ message: String?) async throws(PostgresError) {
        while true {
            let pointer = try openPointer()
            switch PQputCopyEnd(pointer, message) {
            case 1: return try await flush()
            case 0: try await waitForSocket(.readWrite)
            default: throw lost(pointer)
            }
        }
    }
}
