import Foundation
import Postgres
import Subprocess
import TestSupport

@testable import MonitorService

/// A PostgreSQL with pg_cron, which wants to be loaded with the server and serves one database alone: it needs a cluster of its own.
enum PeerCronCluster {
    /// Where the programs are of a PostgreSQL that has pg_cron; nil where none has it, or tests with peers are not wanted.
    static let programs: String? = {
        guard PeerProgram.areWanted else { return nil }
        let root = "/usr/lib/postgresql"
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
        let directories =
            [ProcessInfo.processInfo.environment["PG_BIN_DIR"]].compactMap { $0 } + versions.sorted().reversed().map { "\(root)/\($0)/bin" }
        return directories.first { directory in
            FileManager.default.fileExists(atPath: "\(directory)/../lib/pg_cron.so")
                && FileManager.default.isExecutableFile(atPath: "\(directory)/initdb")
        }
    }()

    /// Runs `body` with a superuser's client of the database that pg_cron serves.
    static func run(_ programs: String, _ body: @escaping @Sendable (PostgresClient) async throws -> Void) async throws {
        try await withPeerDirectory(isOpenToAll: true) { directory in
            let account = ServerAccount.current()
            if account.isOther {
                try FileManager.default.setAttributes(
                    [.ownerAccountID: NSNumber(value: account.userID)], ofItemAtPath: directory)
            }
            let data = "\(directory)/data"
            let initdb = command(
                account, "\(programs)/initdb", ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"])
            let made = try await initdb.program.run(initdb.arguments, timeout: .seconds(60))
            guard made.succeeded else { throw Failure(description: "initdb: \(made.errors)") }

            let settings = [
                "listen_addresses=", "unix_socket_directories=\(directory)", "fsync=off", "TimeZone=UTC",
                "shared_preload_libraries=pg_cron", "cron.database_name=postgres",
                // pg_cron connects as everybody does: to this directory's socket, since there is no other.
                "cron.host=\(directory)",
            ]
            let postgres = command(account, "\(programs)/postgres", ["-D", data] + settings.flatMap { ["-c", $0] })
            // SIGINT: connections are ended, a checkpoint is made.
            try await postgres.program.serve(postgres.arguments, end: .interrupt, log: "\(directory)/log") {
                let client = PostgresClient(try PostgresConfiguration("host=\(directory) user=postgres dbname=postgres"), poolSize: 2)
                do {
                    try await eventually("the server answers", timeout: .seconds(30)) { (try? await client.query("SELECT")) != nil }
                    try await body(client)
                    await client.close()
                } catch {
                    await client.close()
                    throw error
                }
            }
        }
    }

    private struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// For root, whom PostgreSQL refuses, through `setpriv`, which becomes the program.
    private static func command(_ account: ServerAccount, _ path: String, _ arguments: [String]) -> (
        program: PeerProgram, arguments: [String]
    ) {
        guard account.isOther else { return (PeerProgram(path: path), arguments) }
        return (
            PeerProgram(path: "/usr/bin/setpriv"),
            ["--reuid=\(account.userID)", "--regid=\(account.groupID)", "--clear-groups", path] + arguments
        )
    }
}
