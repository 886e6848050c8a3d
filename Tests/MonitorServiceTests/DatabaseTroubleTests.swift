import Foundation
import Logging
import Monitoring
import Postgres
import Subprocess
import TestSupport
import Testing
import WebTransport

@testable import MonitorService

/// What happens to the database of a service, and that the service gets over it by itself.
@Suite(
    .serialized, .enabled(if: TestDatabase.isAvailable, TestDatabase.hint),
    .enabled(if: Program.isBuilt, "torq-monitor was not built beside the tests"), .timeLimit(.minutes(4)))
struct DatabaseTroubleTests {
    /// Killed, gone for a while, and back: what comes meanwhile is told afterwards, and what was told is not told again.
    @Test func aServerThatIsKilledAndComesBack() async throws {
        let receiver = try HTTPFixture()
        defer { receiver.stop() }
        try await withServer { server, conninfo in
            let files = try ReloadTests.Files()
            defer { files.remove() }
            try files.write(
                "monitor.yaml",
                """
                detection: {evaluation_interval: 1s}
                receivers: [{name: hook, type: webhook, url: "\(receiver.url())", allow_private_network: true}]
                """)
            let log = try await Program.serveWithLog(["--database", conninfo, "--config", files.path("monitor.yaml")]) { address, _ in
                try await withClient(conninfo) { try await ReloadTests.openAlert($0) }
                try await eventually("the first is told", timeout: .seconds(30)) { receiver.requests.count == 1 }
                let process = try #require(await server.processID)
                kill(process, SIGKILL)
                await server.waitUntilExit()
                try await eventually("it is not ready", timeout: .seconds(30)) { await Self.reason(address) == "database_gone" }
                #expect(await Program.get("\(address)/health")?.status == 200)
                try await server.start()
                try await eventually("it is ready", timeout: .seconds(40)) { await Program.get("\(address)/ready")?.status == 200 }
                try await withClient(conninfo) { try await ReloadTests.openAlert($0) }
                try await eventually("the second is told", timeout: .seconds(40)) { receiver.requests.count == 2 }
                try await withClient(conninfo) { try await evaluationsGoOn($0) }
            }
            #expect(log.code == 0, "\(log.text.suffix(2000))")
            #expect(receiver.requests.count == 2)
        }
    }

    /// As after a failover to a standby: reads are answered, nothing can be written, and it is said.
    @Test func aServerThatTakesNoChanges() async throws {
        try await withServer { _, conninfo in
            let log = try await Program.serveWithLog(
                ["--database", conninfo], environment: ["TORQ_MONITOR_DETECTION_EVALUATION_INTERVAL": "1s"]
            ) { address, _ in
                try await withClient(conninfo) { client in
                    try await client.query("ALTER SYSTEM SET default_transaction_read_only = on")
                    try await client.query("SELECT pg_reload_conf()")
                    try await eventually("it says so", timeout: .seconds(30)) { await Self.reason(address) == "read_only" }
                    #expect(await Program.get("\(address)/api/monitor/alerts")?.status == 200)
                    try await client.withConnection { connection in
                        try await connection.query("SET default_transaction_read_only = off")
                        try await connection.query("ALTER SYSTEM RESET default_transaction_read_only")
                        try await connection.query("SELECT pg_reload_conf()")
                    }
                    try await eventually("it is ready", timeout: .seconds(30)) { await Program.get("\(address)/ready")?.status == 200 }
                    try await evaluationsGoOn(client)
                }
            }
            #expect(log.code == 0)
        }
    }

    // MARK: -

    private func evaluationsGoOn(_ client: PostgresClient) async throws {
        try await client.withConnection { connection in
            // The connection may still hold what was made read-only for it.
            try await connection.query("SET default_transaction_read_only = off")
            try await connection.query("UPDATE monitoring_evaluation_state SET last_run_at = NULL")
        }
        try await eventually("evaluations go on", timeout: .seconds(40)) {
            try await client.query("SELECT last_run_at IS NOT NULL AS is_run FROM monitoring_evaluation_state")[0].decode("is_run")
        }
    }

    private static func reason(_ address: String) async -> String? {
        guard let answer = await Program.get("\(address)/ready"), answer.status == 503 else { return nil }
        return try? JSONValue(parsing: answer.text)["reason"]?.string
    }

    /// A server of the test's own, which it may hurt.
    private func withServer(_ body: @Sendable (EmbeddedPostgres, _ conninfo: String) async throws -> Void) async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "torq-\(UUID().uuidString.prefix(8))").path
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let server = EmbeddedPostgres(
            dataDirectory: directory, logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        do {
            try await server.start()
            try await body(server, try #require(await server.conninfo))
        } catch {
            try? await server.stop()
            throw error
        }
        try await server.stop()
    }

    private func withClient(_ conninfo: String, _ body: @Sendable (PostgresClient) async throws -> Void) async throws {
        let client = PostgresClient(try PostgresConfiguration(conninfo), poolSize: 2)
        do {
            try await body(client)
        } catch {
            await client.close()
            throw error
        }
        await client.close()
    }
}
