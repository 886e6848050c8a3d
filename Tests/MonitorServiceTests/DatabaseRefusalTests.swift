import Foundation
import Postgres
import Subprocess
import Synchronization
import TestSupport
import Testing
import WebTransport

@testable import MonitorService

/// A database that refuses the service, is stuck, or is another one all of a sudden; the service gets over it by itself.
@Suite(
    .serialized, .enabled(if: TestDatabase.isAvailable, TestDatabase.hint),
    .enabled(if: Program.isBuilt, "torq-monitor was not built beside the tests"), .timeLimit(.minutes(5)))
struct DatabaseRefusalTests {
    /// The right one is put into the file that the configuration names, and nothing is started anew.
    @Test func aPasswordThatIsChanged() async throws {
        let receiver = try HTTPFixture()
        defer { receiver.stop() }
        try await Self.runWithUser(access: "scram-sha-256") { troubled in
            let files = try ReloadTests.Files()
            defer { files.remove() }
            @Sendable func url(_ password: String) -> String {
                troubled.conninfo(user: "monitor", password: password, database: "console")
            }
            try files.write("url", url("first-password"))
            try files.write("monitor.yaml", TroubledServer.configuration(receiver, database: "file:url"))
            let log = try await Program.serveWithLog(["--config", files.path("monitor.yaml")]) { address, _ in
                let console = troubled.conninfo(user: "postgres", database: "console")
                try await troubled.withClient(console) { client in
                    try await ReloadTests.openAlert(client)
                    try await eventually("the first is told", timeout: .seconds(30)) { receiver.requests.count == 1 }
                    try await client.query("ALTER ROLE monitor PASSWORD 'second-password'")
                    try await client.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'monitor'")
                    try await eventually("it says so", timeout: .seconds(30)) {
                        await TroubledServer.reason(address) == "password_refused"
                    }
                    try await ReloadTests.openAlert(client)
                    try files.write("url", url("second-password"))
                    try await TroubledServer.becomesReady(address)
                    try await eventually("the second is told", timeout: .seconds(40)) { receiver.requests.count == 2 }
                    try await TroubledServer.evaluationsGoOn(client)
                }
            }
            #expect(log.code == 0, "\(log.text.suffix(2000))")
            #expect(log.text.contains("database.url"))
            // Asked dozens of times, and logged when the answer became another one.
            let unready = log.text.split(separator: "\n").filter { $0.contains("The service is not ready") }
            #expect((1...4).contains(unready.count), "\(unready)")
            #expect(unready.contains { $0.contains("password_refused") } && log.text.contains("The service is ready again"))
            #expect(!log.text.contains("first-password") && !log.text.contains("second-password"))
        }
    }

