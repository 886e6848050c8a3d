import Foundation
import Glibc
import Logging
import Subprocess
import SystemPackage
import Testing

@testable import MonitorService

/// Whether PostgreSQL's programs are here.
private func hasPostgres() async -> Bool {
    (try? await PostgresFinder(environment: ProcessInfo.processInfo.environment).find(clusterVersion: nil)) != nil
}

@Suite(.serialized, .enabled("PostgreSQL 15 or newer is not installed", hasPostgres), .timeLimit(.minutes(3)))
struct EmbeddedPostgresTests {
    @Test func dataSurvivesARestart() async throws {
        try await withDataDirectory { directory, make in
            let postgres = make()
            #expect(try await postgres.start() == .initialized)
            #expect(try await postgres.start() == .adopted)
            #expect(try await psql(postgres, "CREATE TABLE kept AS SELECT 7 AS value") == "SELECT 1")
            let shown = try await psql(
                postgres,
                """
                SELECT string_agg(current_setting(name), '|' ORDER BY n) FROM unnest(ARRAY['listen_addresses', 'fsync', 'jit', 'TimeZone',
                'max_connections', 'unix_socket_directories', 'server_encoding', 'data_checksums', 'log_rotation_size']) WITH ORDINALITY x(name, n)
                """)
            #expect(shown == "|on|off|UTC|50|\(directory)/run|UTF8|on|10MB")
            let first = await postgres.processID
            try await postgres.stop()
            #expect(await postgres.conninfo == nil)
            #expect(ProcessProbe.isWorkedIn("\(directory)/postgres") == false)
            #expect(!FileManager.default.fileExists(atPath: "\(directory)/run"))
            try await postgres.stop()

            let again = make()
            #expect(try await again.start() == .started)
            #expect(await again.processID != first)
            #expect(try await psql(again, "SELECT value FROM kept") == "7")
        }
    }

