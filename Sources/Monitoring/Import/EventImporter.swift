public import Postgres

/// Brings events from files into learning_events, in constant memory whatever the file's size.
///
/// Without `strict` every batch is committed by itself: an import that broke off can be run again, and what is there already is
/// skipped, or counts once more where existing events are counted. With it all is one transaction.
public struct EventImporter: Sendable {
    /// What becomes of a record whose event_id exists.
    public enum OnExisting: String, Sendable, Hashable, CaseIterable {
        /// Nothing.
        case skip
        /// It counts as a retry: duplicate_count grows by one, last_seen_at moves on.
        case count
    }

    private let client: PostgresClient
    private let batchBytes: Int
    private let batchRows: Int

    /// - Parameters:
    ///   - client: Of a database with learning_events.
    ///   - batchBytes: A batch is sent when it has come to so many bytes …
    ///   - batchRows: … or rows.
    public init(client: PostgresClient, batchBytes: Int = 8 * 1024 * 1024, batchRows: Int = 10_000) {
        self.client = client
        self.batchBytes = batchBytes
        self.batchRows = batchRows
    }

    /// Imports a file.
    ///
    /// - Parameters:
    ///   - path: `-` for stdin.
    ///   - format: nil: by the file's ending, else by its first byte.
    ///   - progress: Called after every batch.
    /// - Throws: `ImportError`; `PostgresError` where the database fails, or `.cancelled`; `CancellationError`.
    @discardableResult
    public func run(
        file path: String, format: EventFormat? = nil, onExisting: OnExisting = .skip, strict: Bool = false,
        progress: @escaping @Sendable (ImportProgress) async -> Void = { _ in }
    ) async throws -> ImportReport {
        let chunks = try FileChunks(path: path)
        return try await run(
            chunks, bytesInAll: chunks.byteCount, format: format ?? EventFormat(fileName: path), onExisting: onExisting, strict: strict,
            progress: progress)
    }

    /// Imports what `source` gives, cut into pieces anywhere.
    ///
    /// - Parameters:
    ///   - bytesInAll: What `progress` tells; nil where it is not known.
    ///   - format: nil: by the first byte.
    ///   - progress: Called after every batch.
    /// - Throws: as for a file, and what `source` throws.
    @discardableResult
    public func run<Source: AsyncSequence & Sendable>(
        _ source: Source, bytesInAll: Int? = nil, format: EventFormat? = nil, onExisting: OnExisting = .skip, strict: Bool = false,
        progress: @escaping @Sendable (ImportProgress) async -> Void = { _ in }
    ) async throws -> ImportReport where Source.Element == [UInt8] {
        let columns = try await client.withConnection { try await EventColumns($0) }
        let store = ImportStore(client: client, columns: columns, onExisting: onExisting)
        let reading = Reading(
            columns: columns, format: format, bytesInAll: bytesInAll, batchBytes: batchBytes, batchRows: batchRows, isStrict: strict,
            progress: progress)
        guard strict else {
            return try await reading.run(source) { batch, report in try await store.save(batch, into: &report) }
        }
        do {
            return try await client.transaction { connection in
                try await connection.query(columns.staging)
                return try await reading.run(source) { batch, report in
                    do {
                        let outcome = try await store.store(batch, rows: 0..<batch.count, on: connection, afresh: false)
                        report.add(outcome)
                    } catch let error as PostgresError where error.blamesRow {
                        throw RefusedBatch(batch: batch, error: error)
                    }
                }
            }
        } catch let refused as RefusedBatch {
            // The transaction is over: which row it was is found out by trying pieces of the batch, and undoing them.
            if let fault = try await store.firstRefused(refused.batch) {
                throw ImportError(.malformedLine, line: fault.line, fault.reason)
            }
            throw refused.error
        }
    }

    private struct RefusedBatch: Error {
        var batch: ImportBatch
        var error: PostgresError
    }
}
