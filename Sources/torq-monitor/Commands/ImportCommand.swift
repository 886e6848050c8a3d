public import ArgumentParser
import Foundation
import MonitorService
public import Monitoring

struct ImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Brings events from CSV or NDJSON files into learning_events.",
        discussion: """
            CSV has a header; columns event_id, occurred_at, event_type, source_agent, duplicate_count, event_data (JSON), and any other \
            of learning_events. NDJSON has the same keys. A malformed line is reported with its number and skipped. An import that broke \
            off can be run again.
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
            for file in files {
                let importer = EventImporter(client: database.client)
                let line = ProgressLine()
                let report: ImportReport
                do {
                    report = try await importer.run(file: file, format: type, onExisting: onExisting, strict: strict) { progress in
                        await line.show(Self.describe(progress, file: file))
                    }
                } catch let error as ImportError {
                    await line.end()
                    throw CommandFailure(description: "\(file): \(error)")
                }
                await line.end()
                reports.append(Report(file: file, report: report))
                for malformed in report.malformed { standardError("\(file): line \(malformed.line): \(malformed.reason)") }
                let more = report.malformedCount - report.malformed.count
                if more > 0 { standardError("\(file): and \(more) more malformed lines") }
            }
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
            for report in reports where report.report.malformedCount > 0 && report.report.malformedCount == report.report.read {
                throw CommandFailure(description: "\(report.file): no line of it could be read")
            }
        }
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
