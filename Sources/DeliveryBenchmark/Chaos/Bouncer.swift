import Foundation
import Glibc

/// A PgBouncer of a benchmark's own before a database, in transaction mode.
struct Bouncer: Sendable {
    let url: String
    private let child: ChildProcess

    init(_ server: String, _ name: String, folder: String) async throws {
        guard let program = ChildProcess.find("pgbouncer") else { throw Failure("pgbouncer is not installed") }
        // Of a URL with its socket's directory, as TORQ_TEST_DATABASE_URL has it; of another one host and port.
        guard let parts = URLComponents(string: server) else { throw Failure("TORQ_TEST_DATABASE_URL must be a URL for PgBouncer") }
        func option(_ key: String) -> String? { parts.queryItems?.first { $0.name == key }?.value }
        var target = "host=\(option("host") ?? parts.host ?? "127.0.0.1") user=\(parts.user ?? option("user") ?? "postgres")"
        if let port = parts.port ?? option("port").flatMap(Int.init) { target += " port=\(port)" }
        if let password = parts.password { target += " password=\(password)" }
        let own = "\(folder)/pgbouncer"
        try FileManager.default.createDirectory(atPath: own, withIntermediateDirectories: true)
        let isRoot = getuid() == 0
        if isRoot, let account = getpwnam("postgres") { chown(own, account.pointee.pw_uid, account.pointee.pw_gid) }
        let configuration = "\(own)/pgbouncer.ini"
        try """
        [databases]
        \(name) = dbname=\(name) \(target)
        [pgbouncer]
        listen_addr =
        listen_port = 6432
        unix_socket_dir = \(own)
        auth_type = any
        pool_mode = transaction
        default_pool_size = 12
        max_client_conn = 200
        """.write(toFile: configuration, atomically: true, encoding: .utf8)
        child = try ChildProcess(program, (isRoot ? ["-u", "postgres"] : []) + ["-q", configuration], log: "\(folder)/pgbouncer.log")
        url = "host=\(own) port=6432 user=torq dbname=\(name)"
        let socket = "\(own)/.s.PGSQL.6432"
        guard try await becomes(within: 10, { FileManager.default.fileExists(atPath: socket) }) else {
            throw Failure("PgBouncer does not start")
        }
    }

    func stop() async throws {
        try await child.end(SIGINT, within: 5)
    }
}
