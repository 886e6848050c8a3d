import Postgres

/// Writes batches into learning_events.
struct ImportStore: Sendable {
    /// What became of a batch's records.
    struct Outcome: Sendable {
        var imported = 0
        var skipped = 0
        var counted = 0
    }

    let client: PostgresClient
    let columns: EventColumns
    let onExisting: EventImporter.OnExisting

    /// More rows than these that only the database finds fault with mean that something is wrong with all of them.
    private static let maximumRefused = 1000
    private static let timeout = Duration.seconds(300)

    /// Stores a batch in a transaction of its own. Where the database refuses it, halves it until the rows at fault are found.
    func save(_ batch: ImportBatch, into report: inout ImportReport) async throws {
        var refused = 0
        var pieces = [0..<batch.count]
        while let piece = pieces.popLast() {
            try Task.checkCancellation()
            do {
                report.add(try await client.transaction { try await store(batch, rows: piece, on: $0, afresh: true) })
            } catch let error as PostgresError where error.blamesRow {
                guard piece.count == 1 else {
                    let middle = piece.lowerBound + piece.count / 2
                    pieces += [middle..<piece.upperBound, piece.lowerBound..<middle]
                    continue
                }
                report.note(.init(line: batch.lines[piece.lowerBound], reason: "the database refuses it: \(error.message)"))
                refused += 1
                if refused > Self.maximumRefused {
                    throw ImportError(.refused, line: batch.lines[piece.lowerBound], "the database refuses row after row: \(error.message)")
                }
            }
        }
    }

    /// The first row of a batch that the database refuses, found without changing anything; nil where it takes each.
    func firstRefused(_ batch: ImportBatch) async throws -> ImportReport.MalformedLine? {
        struct Undo: Error {}
        var pieces = [0..<batch.count]
        while let piece = pieces.popLast() {
            try Task.checkCancellation()
            do {
                try await client.transaction { connection in
                    _ = try await store(batch, rows: piece, on: connection, afresh: true)
                    throw Undo()
                }
            } catch is Undo {
                continue
            } catch let error as PostgresError where error.blamesRow {
                if piece.count == 1 {
                    return .init(line: batch.lines[piece.lowerBound], reason: "the database refuses it: \(error.message)")
                }
                let middle = piece.lowerBound + piece.count / 2
                pieces += [middle..<piece.upperBound, piece.lowerBound..<middle]
            }
        }
        return nil
    }

    /// Stores some rows of a batch.
    ///
    /// - Parameter afresh: Whether the transaction has no staging table yet; else the one it has is emptied.
    func store(_ batch: ImportBatch, rows: Range<Int>, on connection: PostgresConnection, afresh: Bool) async throws -> Outcome {
        try await connection.query(afresh ? columns.staging : "TRUNCATE pg_temp.torq_import")
        try await connection.copyIn(columns.copy, timeout: Self.timeout) { try await $0.write(batch.data(rows)) }
        let repeats = batch.repeats.filter { rows.contains($0.row) }
        let times = repeats.reduce(0) { $0 + $1.times }
        switch onExisting {
        case .skip:
            let imported = try await connection.query(columns.insertNew, timeout: Self.timeout).affectedRows
            return Outcome(imported: imported, skipped: rows.count - imported + times)
        case .count:
            let row = try await connection.query(columns.insertOrCount, timeout: Self.timeout)[0]
            if !repeats.isEmpty {
                let each = repeats.flatMap { event in event.occurredAt.map { (event.eventID, $0) } }
                try await connection.query(
                    Self.countRepeats, [.textArray(each.map(\.0)), .textArray(each.map(\.1))], timeout: Self.timeout)
            }
            return Outcome(imported: try row.decode("imported"), counted: try row.decode("counted", as: Int.self) + times)
        }
    }

    private static let countRepeats = """
        UPDATE learning_events e
        SET duplicate_count = e.duplicate_count + r.times, last_seen_at = greatest(e.last_seen_at, r.seen_at), updated_at = now()
        FROM (
            SELECT event_id, count(*)::integer AS times, max(occurred_at::timestamptz) AS seen_at
            FROM unnest($1::text[], $2::text[]) AS record (event_id, occurred_at)
            GROUP BY event_id
        ) r
        WHERE e.event_id = r.event_id
        """
}

extension ImportReport {
    mutating func add(_ outcome: ImportStore.Outcome) {
        imported += outcome.imported
        skippedExisting += outcome.skipped
        counted += outcome.counted
    }
}

extension PostgresError {
    /// Whether it is a row's fault: data exceptions, constraints, limits on values (PostgreSQL manual, appendix A).
    var blamesRow: Bool {
        code == .server && ["22", "23", "54"].contains(sqlState?.prefix(2) ?? "")
    }
}
