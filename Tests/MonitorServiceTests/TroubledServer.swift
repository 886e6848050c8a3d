import Foundation
import Logging
import Monitoring
import Postgres
import TestSupport
import Testing
import WebTransport

@testable import MonitorService

/// A PostgreSQL of a test's own, which it may hurt.
struct TroubledServer: Sendable {
    let server: EmbeddedPostgres
    /// Of the superuser.
    let conninfo: String
    /// The path of its socket.
    let socket: String

    /// Runs `body` with a server.
    ///
    /// - Parameters:
    ///   - settings: Lines of postgresql.conf.
    ///   - access: Lines of pg_hba.conf; nil: everybody is let in.
    static func run(
        settings: [String] = [], access: [String]? = nil, _ body: @Sendable (TroubledServer) async throws -> Void
    ) async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "torq-\(UUID().uuidString.prefix(8))").path
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let server = EmbeddedPostgres(dataDirectory: directory, logger: silent)
        do {
            try await server.start()
            if !settings.isEmpty || access != nil {
                try await server.stop()
                let cluster = server.files.cluster
                var lines = settings
                if let access {
                    try (access.joined(separator: "\n") + "\n").write(
                        toFile: "\(cluster)/test_hba.conf", atomically: false, encoding: .utf8)
                    lines.append("hba_file = '\(cluster)/test_hba.conf'")
                }
                try (lines.joined(separator: "\n") + "\n").write(toFile: "\(cluster)/custom.conf", atomically: false, encoding: .utf8)
                try await server.start()
            }
            try await body(try await TroubledServer(server))
        } catch {
            try? await server.stop()
            throw error
        }
        try await server.stop()
    }

    private init(_ server: EmbeddedPostgres) async throws {
        self.server = server
        conninfo = try #require(await server.conninfo)
        socket = Self.socket(of: conninfo)
    }

    /// The path of the socket of a server that runs.
    static func socket(of conninfo: String) -> String {
        let host = conninfo.split(separator: "host=").last?.split(separator: "&").first.map(String.init) ?? ""
        return "\(host.removingPercentEncoding ?? host)/.s.PGSQL.\(EmbeddedPostgresSettings.port)"
    }

    /// Its conninfo for another user and database.
    func conninfo(user: String, password: String? = nil, database: String) -> String {
        let host = URL(filePath: socket).deletingLastPathComponent().path
        return "host=\(host) user=\(user) dbname=\(database)" + (password.map { " password=\($0)" } ?? "")
    }

    /// A client of the superuser's, or another.
    func withClient(_ conninfo: String? = nil, _ body: @Sendable (PostgresClient) async throws -> Void) async throws {
        let client = PostgresClient(try PostgresConfiguration(conninfo ?? self.conninfo), poolSize: 2)
        do {
            try await body(client)
        } catch {
            await client.close()
            throw error
        }
        await client.close()
    }

    static let silent = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    // MARK: - What a service says and does

    /// Why it is not ready; nil where it is, or does not answer.
    static func reason(_ address: String) async -> String? {
        guard let answer = await Program.get("\(address)/ready"), answer.status == 503 else { return nil }
        return try? JSONValue(parsing: answer.text)["reason"]?.string
    }

    static func becomesReady(_ address: String) async throws {
        try await eventually("it is ready", timeout: .seconds(60)) { await Program.get("\(address)/ready")?.status == 200 }
    }

    static func evaluationsGoOn(_ client: PostgresClient) async throws {
        try await client.withConnection { connection in
            // The connection may still hold what was made read-only for it.
            try await connection.query("SET default_transaction_read_only = off")
            try await connection.query("UPDATE monitoring_evaluation_state SET last_run_at = NULL")
        }
        try await eventually("evaluations go on", timeout: .seconds(40)) {
            try await client.query("SELECT last_run_at IS NOT NULL AS is_run FROM monitoring_evaluation_state")[0].decode("is_run")
        }
    }

    /// A configuration with a receiver, that evaluates every second.
    static func configuration(_ receiver: HTTPFixture, database: String? = nil) -> String {
        """
        detection: {evaluation_interval: 1s}
        receivers: [{name: hook, type: webhook, url: "\(receiver.url())", allow_private_network: true}]
        """ + (database.map { "\ndatabase: {url: \"\($0)\", pool_size: 2}\n" } ?? "\n")
    }
}
