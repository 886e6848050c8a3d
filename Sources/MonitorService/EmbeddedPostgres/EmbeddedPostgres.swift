import Foundation
public import Logging

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// A PostgreSQL of our own, in the data directory, on a unix socket alone.
///
/// The server is no child of ours: `pg_ctl` starts it in a session of its own. It outlives a `kill -9` of the service, and the
/// next `start()` takes it over. One process at a time holds a data directory.
///
/// Use: `start()`, then `supervise()` in a task, then cancel that task and `stop()`.
public actor EmbeddedPostgres {
    /// Limits of the waits.
    public struct Timeouts: Sendable, Hashable {
        /// From the start of the server to ready; recovery after a crash is part of it.
        public var start: Duration = .seconds(120)
        /// From the request to end (SIGINT: running statements are cancelled) to the end.
        public var stop: Duration = .seconds(20)
        /// From the order to end (SIGQUIT: recovery at the next start) to the end.
        public var quit: Duration = .seconds(5)

        /// 120, 20 and 5 seconds.
        public init() {}
    }

    /// What a start found to do.
    public enum Start: String, Sendable, Hashable {
        /// There was no cluster: one was made.
        case initialized
        /// The cluster was there, its server was not running.
        case started
        /// The server of an earlier process was still running.
        case adopted
    }

    nonisolated let files: EmbeddedPostgresFiles
    private let environment: [String: String]
    private let timeouts: Timeouts
    private let logger: Logger
    private var lock: HeldLock?
    private var server: PostmasterFile?

    /// Names the data directory; nothing happens yet.
    ///
    /// - Parameters:
    ///   - dataDirectory: an absolute path; the cluster is its subdirectory `postgres`.
    ///   - environment: for PG_BIN_DIR and XDG_RUNTIME_DIR; nil takes that of this process.
    ///   - timeouts: limits of the waits.
    ///   - logger: told of starts, ends and restarts.
    public init(dataDirectory: String, environment: [String: String]? = nil, timeouts: Timeouts = Timeouts(), logger: Logger) {
        files = EmbeddedPostgresFiles(directory: dataDirectory, account: .current())
        self.environment = environment ?? ProcessInfo.processInfo.environment
        self.timeouts = timeouts
        self.logger = logger
    }

    /// The process of the server; nil while none is known to run.
    public var processID: Int32? { server?.processID }

    /// Where to connect: a libpq URI with the socket's directory. nil while no server is known to run.
    public var conninfo: String? {
        server.map(Self.conninfo(of:))
    }

    static func conninfo(of server: PostmasterFile) -> String {
        let unreserved = CharacterSet(charactersIn: "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~")
        let host = server.socketDirectory.addingPercentEncoding(withAllowedCharacters: unreserved) ?? ""
        let settings = EmbeddedPostgresSettings.self
        return "postgresql://\(settings.user)@/\(settings.database)?host=\(host)&port=\(settings.port)"
    }

    /// Makes the cluster where there is none, takes over a server that runs, else starts one; returns when it answers.
    ///
    /// Harmless when it runs already.
    ///
    /// - Throws: `EmbeddedPostgresError`; the lock is held on, so that a later start can try again.
    @discardableResult
    public func start() async throws -> Start {
        try files.prepareDirectory()
        if lock == nil { lock = HeldLock(try DirectoryLock(directory: files.directory)) }
        files.discardLeftovers()
        if try await adopt() { return .adopted }
        let isNew = files.clusterVersion == nil
        let installation = try await PostgresFinder(environment: environment).find(clusterVersion: files.clusterVersion)
        if isNew { try await initialize(installation) }
        try await launch(installation)
        files.pruneLogs()
        logger.info(
            "embedded PostgreSQL runs",
            metadata: [
                "process": "\(server?.processID ?? 0)", "version": "\(installation.version)", "directory": "\(files.cluster)",
                "socket": "\(server?.socketDirectory ?? "")",
            ])
        return isNew ? .initialized : .started
    }

    /// Returns when the server has ended, or at once when none is known to run; also when the task is cancelled.
    ///
    /// Looked at twice a second: it need not be our child.
    public func waitUntilExit() async {
        var looks = 0
        while let running = server, !Task.isCancelled {
            guard ProcessProbe.isAlive(running.processID) else {
                if server == running { server = nil }
                return
            }
            looks += 1
            if looks % 240 == 0 { files.pruneLogs() }
            try? await Task.sleep(for: .milliseconds(500))
        }
    }

    /// Starts the server again whenever it ends, waiting 0.2 s and then twice as long each time up to 30 s, until cancelled.
    ///
    /// A server that has run for a minute begins anew with 0.2 s.
    public func supervise() async {
        var delay = Duration.milliseconds(200)
        while !Task.isCancelled {
            let began = ContinuousClock.now
            await waitUntilExit()
            if Task.isCancelled { return }
            if ContinuousClock.now - began > .seconds(60) { delay = .milliseconds(200) }
            logger.error("embedded PostgreSQL has ended; it is started again", metadata: ["after": "\(delay)"])
            do {
                try await Task.sleep(for: delay)
                delay = min(delay * 2, .seconds(30))
                try await start()
            } catch is CancellationError {
                return
            } catch {
                logger.error("embedded PostgreSQL does not start", metadata: ["error": "\(error)"])
            }
        }
    }

    /// Ends the server (SIGINT, and SIGQUIT where that is not enough) and lets go of the data directory.
    ///
    /// Harmless when none runs. It is not cut short by cancellation: its waits are bounded by the timeouts.
    ///
    /// - Throws: `stopFailed` where the server still runs after both.
    public func stop() async throws {
        defer { lock = nil }
        guard lock != nil, let running = await findServer(), isOurs(running) else { return }
        server = nil
        for (signal, timeout) in [(SIGINT, timeouts.stop), (SIGQUIT, timeouts.quit)] {
            kill(running.processID, signal)
            if await hasEnded(running.processID, within: timeout) {
                // Its log's writer ends by itself once nobody writes any more, also where whoever stops it was cancelled.
                try? await Task.detached { [self] in try await waitForOrphans() }.value
                files.removeSocketDirectory(running.socketDirectory)
                logger.info("embedded PostgreSQL has ended", metadata: ["process": "\(running.processID)"])
                return
            }
            logger.warning("embedded PostgreSQL does not end", metadata: ["process": "\(running.processID)", "signal": "\(signal)"])
        }
        throw EmbeddedPostgresError(.stopFailed, "the server (process \(running.processID)) still runs")
    }

    /// A lock in a place that an actor can keep it.
    private final class HeldLock: Sendable {
        private let lock: DirectoryLock

        init(_ lock: consuming DirectoryLock) {
            self.lock = lock
        }
    }
}

