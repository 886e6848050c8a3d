import Foundation
import Logging
import MonitorService
import Monitoring

/// Opens the database for one command, and closes it whatever happens.
///
/// A database of others' is left as it is: `migrate` and `serve` bring its schema up to date, when somebody asks them to. The
/// embedded one is the program's own, and brought up to date here.
///
/// - Parameters:
///   - needsSchema: Whether the command works with the schema, which is then refused where it is not up to date.
///   - countsEvents: Whether the command counts events, so that it says so where row level security hides some.
///   - makesEmbedded: Whether it makes an embedded database where none is named and none is there. What only reads never does: whoever
///     forgot to name theirs would take the silence of an empty one for good news.
func withDatabase(
    _ shared: SharedOptions, needsSchema: Bool = true, countsEvents: Bool = false, makesEmbedded: Bool = false,
    _ body: (Database) async throws -> Void
) async throws {
    let configuration = try shared.loadForDatabase()
    let database = try await Database.open(configuration, makesEmbedded: makesEmbedded, logger: shared.logger())
    if configuration.database.url == nil {
        standardError(
            "note: no database is named (DATABASE_URL, --database, database.url): this is the embedded one in \(Database.directory(configuration))"
        )
    }
    do {
        if needsSchema {
            let migrator = SchemaMigrator(client: database.client)
            if configuration.database.url == nil {
                for advice in try await migrator.migrate().advice { standardError("note: \(advice)") }
            } else if try await !migrator.plan().isCurrent {
                throw CommandFailure(description: "the database's schema is not up to date: run torq-monitor migrate first")
            } else if countsEvents, let advice = try await migrator.hiddenEvents() {
                standardError("note: \(advice)")
            }
        }
        try await body(database)
    } catch {
        await database.close()
        throw error
    }
    await database.close()
}