    /// A start with a wrong one waits, and goes on when it is put right.
    @Test func aPasswordThatIsWrongAtTheStart() async throws {
        let receiver = try HTTPFixture()
        defer { receiver.stop() }
        try await Self.runWithUser(access: "scram-sha-256") { troubled in
            let files = try ReloadTests.Files()
            defer { files.remove() }
            let proxy = try SocketProxy(to: troubled.socket)
            @Sendable func url(_ password: String) -> String {
                "postgresql://monitor:\(password)@127.0.0.1:\(proxy.port)/console?sslmode=disable"
            }
            try files.write("url", url("wrong-password"))
            try files.write("monitor.yaml", TroubledServer.configuration(receiver, database: "file:url"))
            let log = try await Program.serveWithLog(
                ["--config", files.path("monitor.yaml")],
                whileStarting: { address in
                    try await eventually("it says why it is not ready", timeout: .seconds(40)) {
                        await TroubledServer.reason(address) == "password_refused"
                    }
                    #expect(proxy.connections > 0)
                    #expect(await Program.get("\(address)/health")?.status == 200)
                    for path in ["/", "/alerts/x", "/a/x", "/api/monitor/summary", "/api/v2/alerts", "/metrics"] {
                        let request = WebRequest(url: address + path, headers: [(name: "Accept", value: "text/html")], addresses: .any)
                        let answer = await Program.send(request)
                        #expect(answer?.status == 503, "\(path)")
                        #expect(answer?.text.contains("The monitor is starting") == true, "\(path)")
                    }
                    #expect(await Program.get("\(address)/style.css")?.status == 200)
                    let sent = await Program.send(
                        WebRequest(
                            method: "POST", url: "\(address)/alerts/x", headers: [(name: "Accept", value: "text/html")], addresses: .any))
                    #expect(sent?.text.contains("Nothing was done.") == true && sent?.text.contains("http-equiv") == false)
                    // With the password the rest is read.
                    try files.write(
                        "monitor.yaml",
                        TroubledServer.configuration(receiver, database: "file:url")
                            + "listener: {tokens: [{name: a, secret: token-of-this-test-0001, scope: read}]}\n")
                    try files.write("url", url("first-password"))
                }
            ) { address, _ in
                for path in ["/", "/api/monitor/summary", "/metrics"] {
                    for (token, status) in [("token-of-this-test-0002", 401), ("token-of-this-test-0001", 200)] {
                        let answer = await Program.send(
                            WebRequest(url: address + path, headers: [(name: "Authorization", value: "Bearer \(token)")], addresses: .any))
                        #expect(answer?.status == status, "\(path)")
                    }
                }
            }
            #expect(log.code == 0, "\(log.text.suffix(2000))")
            #expect(log.text.contains("There is no connection to the database; it is tried again"))
            #expect(log.text.contains("listener.tokens.a (new)"))
            #expect(!log.text.contains("Request failed") && !log.text.contains("token-of-this-test"))
        }
    }

    /// Who ends it while it waits need not wait.
    @Test func anEndBeforeTheDatabaseAnswers() async throws {
        let files = try ReloadTests.Files()
        defer { files.remove() }
        let port = try HTTPFixture.unusedPort()
        try files.write("monitor.yaml", "database: {url: 'postgresql://monitor@127.0.0.1:\(port)/none'}")
        let asked = Mutex(ContinuousClock.now)
        let log = try await Program.serveWithLog(
            ["--config", files.path("monitor.yaml")], isReady: { await TroubledServer.reason($0) == "database_gone" }
        ) { _, _ in asked.withLock { $0 = .now } }
        #expect(log.code == 0, "\(log.text)")
        #expect(log.text.contains("\"Stopped\""), "\(log.text)")
        // What is cancelled and does not end is ended after 20 s.
        #expect(asked.withLock { $0.duration(to: .now) } < .seconds(10))
    }