extension EmbeddedPostgres {
    /// Makes a cluster beside its place and moves it there when it is whole, so that an interrupted initdb leaves none.
    private func initialize(_ installation: PostgresInstallation) async throws {
        logger.info("making a PostgreSQL cluster", metadata: ["directory": "\(files.cluster)", "version": "\(installation.version)"])
        guard !FileManager.default.fileExists(atPath: files.cluster) else {
            throw EmbeddedPostgresError(
                .initializationFailed, "\(files.cluster) is there, but is no PostgreSQL cluster (it has no PG_VERSION): move it away")
        }
        let made = try files.makeOwnDirectory(template: "\(files.directory)/postgres.new-XXXXXX")
        let program = PostgresProgram(installation: installation, account: files.account, dataDirectory: made)
        let result = try await program(
            "initdb",
            [
                "--pgdata=\(made)", "--auth=trust", "--username=\(EmbeddedPostgresSettings.user)", "--encoding=UTF8", "--no-locale",
                "--data-checksums", "--no-instructions",
            ])
        guard result.succeeded else {
            files.discardLeftovers()
            throw EmbeddedPostgresError(.initializationFailed, "initdb failed: \(result.output)")
        }
        try files.moveIntoPlace(made)
    }

    /// Takes over the server of an earlier process, if one runs here.
    ///
    /// - Returns: whether one answers.
    private func adopt() async throws -> Bool {
        let deadline = ContinuousClock.now + timeouts.start
        while let found = files.postmaster, isOurs(found) {
            if await answers(found) {
                let isKnown = server == found
                server = found
                if !isKnown {
                    logger.info("embedded PostgreSQL was running and is taken over", metadata: ["process": "\(found.processID)"])
                }
                return true
            }
            // It starts, ends, or is stuck.
            guard ContinuousClock.now < deadline else {
                throw EmbeddedPostgresError(
                    .startFailed, "a PostgreSQL server (process \(found.processID)) runs in \(files.cluster) but does not answer: end it")
            }
            try await Task.sleep(for: .milliseconds(10))
        }
        server = nil
        try await waitForOrphans()
        return false
    }

