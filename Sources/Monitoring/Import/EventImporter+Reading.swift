extension EventImporter {
    /// Reads records and hands them on by batches.
    struct Reading: Sendable {
        var columns: EventColumns
        var format: EventFormat?
        var bytesInAll: Int?
        var batchBytes: Int
        var batchRows: Int
        var isStrict: Bool
        var progress: @Sendable (ImportProgress) async -> Void

        // Not inlined: with it Swift 6.3.1 crashes in a release build ("While splitting coroutine").
        @inline(never) func run<Source: AsyncSequence & Sendable>(
            _ source: Source, save: @Sendable (ImportBatch, inout ImportReport) async throws -> Void
        ) async throws -> ImportReport where Source.Element == [UInt8] {
            var report = ImportReport()
            var bytesRead = 0
            var pending: [UInt8] = []
            var work: Work?
            for try await chunk in source {
                try Task.checkCancellation()
                bytesRead += chunk.count
                var current: Work
                if let begun = work {
                    current = begun
                    work = nil
                    current.splitter.append(chunk)
                } else {
                    pending += chunk
                    guard let format = format ?? EventFormat(firstBytes: pending) else { continue }
                    current = Work(format: format, columns: columns)
                    current.splitter.append(pending)
                    pending = []
                }
                while let record = current.splitter.next() {
                    try take(record, &current, &report)
                    if current.batch.bytes.count >= batchBytes || current.batch.records >= batchRows {
                        try await flush(&current, &report, bytesRead, save)
                    }
                }
                work = current
            }
            if var current = work {
                while let record = current.splitter.finish() { try take(record, &current, &report) }
                try await flush(&current, &report, bytesRead, save)
                if current.reader.needsHeader { throw ImportError(.badHeader, "the file has no header") }
            }
            return report
        }

        private struct Work {
            var splitter: RecordSplitter
            var reader: EventRecordReader
            var batch = ImportBatch()

            init(format: EventFormat, columns: EventColumns) {
                splitter = RecordSplitter(format: format)
                reader = EventRecordReader(format: format, columns: columns)
            }
        }

        @inline(never) private func take(_ record: RecordSplitter.Record, _ work: inout Work, _ report: inout ImportReport) throws {
            let isBlank = record.bytes.allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
            if isBlank, !record.isTooLong { return }
            if work.reader.needsHeader { return try work.reader.readHeader(record) }
            report.read += 1
            do throws(LineFault) {
                work.batch.append(try work.reader.values(of: record), line: record.line, columns: columns)
            } catch {
                if isStrict { throw ImportError(.malformedLine, line: record.line, error.reason) }
                report.note(.init(line: record.line, reason: error.reason))
            }
        }

        @inline(never) private func flush(
            _ work: inout Work, _ report: inout ImportReport, _ bytesRead: Int,
            _ save: @Sendable (ImportBatch, inout ImportReport) async throws -> Void
        ) async throws {
            if work.batch.count > 0 { try await save(work.batch, &report) }
            work.batch = ImportBatch()
            await progress(ImportProgress(bytesRead: bytesRead, bytesInAll: bytesInAll, report: report))
        }
    }
}
