import Foundation
import Glibc

/// A program that a benchmark started. It is ended at the latest when this process ends.
final class ChildProcess: Sendable {
    let id: Int32
    var file: ProcessFile { ProcessFile(id: id) }

    /// Starts a program, whose output goes to a file. Nothing of our own signals and environment is inherited but PATH, HOME, TMPDIR
    /// and LD_LIBRARY_PATH.
    init(_ program: String, _ arguments: [String], log: String, variables: [String: String] = [:]) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        let own = ProcessInfo.processInfo.environment
        let inherited = ["PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH"].compactMap { name in own[name].map { (name, $0) } }
        let environment = inherited.map { "\($0)=\($1)" } + variables.map { "\($0)=\($1)" }
        var id: Int32 = 0
        let failure = Self.withStrings([program] + arguments) { arguments in
            Self.withStrings(environment) { posix_spawn(&id, program, &actions, &attributes, arguments, $0) }
        }
        guard failure == 0 else { throw Failure("\(program) cannot be started: \(String(cString: strerror(failure)))") }
        self.id = id
        Cleanup.shared.started(id)
    }

    /// Sends a signal.
    func signal(_ number: Int32) {
        kill(id, number)
    }

    /// Ends it: with a signal, and by force where it has not ended within the time.
    func end(_ number: Int32 = SIGTERM, within seconds: Double = 30) async throws {
        signal(number)
        if try await becomes(within: seconds, { hasEnded() }) { return }
        signal(SIGKILL)
        _ = try await becomes(within: 10) { hasEnded() }
    }

    /// Whether it has ended by now.
    func hasEnded() -> Bool {
        var status: Int32 = 0
        let result = waitpid(id, &status, WNOHANG)
        guard result == id || (result < 0 && errno == ECHILD) else { return false }
        Cleanup.shared.ended(id)
        return true
    }

    /// Runs a program to its end.
    ///
    /// - Returns: What it printed.
    static func run(_ program: String, _ arguments: [String], log: String, within seconds: Double = 60) async throws -> String {
        let child = try ChildProcess(program, arguments, log: log)
        guard try await becomes(within: seconds, { child.hasEnded() }) else {
            try await child.end(SIGKILL)
            throw Failure("\(program) did not end within \(seconds) s")
        }
        return (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
    }

    /// The path of a program on PATH or where daemons are; nil where it is not installed.
    static func find(_ name: String) -> String? {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        return (path + ":/usr/sbin:/usr/bin").split(separator: ":").map { "\($0)/\(name)" }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    private static func withStrings<R>(_ texts: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> R) -> R {
        let copies = texts.map { strdup($0) }
        defer { for copy in copies { free(copy) } }
        return body(copies + [nil])
    }
}
