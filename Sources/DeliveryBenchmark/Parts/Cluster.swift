import Foundation
import Glibc
import Postgres
import TestServer

/// A PostgreSQL server of a benchmark's own, which it may stop as it likes. fsync is on.
final class Cluster: Sendable {
    let folder: String
    /// A superuser's.
    let url: String
    private let programs: String

    /// Makes its files.
    init(_ folder: String) async throws {
        self.folder = folder
        programs = try Self.programs()
        url = "postgresql://postgres@/postgres?host=\(folder)/socket"
        for name in ["data", "socket"] {
            try FileManager.default.createDirectory(atPath: "\(folder)/\(name)", withIntermediateDirectories: true)
        }
        if getuid() == 0 {
            guard let account = getpwnam("postgres") else {
                throw Failure("PostgreSQL does not run as root, and there is no user postgres")
            }
            for name in ["", "/data", "/socket"] { chown(folder + name, account.pointee.pw_uid, account.pointee.pw_gid) }
        }
        let (program, arguments) = asServer(
            "initdb", ["-D", "\(folder)/data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale", "C.UTF-8"])
        let said = try await ChildProcess.run(program, arguments, log: "\(folder)/initdb.log")
        guard FileManager.default.fileExists(atPath: "\(folder)/data/PG_VERSION") || said.contains("Success") else {
            throw Failure("initdb failed:\n\(said)")
        }
    }

    /// Starts the server; it may not answer yet.
    func start() throws -> ChildProcess {
        let (program, arguments) = asServer(
            "postgres",
            [
                "-D", "\(folder)/data", "-c", "listen_addresses=", "-c", "unix_socket_directories=\(folder)/socket", "-c",
                "shared_buffers=512MB", "-c", "max_wal_size=4GB",
            ])
        return try ChildProcess(program, arguments, log: "\(folder)/postgres.log")
    }

    /// Waits until it answers.
    ///
    /// - Returns: The moment from which on it did.
    func answers() async throws -> Double {
        let client = PostgresClient(
            try PostgresConfiguration(url, connectTimeout: .seconds(1)), poolSize: 1, acquireTimeout: .milliseconds(200))
        let answers = try await becomes(within: 60, every: 10) { (try? await client.query("SELECT 1")) != nil }
        let moment = Moment.now
        await client.close()
        guard answers else { throw Failure("PostgreSQL does not answer") }
        return moment
    }

    private func asServer(_ name: String, _ arguments: [String]) -> (String, [String]) {
        guard getuid() == 0 else { return ("\(programs)/\(name)", arguments) }
        return ("/usr/bin/setpriv", ["--reuid", "postgres", "--regid", "postgres", "--clear-groups", "\(programs)/\(name)"] + arguments)
    }

    private static func programs() throws -> String {
        var folders: [String] = []
        if let named = ProcessInfo.processInfo.environment["PG_BIN_DIR"] { folders.append(named) }
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: "/usr/lib/postgresql")) ?? []
        folders += versions.compactMap { Int($0) }.sorted(by: >).map { "/usr/lib/postgresql/\($0)/bin" }
        if let initdb = ChildProcess.find("initdb") { folders.append(URL(filePath: initdb).deletingLastPathComponent().path) }
        guard let found = folders.first(where: { FileManager.default.isExecutableFile(atPath: "\($0)/initdb") }) else {
            throw Failure("no programs of PostgreSQL (initdb, postgres) found: install the package postgresql, or set PG_BIN_DIR")
        }
        return found
    }
}