    /// Waits until the processes of a server that is gone have ended, as they do by themselves: while those of a killed one are left
    /// PostgreSQL refuses to start ("pre-existing shared memory block is still in use"). After ten seconds it may say so itself.
    private func waitForOrphans() async throws {
        let deadline = ContinuousClock.now + .seconds(10)
        while ProcessProbe.isWorkedIn(files.cluster, by: "postgres") == true, ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// Starts a server and waits until it answers.
    private func launch(_ installation: PostgresInstallation) async throws {
        let socketDirectory = try files.socketDirectory(environment: environment)
        // PostgreSQL judges its lock files by the process's number alone, and refuses to start while that is taken: by another
        // program of the same account, or by the old server, killed and not waited for yet. Where nobody works in the cluster
        // no server is left, and the directory is held by us: the files go.
        if ProcessProbe.isWorkedIn(files.cluster) == false { files.removeServerLocks(socketDirectory: socketDirectory) }
        try files.write(EmbeddedPostgresSettings.postgresqlConf(socketDirectory: socketDirectory), to: "postgresql.conf")
        try files.write(EmbeddedPostgresSettings.pgHBAConf, to: "pg_hba.conf")
        try files.write("", to: "start.log")
        let program = PostgresProgram(installation: installation, account: files.account, dataDirectory: files.cluster)
        let seconds = timeouts.start.components.seconds
        // pg_ctl tells of failure, but looks ten times a second only: of success we hear sooner ourselves. The paths are
        // relative, for pg_ctl puts them into a shell's command.
        server = try await withThrowingTaskGroup(of: PostmasterFile?.self) { group in
            group.addTask {
                let result = try await program("pg_ctl", ["start", "-w", "-s", "-t", "\(seconds)", "-l", "start.log"])
                if !result.succeeded { throw await self.startFailure(result.output) }
                return nil
            }
            group.addTask { try await self.waitUntilReady() }
            defer { group.cancelAll() }
            while let outcome = try await group.next() {
                if let outcome { return outcome }
            }
            throw EmbeddedPostgresError(.startFailed, "the server did not become ready")
        }
    }

    private func waitUntilReady() async throws -> PostmasterFile {
        let deadline = ContinuousClock.now + timeouts.start
        while ContinuousClock.now < deadline {
            if let found = files.postmaster, isOurs(found), await answers(found) { return found }
            try await Task.sleep(for: .milliseconds(5))
        }
        throw startFailure("it was not ready after \(timeouts.start)")
    }

    /// What went wrong, with what the server said of it.
    private func startFailure(_ said: String) -> EmbeddedPostgresError {
        let log = (try? String(contentsOfFile: files.startLog, encoding: .utf8)) ?? ""
        let newest = ((try? FileManager.default.contentsOfDirectory(atPath: files.logDirectory)) ?? []).max()
        let own = newest.flatMap { try? String(contentsOfFile: "\(files.logDirectory)/\($0)", encoding: .utf8) } ?? ""
        let text = PostgresProgram.ending("\(said)\n\(PostgresProgram.ending(log))\n\(PostgresProgram.ending(own))", lines: 20)
        return EmbeddedPostgresError(.startFailed, "the PostgreSQL server in \(files.cluster) does not start:\n\(text)")
    }

    /// The server that is known, or that a start which was cut short has left: it may not have written its file yet.
    private func findServer() async -> PostmasterFile? {
        if let server { return server }
        for _ in 0..<100 {
            if let found = files.postmaster, isOurs(found) { return found }
            guard ProcessProbe.isWorkedIn(files.cluster) == true else { return nil }
            await Task.detached { try? await Task.sleep(for: .milliseconds(20)) }.value
        }
        return nil
    }

    /// Whether the process named is a server of this cluster, and not another program that has its number now.
    func isOurs(_ found: PostmasterFile) -> Bool {
        ProcessProbe.isAlive(found.processID) && ProcessProbe.process(found.processID, worksIn: files.cluster) ?? true
    }

    func answers(_ found: PostmasterFile) async -> Bool {
        guard found.status == .ready else { return false }
        let path = "\(found.socketDirectory)/.s.PGSQL.\(EmbeddedPostgresSettings.port)"
        return await SocketProbe.answers(path: path, processID: found.processID, timeout: .seconds(2))
    }

    /// Waits until a process has ended, whatever becomes of the task.
    private func hasEnded(_ processID: Int32, within timeout: Duration) async -> Bool {
        let waiting = Task.detached {
            let deadline = ContinuousClock.now + timeout
            while ProcessProbe.isAlive(processID) {
                guard ContinuousClock.now < deadline else { return false }
                try? await Task.sleep(for: .milliseconds(10))
            }
            return true
        }
        return await waiting.value
    }
}
