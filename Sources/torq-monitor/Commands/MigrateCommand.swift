import ArgumentParser
import MonitorService
import Monitoring
import MonitoringSchema

struct MigrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate", abstract: "Brings the schema up to date; safe to run by several at once.")

    @OptionGroup var shared: SharedOptions

    @Flag(name: .long, help: "Print the statements that would be run, and run none.")
    var dryRun = false

    func run() async throws {
        try await withDatabase(shared, needsSchema: false, makesEmbedded: true) { database in
            let migrator = SchemaMigrator(client: database.client)
            if dryRun {
                let pending = try await migrator.plan().pending
                for file in pending { print("-- \(file.name)\n\(file.sql)") }
                return standardError(pending.isEmpty ? "The schema is up to date." : "\(pending.count) files would be applied.")
            }
            let report = try await migrator.migrate()
            for advice in report.advice { standardError("note: \(advice)") }
            print(report.applied.isEmpty ? "The schema is up to date." : "Applied \(report.applied.joined(separator: ", ")).")
        }
    }
}