    @Test func aServerThatOutlivedItsServiceIsTakenOver() async throws {
        try await withDataDirectory { directory, make in
            var killed: EmbeddedPostgres? = make()
            try await killed?.start()
            let process = await killed?.processID
            let conninfo = await killed?.conninfo

            // While it lives, nobody else gets in.
            await #expect(
                throws: EmbeddedPostgresError(
                    .inUse,
                    "the data directory \(directory) is in use by another torq-monitor (process \(getpid())): stop it, or give this one "
                        + "another --data-dir or a database of its own")
            ) { try await make().start() }

            // What kill -9 does to the lock: the kernel lets go of it. The server hears nothing.
            killed = nil
            let next = make()
            #expect(try await next.start() == .adopted)
            #expect(await next.processID == process)
            #expect(await next.conninfo == conninfo)
            #expect(try await psql(next, "SELECT 1") == "1")
        }
    }

    @Test func aKilledServerIsNoticedAndRecovered() async throws {
        try await withDataDirectory { _, make in
            let postgres = make()
            try await postgres.start()
            _ = try await psql(postgres, "CREATE TABLE committed AS SELECT 1 AS value")
            let first = try #require(await postgres.processID)
            kill(first, SIGKILL)
            await postgres.waitUntilExit()
            #expect(await postgres.processID == nil)
            #expect(await postgres.conninfo == nil)
            #expect(try await postgres.start() == .started)
            #expect(try await psql(postgres, "SELECT value FROM committed") == "1")

            // Under supervision it comes back by itself.
            let supervision = Task { await postgres.supervise() }
            let second = try #require(await postgres.processID)
            kill(second, SIGKILL)
            try await until { await postgres.processID.map { $0 != second } ?? false }
            #expect(try await psql(postgres, "SELECT value FROM committed") == "1")
            supervision.cancel()
            await supervision.value
        }
    }

    @Test func whatIsLeftOfFormerTimesDoesNoHarm() async throws {
        try await withDataDirectory { directory, make in
            // An initdb that was interrupted.
            let leftover = "\(directory)/postgres.new-abcdef"
            try FileManager.default.createDirectory(atPath: leftover, withIntermediateDirectories: true)
            try Data("15\n".utf8).write(to: URL(fileURLWithPath: "\(leftover)/PG_VERSION"))
            let postgres = make()
            #expect(try await postgres.start() == .initialized)
            #expect(!FileManager.default.fileExists(atPath: leftover))
            try await postgres.stop()

            // A lock file whose process number is now another program's, of the same account.
            let account = ServerAccount.current()
            // By setpriv, as PostgresProgram has it.
            let command =
                account.isOther
                ? ["setpriv", "--reuid=\(account.userID)", "--regid=\(account.groupID)", "--clear-groups", "sleep", "60"] : ["sleep", "60"]
            _ = try await run(
                .name(command[0]), arguments: Arguments(Array(command.dropFirst())), workingDirectory: "/", input: .none,
                output: .discarded,
                error: .discarded
            ) { execution in
                let number = execution.processIdentifier.value
                try lockFile(of: number, directory)
                let again = make()
                #expect(try await again.start() == .started)
                #expect(await again.processID != number)
                try await again.stop()
                #expect(ProcessProbe.isAlive(number))
                try execution.send(signal: .kill)
            }
        }
    }

    @Test func aLongPathHasItsSocketElsewhere() async throws {
        try await withDataDirectory { directory, make in
            let long = "\(directory)/" + String(repeating: "long-", count: 20)
            var killed: EmbeddedPostgres? = make(long)
            try await killed?.start()
            let conninfo = try #require(await killed?.conninfo)
            #expect(!conninfo.contains("long-"))
            killed = nil
            let next = make(long)
            #expect(try await next.start() == .adopted)
            #expect(await next.conninfo == conninfo)
            let socketDirectory = try #require(EmbeddedPostgresFiles(directory: long, account: .current()).postmaster?.socketDirectory)
            var info = stat()
            #expect(stat(socketDirectory, &info) == 0)
            #expect(info.st_mode & 0o777 == 0o700)
            #expect(info.st_uid == ServerAccount.current().userID)
            #expect(try await psql(next, "SELECT 1") == "1")
            try await next.stop()
            #expect(!FileManager.default.fileExists(atPath: socketDirectory))
        }
    }

    @Test func aServerThatCannotStartSaysWhy() async throws {
        try await withDataDirectory { directory, make in
            let postgres = make()
            try await postgres.start()
            try await postgres.stop()
            try Data("no_such_setting = 1\n".utf8).write(to: URL(fileURLWithPath: "\(directory)/postgres/custom.conf"))
            let error = await #expect(throws: EmbeddedPostgresError.self) { try await postgres.start() }
            #expect(error?.code == .startFailed)
            #expect(error?.message.contains("unrecognized configuration parameter \"no_such_setting\"") == true, "\(error?.message ?? "")")
            try FileManager.default.removeItem(atPath: "\(directory)/postgres/custom.conf")
            #expect(try await postgres.start() == .started)
        }
    }

    @Test func aServerThatDoesNotEndIsMadeTo() async throws {
        try await withDataDirectory { directory, make in
            var timeouts = EmbeddedPostgres.Timeouts()
            timeouts.stop = .milliseconds(100)
            let postgres = EmbeddedPostgres(dataDirectory: directory, timeouts: timeouts, logger: quiet)
            try await postgres.start()
            let process = try #require(await postgres.processID)
            // A stopped process hears SIGINT only when it goes on; SIGQUIT then finds it running.
            kill(process, SIGSTOP)
            let stopping = Task { try await postgres.stop() }
            try await until { await postgres.processID == nil }
            try await Task.sleep(for: .milliseconds(150))
            kill(process, SIGCONT)
            try await stopping.value
            #expect(!ProcessProbe.isAlive(process))
        }
    }

    @Test func whatIsNoClusterIsLeftAlone() async throws {
        try await withDataDirectory { directory, make in
            let note = "\(directory)/postgres/note"
            try FileManager.default.createDirectory(atPath: "\(directory)/postgres", withIntermediateDirectories: true)
            try Data("mine".utf8).write(to: URL(fileURLWithPath: note))
            await #expect(
                throws: EmbeddedPostgresError(
                    .initializationFailed,
                    "\(directory)/postgres is there, but is no PostgreSQL cluster (it has no PG_VERSION): move it away")
            ) { try await make().start() }
            #expect(FileManager.default.fileExists(atPath: note))
        }
    }

    @Test(.enabled("not run as root: the server is nobody else", { geteuid() == 0 }))
    func aDirectoryThatTheServersAccountCannotEnterIsRefused() async throws {
        let closed = try TemporaryDirectory(mode: 0o700)
        let name = ServerAccount.current().name
        await #expect(
            throws: EmbeddedPostgresError(
                .dataDirectory,
                "PostgreSQL does not run as root; the account \(name), which it runs as, cannot enter \(closed.path). Give another --data-dir, "
                    + "such as /var/lib/torq-monitor, or let it pass: chmod o+x \(closed.path)")
        ) { try await EmbeddedPostgres(dataDirectory: "\(closed.path)/data", logger: quiet).start() }
    }
}

