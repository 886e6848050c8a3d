import Foundation
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
        try await TroubledServer.run { troubled in
            let (server, conninfo) = (troubled.server, troubled.conninfo)
            let files = try ReloadTests.Files()
            defer { files.remove() }
            try files.write("monitor.yaml", TroubledServer.configuration(receiver))
            let log = try await Program.serveWithLog(["--database", conninfo, "--config", files.path("monitor.yaml")]) { address, _ in
                try await troubled.withClient() { try await ReloadTests.openAlert($0) }
                try await eventually("the first is told", timeout: .seconds(30)) { receiver.requests.count == 1 }
                let process = try #require(await server.processID)
                kill(process, SIGKILL)
                await server.waitUntilExit()
                try await eventually("it is not ready", timeout: .seconds(30)) { await TroubledServer.reason(address) == "database_gone" }
                #expect(await Program.get("\(address)/health")?.status == 200)
                try await server.start()
                try await TroubledServer.becomesReady(address)
                try await troubled.withClient() { try await ReloadTests.openAlert($0) }
                try await eventually("the second is told", timeout: .seconds(40)) { receiver.requests.count == 2 }
                try await troubled.withClient() { try await TroubledServer.evaluationsGoOn($0) }
            }
            #expect(log.code == 0, "\(log.text.suffix(2000))")
            #expect(receiver.requests.count == 2)
        }
    }

    /// As after a failover to a standby: reads are answered, nothing can be written, and it is said.
    @Test func aServerThatTakesNoChanges() async throws {
        try await TroubledServer.run { troubled in
            let conninfo = troubled.conninfo
            let log = try await Program.serveWithLog(
                ["--database", conninfo], environment: ["TORQ_MONITOR_DETECTION_EVALUATION_INTERVAL": "1s"]
            ) { address, _ in
                try await troubled.withClient() { client in
                    try await client.query("ALTER SYSTEM SET default_transaction_read_only = on")
                    try await client.query("SELECT pg_reload_conf()")
                    try await eventually("it says so", timeout: .seconds(30)) { await TroubledServer.reason(address) == "read_only" }
                    #expect(await Program.get("\(address)/api/monitor/alerts")?.status == 200)
                    try await client.withConnection { connection in
                        try await connection.query("SET default_transaction_read_only = off")
                        try await connection.query("ALTER SYSTEM RESET default_transaction_read_only")
                        try await connection.query("SELECT pg_reload_conf()")
                    }
                    try await eventually("it is ready", timeout: .seconds(30)) { await Program.get("\(address)/ready")?.status == 200 }
                    try await TroubledServer.evaluationsGoOn(client)
                }
            }
            #expect(log.code == 0)
        }
    }

    /// A disk that is full keeps nobody from reading: only what writes notices, and `/ready` says it at once.
    @Test func aDiskWithoutSpace() async throws {
        try await TroubledServer.run { troubled in
            let log = try await Program.serveWithLog(
                ["--database", troubled.conninfo], environment: ["TORQ_MONITOR_DETECTION_EVALUATION_INTERVAL": "1s"]
            ) { address, _ in
                try await troubled.withClient { client in
                    try await client.withConnection { connection in
                        try await connection.executeScript(
                            """
                            CREATE FUNCTION test_is_full() RETURNS trigger LANGUAGE plpgsql AS $$
                            BEGIN
                                RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full';
                            END
                            $$;
                            CREATE TRIGGER test_is_full BEFORE UPDATE ON monitoring_evaluation_state
                                FOR EACH ROW EXECUTE FUNCTION test_is_full();
                            """)
                    }
                    try await eventually("it says so", timeout: .seconds(30)) { await TroubledServer.reason(address) == "disk_full" }
                    #expect(await Program.get("\(address)/api/monitor/alerts")?.status == 200)
                    try await client.query("DROP TRIGGER test_is_full ON monitoring_evaluation_state")
                    try await TroubledServer.becomesReady(address)
                    try await TroubledServer.evaluationsGoOn(client)
                }
            }
            #expect(log.code == 0)
        }
    }
}
