import Foundation
import TestSupport

@testable import Postgres

/// A PgBouncer in transaction mode before the server of the tests, with two connections to it.
final class PgBouncer: @unchecked Sendable {  // The process is started in init and ended in `stop`.
    /// The program, where it is installed and the tests with peers are wanted (`deploy/test --all`).
    static let program: String? = {
        let environment = ProcessInfo.processInfo.environment
        guard environment["TORQ_TEST_PEERS"] != nil else { return nil }
        let directories = ((environment["PATH"] ?? "") + ":/usr/sbin").split(separator: ":").map { String($0) }
        return directories.map { $0 + "/pgbouncer" }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }()

    let url: String
    private let directory: URL
    private let process = Process()

    init(_ database: TestDatabase) throws {
        directory = FileManager.default.temporaryDirectory.appendingPathComponent(database.name)
        // It does not run as root; its socket and configuration must be its user's then.
        let owner = getuid() == 0 ? "postgres" : NSUserName()
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: false, attributes: [.ownerAccountName: owner])
        let server = try ConninfoParser.parse(database.url)
        let target = ["host", "hostaddr", "port", "user", "password"].compactMap { key in server[key].map { "\(key)=\($0)" } }
        let configuration = directory.appendingPathComponent("pgbouncer.ini")
        try """
        [databases]
        \(database.name) = dbname=\(database.name) \(target.joined(separator: " "))
        [pgbouncer]
        listen_addr =
        listen_port = 6432
        unix_socket_dir = \(directory.path)
        auth_type = any
        pool_mode = transaction
        default_pool_size = 2
        """.write(to: configuration, atomically: true, encoding: .utf8)
        process.executableURL = URL(fileURLWithPath: Self.program ?? "pgbouncer")
        process.arguments = (getuid() == 0 ? ["-u", owner] : []) + ["-q", configuration.path]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        url = "host=\(directory.path) port=6432 user=torq dbname=\(database.name)"
    }

    func stop() {
        // It inherits blocked signals from the threads of Foundation, and holds nothing that is worth an orderly end.
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        try? FileManager.default.removeItem(at: directory)
    }
}
