import Foundation
import Postgres
import Subprocess
import Synchronization
import TestSupport
import Testing
import WebTransport

@testable import MonitorService

/// The program under signals, from its first moment to its last.
@Suite(.enabled(if: Program.isBuilt, "torq-monitor was not built beside the tests"), .timeLimit(.minutes(3)))
struct SignalTests {
    /// The server is on its way when the signal comes: before its file, before it answers, or while the schema is made.
    @Test(
        arguments: [[], ["postgres"], ["postgres", "postmaster.pid"]],
        [["serve", "--port", "0"], ["demo", "--port", "0", "--chat-port", "0"], ["migrate"]])
    func aSignalDuringTheStartLeavesNoServer(file: [String], command: [String]) async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "torq-\(UUID().uuidString.prefix(8))").path
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let code = try await Program.run(command + ["--data-dir", directory]) { send in
            let path = ([directory] + file).joined(separator: "/")
            try await eventually(path, timeout: .seconds(60)) { FileManager.default.fileExists(atPath: path) }
            try send(.terminate)
        }
        // A command that ends by itself may have done so before the signal came.
        #expect(command[0] == "migrate" ? [0, 143].contains(code) : code == 0)
        #expect(ProcessProbe.isWorkedIn("\(directory)/postgres") != true)
    }

    @Test func aServiceThatWaitsForItsDatabaseEndsAtTheFirstSignal() async throws {
        let server = try FaultServer(.closes)
        let code = try await Program.run(["serve", "--port", "0", "--database", "postgresql://127.0.0.1:\(server.port)/x"]) { send in
            try await eventually("a connection", timeout: .seconds(30)) { server.connections > 0 }
            try send(.terminate)
        }
        #expect(code == 0)
    }

    /// A statement that waits for a lock keeps its request, and with it the service, until the second signal.
    @Test(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint))
    func aSecondSignalEndsItAtOnceAndAHangupDoesNothing() async throws {
        try await withTestDatabase { database in
            let port = try HTTPFixture.unusedPort()
            let address = "http://127.0.0.1:\(port)"
            let code = try await Program.run(["serve", "--port", "\(port)", "--role", "api", "--database", database.url]) { send in
                try await eventually("the service is ready", timeout: .seconds(60)) { await Program.get("\(address)/ready")?.status == 200 }
                try send(.terminalClosed)
                try await database.client.transaction { connection in
                    try await connection.query("LOCK TABLE monitoring_alerts")
                    let isOver = Mutex(false)
                    let request = Task {
                        defer { isOver.withLock { $0 = true } }
                        return await Program.get("\(address)/api/monitor/alerts")
                    }
                    try await eventually("a request that waits") { try await Self.waiting(database) > 0 }
                    try send(.interrupt)
                    try await eventually("no more connections") { await Program.get("\(address)/ready") == nil }
                    #expect(try await Self.waiting(database) > 0)
                    // What comes right after the first is taken for the same.
                    try await eventually("the end of the request") {
                        try send(.interrupt)
                        return isOver.withLock { $0 }
                    }
                    #expect(await request.value == nil)
                }
            }
            #expect(code == 130)
        }
    }

    /// timeout(1) sends one to its child, and one to its group.
    @Test func twoSignalsAtOnceAreOne() async throws {
        let server = try FaultServer(.closes)
        let code = try await Program.run(["serve", "--port", "0", "--database", "postgresql://127.0.0.1:\(server.port)/x"]) { send in
            try await eventually("a connection", timeout: .seconds(30)) { server.connections > 0 }
            // Of two kinds: two of one that wait to be taken are one anyhow.
            for signal in [Signal.terminate, .interrupt] { try send(signal) }
        }
        #expect(code == 0)
    }

    private static func waiting(_ database: TestDatabase) async throws -> Int {
        try await database.client.query("SELECT count(*) AS count FROM pg_locks WHERE NOT granted")[0].decode("count")
    }
}
