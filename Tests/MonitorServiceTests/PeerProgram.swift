import Foundation
import Subprocess
import TestSupport
import Testing

#if canImport(System)
import System
#else
import SystemPackage
#endif

/// A program that is not ours, found on this machine and run for a test.
///
/// Through Subprocess: a child of Foundation's `Process` inherits the signals that its parent's threads block, SIGTERM among them.
struct PeerProgram: Sendable {
    let path: String

    /// Whether tests with peers are wanted: `deploy/test --all` installs the peers and says so.
    static var areWanted: Bool { ProcessInfo.processInfo.environment["TORQ_TEST_PEERS"] != nil }

    /// The program of that name; nil where it is not installed, or tests with peers are not wanted.
    ///
    /// Daemons are in /usr/sbin, which is not on everybody's PATH.
    static func find(_ name: String) -> PeerProgram? {
        guard areWanted else { return nil }
        let directories = ((ProcessInfo.processInfo.environment["PATH"] ?? "") + ":/usr/sbin").split(separator: ":").map { String($0) }
        return executable(directories.map { "\($0)/\(name)" })
    }

    /// The program of that name in the virtual environment with Python's packages; nil where there is none.
    static func findInVirtualEnvironment(_ name: String) -> PeerProgram? {
        guard areWanted, let directory = ProcessInfo.processInfo.environment["TORQ_TEST_VENV"] else { return nil }
        return executable(["\(directory)/bin/\(name)"])
    }

    /// The line for tests that are skipped for want of `name`.
    static func hint(_ name: String) -> Comment {
        "\(name) is not installed, or tests with it are not wanted: run deploy/test --all, which installs and uses it"
    }

    /// What it printed and how it ended.
    struct Outcome: Sendable {
        var succeeded: Bool
        var output: String
        var errors: String
    }

    /// Something took longer than it may.
    struct TooSlow: Error, CustomStringConvertible {
        let description: String
    }

    /// Runs it to its end; it is killed after `timeout`.
    func run(_ arguments: [String], input: String = "", timeout: Duration = .seconds(30)) async throws -> Outcome {
        try await Self.within(timeout, "\(path) ends") {
            let result = try await Subprocess.run(
                .path(FilePath(path)), arguments: Arguments(arguments), environment: Self.environment, workingDirectory: "/",
                input: .string(input), output: .string(limit: 1024 * 1024), error: .string(limit: 1024 * 1024))
            return Outcome(
                succeeded: result.terminationStatus.isSuccess, output: result.standardOutput, errors: result.standardError)
        }
    }

    /// Runs it while `body` does, and ends it: with `end`, and by force when it has not ended five seconds later.
    ///
    /// - Parameters:
    ///   - group: whether it is given a process group of its own, and all of that is ended: for programs that start others.
    ///   - log: where what it prints goes.
    func serve(
        _ arguments: [String], variables: [String: String] = [:], end: Signal = .terminate, group: Bool = false, log: String,
        _ body: @escaping @Sendable () async throws -> Void
    ) async throws {
        var options = PlatformOptions()
        options.createSession = group
        let steps = [TeardownStep.send(signal: end, toProcessGroup: group, allowedDurationToNextStep: .seconds(5))]
        options.teardownSequence = steps
        let environment = Self.environment.updating(
            Dictionary(uniqueKeysWithValues: variables.map { (Environment.Key(stringLiteral: $0), $1 as String?) }))
        let descriptor = try FileDescriptor.open(
            FilePath(log), .writeOnly, options: [.create, .append], permissions: [.ownerReadWrite, .groupRead, .otherRead])
        _ = try await Subprocess.run(
            .path(FilePath(path)), arguments: Arguments(arguments), environment: environment, workingDirectory: "/",
            platformOptions: options, input: .none, output: .fileDescriptor(descriptor, closeAfterSpawningProcess: true),
            error: .combinedWithOutput
        ) { execution in
            do {
                try await body()
            } catch {
                await execution.teardown(using: steps)
                throw error
            }
            await execution.teardown(using: steps)
        }
    }

    /// What `body` gives; it is cancelled after `timeout`.
    static func within<R: Sendable>(
        _ timeout: Duration, _ what: String, _ body: @escaping @Sendable () async throws -> R
    ) async throws -> R {
        try await withThrowingTaskGroup(of: R?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                try await Task.sleep(for: timeout)
                return nil
            }
            defer { group.cancelAll() }
            guard let result = try await group.next() ?? nil else { throw TooSlow(description: "\(what): not within \(timeout)") }
            return result
        }
    }

    private static func executable(_ candidates: [String]) -> PeerProgram? {
        candidates.first { FileManager.default.isExecutableFile(atPath: $0) }.map(PeerProgram.init(path:))
    }

    /// Nothing of the tests' own environment that would change what a program does, such as a proxy.
    private static var environment: Environment {
        let names: [Environment.Key] = ["PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH"]
        let own = ProcessInfo.processInfo.environment
        return .custom(
            Dictionary(uniqueKeysWithValues: names.compactMap { name in own["\(name)"].map { (name, $0) } }))
    }
}

/// A directory of a test's own, removed at its end.
///
/// - Parameter isOpenToAll: whether other accounts may look into it, as a daemon that gives up its rights must.
func withPeerDirectory(isOpenToAll: Bool = false, _ body: (String) async throws -> Void) async throws {
    let directory = FileManager.default.temporaryDirectory.appending(path: "torq-peer-\(UUID().uuidString.prefix(8))").path
    try FileManager.default.createDirectory(
        atPath: directory, withIntermediateDirectories: false, attributes: [.posixPermissions: isOpenToAll ? 0o755 : 0o700])
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try await body(directory)
}