    /// One process brings the schema up to date, and this one has to wait for it.
    @Test func aSchemaThatAnotherProcessHolds() async throws {
        try await withTestDatabase { database in
            let (held, hold) = AsyncStream.makeStream(of: Void.self)
            let (done, finish) = AsyncStream.makeStream(of: Void.self)
            async let other: Void = database.client.transaction { connection in
                try await connection.query("SELECT pg_advisory_xact_lock(hashtext('torq-monitor schema'))")
                hold.finish()
                for await _ in done {}
            }
            for await _ in held {}
            let log = try await Program.serveWithLog(
                ["--database", database.url],
                whileStarting: { address in
                    defer { finish.finish() }
                    try await eventually("it starts", timeout: .seconds(40)) { await TroubledServer.reason(address) == "starting" }
                }
            ) { address, _ in #expect(await Program.get(address)?.status == 200) }
            try await other
            #expect(log.code == 0, "\(log.text)")
        }
    }

    /// It listens already when it finds out, and ends all the same.
    @Test func aSchemaThatIsNewer() async throws {
        try await withTestDatabase { database in
            #expect(try await Program.run(["migrate", "--database", database.url]).code == 0)
            try await database.client.query("INSERT INTO monitoring_migrations (name, checksum) VALUES ('v999_later', 'none')")
            let result = try await Program.run(["serve", "--port", "\(try HTTPFixture.unusedPort())", "--database", database.url])
            #expect(result.code == 1 && result.errors.contains("newer than this program (it has v999_later)"), "\(result)")
        }
    }

    /// Somebody else takes all there are, those of the service as well.
    @Test func aServerWithoutConnections() async throws {
        let receiver = try HTTPFixture()
        defer { receiver.stop() }
        // Three of twelve are the superuser's, and one more is this test's.
        try await Self.runWithUser(settings: ["max_connections = 12"]) { troubled in
            let files = try ReloadTests.Files()
            defer { files.remove() }
            let url = troubled.conninfo(user: "monitor", database: "console")
            try files.write("monitor.yaml", TroubledServer.configuration(receiver, database: url))
            let log = try await Program.serveWithLog(["--config", files.path("monitor.yaml")]) { address, _ in
                let console = troubled.conninfo(user: "postgres", database: "console")
                try await troubled.withClient(console) { client in
                    try await Self.withoutConnections(troubled, client) {
                        try await eventually("it says so", timeout: .seconds(40)) {
                            await TroubledServer.reason(address) == "too_many_connections"
                        }
                        try await ReloadTests.openAlert(client)
                    }
                    try await TroubledServer.becomesReady(address)
                    try await eventually("it is told", timeout: .seconds(40)) { receiver.requests.count == 1 }
                    try await TroubledServer.evaluationsGoOn(client)
                }
            }
            #expect(log.code == 0, "\(log.text.suffix(2000))")
        }
    }

    /// Connections stand, and nothing comes back: as with a network that swallows packets, or a disk that hangs.
    @Test func aServerThatIsStuck() async throws {
        let receiver = try HTTPFixture()
        defer { receiver.stop() }
        try await TroubledServer.run { troubled in
            let files = try ReloadTests.Files()
            defer { files.remove() }
            let proxy = try SocketProxy(to: troubled.socket)
            let url = "postgresql://postgres@127.0.0.1:\(proxy.port)/postgres?sslmode=disable"
            try files.write("monitor.yaml", TroubledServer.configuration(receiver, database: url))
            let log = try await Program.serveWithLog(["--config", files.path("monitor.yaml")]) { address, _ in
                proxy.behave(.hangs)
                try await eventually("it says so", timeout: .seconds(40)) { await TroubledServer.reason(address) == "database_slow" }
                #expect(await Program.get("\(address)/health")?.status == 200)
                try await troubled.withClient { client in
                    try await ReloadTests.openAlert(client)
                    proxy.behave(.forwards)
                    try await TroubledServer.becomesReady(address)
                    try await eventually("it is told", timeout: .seconds(60)) { receiver.requests.count == 1 }
                    try await TroubledServer.evaluationsGoOn(client)
                }
            }
            #expect(log.code == 0, "\(log.text.suffix(2000))")
            #expect(receiver.requests.count == 1)
        }
    }

    /// The address leads to a standby, which reads and does not write, until it is promoted.
    @Test func aFailoverToAStandby() async throws {
        let receiver = try HTTPFixture()
        defer { receiver.stop() }
        try await TroubledServer.run(access: ["local all all trust", "local replication all trust"]) { primary in
            let files = try ReloadTests.Files()
            defer { files.remove() }
            try await Self.withStandby(of: primary) { standby, standbyConninfo in
                let proxy = try SocketProxy(to: primary.socket)
                let url = "postgresql://postgres@127.0.0.1:\(proxy.port)/postgres?sslmode=disable"
                try files.write("monitor.yaml", TroubledServer.configuration(receiver, database: url))
                let log = try await Program.serveWithLog(["--config", files.path("monitor.yaml")]) { address, _ in
                    try await primary.withClient { client in
                        try await ReloadTests.openAlert(client)
                        try await eventually("the first is told", timeout: .seconds(30)) { receiver.requests.count == 1 }
                        try await eventually("it is known to be told", timeout: .seconds(30)) {
                            try await client.query("SELECT bool_and(status = 'delivered') AS told FROM monitoring_notifications")[0].decode(
                                "told")
                        }
                    }
                    // At its end a server hands on what is still to be handed on.
                    try await primary.server.stop()
                    proxy.lead(to: TroubledServer.socket(of: standbyConninfo))
                    try await eventually("it says so", timeout: .seconds(40)) { await TroubledServer.reason(address) == "read_only" }
                    #expect(await Program.get("\(address)/api/monitor/alerts")?.status == 200)
                    try await primary.withClient(standbyConninfo) { client in
                        try await client.query("SELECT pg_promote()", timeout: .seconds(60))
                        try await TroubledServer.becomesReady(address)
                        try await ReloadTests.openAlert(client)
                        try await eventually("the second is told", timeout: .seconds(40)) { receiver.requests.count == 2 }
                        try await TroubledServer.evaluationsGoOn(client)
                    }
                }
                #expect(log.code == 0, "\(log.text.suffix(2000))")
                #expect(receiver.requests.count == 2)
            }
        }
    }

    // MARK: -

    /// With a user `monitor` (first-password) who owns a database `console`.
    private static func runWithUser(
        settings: [String] = [], access: String = "trust", _ body: @Sendable (TroubledServer) async throws -> Void
    ) async throws {
        let lines = ["local all postgres trust", "local all all \(access)"]
        try await TroubledServer.run(settings: settings, access: lines) { troubled in
            try await troubled.withClient { client in
                try await client.query("CREATE ROLE monitor LOGIN PASSWORD 'first-password'")
                try await client.query("CREATE DATABASE console OWNER monitor TEMPLATE template0", timeout: .seconds(60))
            }
            try await body(troubled)
        }
    }

    /// Takes all connections, so that a service whose own are ended gets none, while `body` runs.
    private static func withoutConnections(
        _ troubled: TroubledServer, _ client: PostgresClient, _ body: () async throws -> Void
    ) async throws {
        let others = PostgresClient(
            try PostgresConfiguration(troubled.conninfo(user: "monitor", database: "console"), applicationName: "others"), poolSize: 8,
            acquireTimeout: .seconds(60))
        let isOver = Flag()
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        try await others.withConnection { connection in
                            while !isOver.isSet {
                                try await connection.query("SELECT 1")
                                try await Task.sleep(for: .milliseconds(50))
                            }
                        }
                    }
                }
                defer { isOver.set() }
                try await eventually("all are taken", timeout: .seconds(60)) {
                    try await client.query(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'monitor' AND application_name <> 'others'")
                    return try await client.query(
                        "SELECT count(*) = 8 AS taken FROM pg_stat_activity WHERE application_name = 'others'")[0].decode("taken")
                }
                try await body()
                isOver.set()
                try await group.waitForAll()
            }
        } catch {
            await others.close()
            throw error
        }
        await others.close()
    }

    /// A server that follows another, and can be read from.
    private static func withStandby(
        of primary: TroubledServer, _ body: @Sendable (EmbeddedPostgres, _ conninfo: String) async throws -> Void
    ) async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "torq-\(UUID().uuidString.prefix(8))").path
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let standby = EmbeddedPostgres(dataDirectory: directory, logger: TroubledServer.silent)
        try standby.files.prepareDirectory()
        let made = try standby.files.makeOwnDirectory(template: "\(directory)/postgres.copy-XXXXXX")
        let installation = try await PostgresFinder(environment: ProcessInfo.processInfo.environment)
            .find(clusterVersion: primary.server.files.clusterVersion)
        let program = PostgresProgram(installation: installation, account: .current(), dataDirectory: made)
        let host = URL(filePath: primary.socket).deletingLastPathComponent().path
        let copied = try await program(
            "pg_basebackup", ["-h", host, "-U", "postgres", "-D", made, "-R", "-X", "stream", "-c", "fast", "--no-sync"])
        #expect(copied.succeeded, "\(copied.output)")
        try standby.files.moveIntoPlace(made)
        do {
            try await standby.start()
            try await body(standby, try #require(await standby.conninfo))
        } catch {
            try? await standby.stop()
            throw error
        }
        try await standby.stop()
    }
}
