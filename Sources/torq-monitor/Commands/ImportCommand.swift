public import ArgumentParser
import Foundation
import MonitorService
public import Monitoring
import Synchronization

struct ImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Brings events from CSV or NDJSON files into learning_events.",
        discussion: """
            CSV has a header; columns event_id, occurred_at, event_type, source_agent, duplicate_count, event_data (JSON), and any other \
            of learning_events. NDJSON has the same keys. A malformed line is reported with its number and skipped. An import that broke \
            off can be run again with --on-existing skip; with count, what it brought in before would count as retries.
            """)

    @OptionGroup var shared: SharedOptions
    @OptionGroup var output: FormatOption

    @Argument(help: "Files; - for stdin.")
    var files: [String]

    @Option(name: .long, help: "csv or ndjson; default by the file's name, else by its first byte.")
    var type: EventFormat?

    @Option(name: .long, help: "What becomes of an event_id that exists: skip, or count (duplicate_count + 1).")
    var onExisting = EventImporter.OnExisting.skip

    @Flag(name: .long, help: "Stop at the first malformed line, with nothing of its file imported.")
    var strict = false

    func run() async throws {
        try await withDatabase(shared, makesEmbedded: true) { database in
            var reports: [Report] = []
            do {
                for file in files { reports.append(try await bring(file, into: database)) }
            } catch {
                // What was imported is, whatever became of the next file.
                if !reports.isEmpty { try tell(reports) }
                throw error
            }
            try tell(reports)
            for report in reports where report.report.malformedCount > 0 && report.report.malformedCount == report.report.read {
                throw CommandFailure(description: "\(report.file): no line of it could be read")
            }
        }
    }

    private func tell(_ reports: [Report]) throws {
        switch output.format {
        case .json: try printJSON(reports)
        case .table:
            var table = TextTable("FILE", "READ", "IMPORTED", "SKIPPED", "COUNTED", "MALFORMED")
            for report in reports {
                let figures = report.report
                table.add(
                    report.file, "\(figures.read)", "\(figures.imported)", "\(figures.skippedExisting)", "\(figures.counted)",
                    "\(figures.malformedCount)")
            }
            print(table.text)
        }
    }

    /// One file; what was committed of it before it broke off is told.
    private func bring(_ file: String, into database: Database) async throws -> Report {
        let line = ProgressLine()
        let committed = Mutex(ImportReport())
        do {
            let importer = EventImporter(client: database.client)
            let report = try await importer.run(file: file, format: type, onExisting: onExisting, strict: strict) { progress in
                committed.withLock { $0 = progress.report }
                await line.show(Self.describe(progress, file: file))
            }
            await line.end()
            for malformed in report.malformed { standardError("\(file): line \(malformed.line): \(malformed.reason)".forTerminal) }
            let more = report.malformedCount - report.malformed.count
            if more > 0 { standardError("\(file): and \(more) more malformed lines") }
            return Report(file: file, report: report)
        } catch {
            await line.end()
            if !strict { tell(committed.withLock { $0 }, of: file) }
            throw (error as? ImportError).map { CommandFailure(description: "\(file): \($0)".forTerminal) } ?? error
        }
    }

    /// What stays of a file that broke off.
    private func tell(_ report: ImportReport, of file: String) {
        guard report.imported + report.counted > 0 else { return }
        let again = onExisting == .count ? "run again with --on-existing count, it counts them once more" : "run again, it skips them"
        standardError(
            "\(file): it broke off, and stays as far as it came: \(report.imported) imported, \(report.counted) counted; \(again)")
    }

    private static func describe(_ progress: ImportProgress, file: String) -> String {
        let share =
            progress.bytesInAll.map { $0 > 0 ? String(format: " %3.0f %%", Double(progress.bytesRead) / Double($0) * 100) : "" } ?? ""
        return "\(file):\(share) \(progress.report.imported) imported"
    }

    private struct Report: Encodable {
        var file: String
        var report: ImportReport

        func encode(to encoder: any Encoder) throws {
            try report.encode(to: encoder)
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(file, forKey: .file)
        }

        enum CodingKeys: String, CodingKey {
            case file
        }
    }
}

/// Something that failed, in words for people.
struct CommandFailure: Error, CustomStringConvertible {
    var description: String
}

extension EventFormat: ArgumentParser.ExpressibleByArgument {}
extension EventImporter.OnExisting: ArgumentParser.ExpressibleByArgument {}