private let quiet = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

/// Makes what each process of the service would make.
private struct Maker: Sendable {
    let directory: String

    func callAsFunction(_ other: String? = nil) -> EmbeddedPostgres {
        EmbeddedPostgres(dataDirectory: other ?? directory, logger: quiet)
    }
}

/// Runs a test in a data directory of its own, and ends what still works there.
private func withDataDirectory(
    _ body: (_ directory: String, _ make: Maker) async throws -> Void
) async throws {
    let temporary = try TemporaryDirectory(mode: 0o755)
    let directory = "\(temporary.path)/data"
    let result: Result<Void, any Error>
    do {
        result = .success(try await body(directory, Maker(directory: directory)))
    } catch {
        result = .failure(error)
    }
    for path in [directory, "\(directory)/" + String(repeating: "long-", count: 20)] {
        let files = EmbeddedPostgresFiles(directory: path, account: .current())
        guard let process = files.postmaster?.processID, ProcessProbe.process(process, worksIn: files.cluster) == true else { continue }
        kill(process, SIGQUIT)
        try await until { ProcessProbe.isWorkedIn(files.cluster) != true }
    }
    withExtendedLifetime(temporary) {}
    try result.get()
}

/// Writes postmaster.pid as a server that was ready has left it.
private func lockFile(of process: Int32, _ directory: String) throws {
    let text = "\(process)\n\(directory)/postgres\n1700000000\n5432\n\(directory)/run\n\n  5432001         0\nready   \n"
    try Data(text.utf8).write(to: URL(fileURLWithPath: "\(directory)/postgres/postmaster.pid"))
}

private func psql(_ postgres: EmbeddedPostgres, _ sql: String) async throws -> String {
    let conninfo = try #require(await postgres.conninfo)
    let installation = try await PostgresFinder(environment: ProcessInfo.processInfo.environment).find(clusterVersion: nil)
    let result = try await run(
        .path(FilePath("\(installation.binDirectory)/psql")), arguments: ["--no-psqlrc", "-At", "-c", sql, conninfo],
        output: .string(limit: 65536), error: .string(limit: 65536))
    try #require(result.terminationStatus.isSuccess, "\(result.standardError)")
    return result.standardOutput.trimmingCharacters(in: .newlines)
}

/// Waits for a condition, 30 s at most.
private func until(_ condition: () async -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(30)
    while await !condition() {
        try #require(ContinuousClock.now < deadline)
        try await Task.sleep(for: .milliseconds(20))
    }
}
