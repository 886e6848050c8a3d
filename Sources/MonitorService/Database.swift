import Foundation
public import Logging
import Monitoring
import Notifications
public import Postgres

/// The database that the configuration names, or the embedded one.
public struct Database: Sendable {
    /// Its connections.
    public let client: PostgresClient
    /// What the database was found by, and what the caller does is configured by.
    public let configuration: ServiceConfiguration
    /// The embedded server, where this process started it or took it over.
    let embedded: EmbeddedPostgres?
    private let logger: Logger

    /// Opens it for one command: a database by URL, an embedded one that a service runs right now, or an embedded one that is
    /// started for as long as the command takes.
    ///
    /// - Parameter makesEmbedded: Whether an embedded one is made where there is none.
    /// - Throws: Where there is none, or where it cannot be started.
    public static func open(_ configuration: ServiceConfiguration, makesEmbedded: Bool, logger: Logger) async throws -> Database {
        if let url = configuration.database.url?.reveal() { return try at(url, configuration, embedded: nil, logger) }
        let directory = directory(configuration)
        let server = EmbeddedPostgres(dataDirectory: directory, logger: logger)
        if let conninfo = await server.conninfoOfRunningServer() { return try at(conninfo, configuration, embedded: nil, logger) }
        guard makesEmbedded || server.files.clusterVersion != nil else {
            throw EmbeddedPostgresError(
                .dataDirectory,
                "no database is named (DATABASE_URL, --database, database.url), and there is no embedded one in \(directory) (--data-dir)")
        }
        return try await start(server, configuration, logger)
    }

    /// Opens it for a service, which holds an embedded server until it ends.
    static func openForService(_ configuration: ServiceConfiguration, logger: Logger) async throws -> Database {
        if let url = configuration.database.url?.reveal() { return try at(url, configuration, embedded: nil, logger) }
        return try await start(EmbeddedPostgres(dataDirectory: directory(configuration), logger: logger), configuration, logger)
    }

    /// Ends the connections, and an embedded server that was started for them.
    public func close() async {
        await client.close()
        await Self.stop(embedded, logger)
    }

    private static func stop(_ server: EmbeddedPostgres?, _ logger: Logger) async {
        do {
            try await server?.stop()
        } catch {
            logger.warning("The embedded PostgreSQL still runs; the next start takes it over", metadata: ["error": "\(error)"])
        }
    }

    private static func start(_ server: EmbeddedPostgres, _ configuration: ServiceConfiguration, _ logger: Logger) async throws -> Database
    {
        do {
            try await server.start()
            try Task.checkCancellation()
            guard let conninfo = await server.conninfo else {
                throw EmbeddedPostgresError(.startFailed, "the PostgreSQL server ended as soon as it was started")
            }
            return try at(conninfo, configuration, embedded: server, logger)
        } catch {
            // A start that was cancelled or failed may have left a server that is on its way.
            await stop(server, logger)
            throw error
        }
    }

    private static func at(
        _ url: String, _ configuration: ServiceConfiguration, embedded: EmbeddedPostgres?, _ logger: Logger
    ) throws -> Database {
        let client = PostgresClient(try PostgresConfiguration(url), poolSize: configuration.database.poolSize)
        return Database(client: client, configuration: configuration, embedded: embedded, logger: logger)
    }

    /// Where the embedded one is, or would be.
    public static func directory(_ configuration: ServiceConfiguration) -> String {
        configuration.dataDirectory ?? DataDirectory.standard(environment: ProcessInfo.processInfo.environment)
    }
}
