import Foundation
import Subprocess
import TestSupport
import WebTransport

#if canImport(System)
import System
#else
import SystemPackage
#endif

/// The program that people start, beside the tests' own.
enum Program {
    static var path: String {
        URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().appending(path: "torq-monitor").path
    }

    /// Whether it was built along with the tests.
    static var isBuilt: Bool { FileManager.default.isExecutableFile(atPath: path) }

    /// What a command printed and how it ended.
    struct Outcome: Sendable {
        var code: Int32
        var output: String
        var errors: String
    }

    /// Runs a command to its end, within a minute.
    static func run(_ arguments: [String], environment: [String: String] = [:]) async throws -> Outcome {
        let result = try await Subprocess.run(
            .path(FilePath(path)), arguments: Arguments(arguments), environment: variables(environment),
            output: .string(limit: 4 * 1024 * 1024), error: .string(limit: 1024 * 1024))
        guard case .exited(let code) = result.terminationStatus else {
            return Outcome(code: -1, output: result.standardOutput, errors: result.standardError)
        }
        return Outcome(code: Int32(code), output: result.standardOutput, errors: result.standardError)
    }

    /// Runs a command until `body` returns, which may send it signals; then it has half a minute to end by itself.
    ///
    /// - Returns: The exit code, or the negative number of the signal that ended it.
    static func run(
        _ arguments: [String], environment: [String: String] = [:],
        whileRunning body: @escaping @Sendable (_ send: @Sendable (Signal) throws -> Void) async throws -> Void
    ) async throws -> Int32 {
        let result = try await Subprocess.run(
            .path(FilePath(path)), arguments: Arguments(arguments), environment: variables(environment), input: .none, output: .discarded,
            error: .discarded
        ) { execution in
            let process = execution.processIdentifier.value
            do {
                try await body { try execution.send(signal: $0) }
                try await eventually("the end of the program", timeout: .seconds(30)) { !isRunning(process) }
            } catch {
                try? execution.send(signal: .kill)
                throw error
            }
        }
        switch result.terminationStatus {
        case .exited(let code): return Int32(code)
        case .signaled(let number): return -Int32(number)
        }
    }

    /// How a service is ended.
    enum End: Sendable {
        /// As an operator does: SIGTERM. The service ends by itself.
        case terminate
        /// As the kernel does when memory is short: SIGKILL.
        case kill
    }

    /// Runs `serve` while `body` does, and ends it.
    ///
    /// - Returns: What `body` gave, and the exit code; nil where it ended by a signal.
    static func serve(
        _ arguments: [String], environment: [String: String] = [:], end: End = .terminate,
        _ body: @escaping @Sendable (_ address: String) async throws -> Void
    ) async throws -> Int32? {
        let port = try HTTPFixture.unusedPort()
        let address = "http://127.0.0.1:\(port)"
        let result = try await Subprocess.run(
            .path(FilePath(path)), arguments: Arguments(["serve", "--port", "\(port)"] + arguments), environment: variables(environment),
            input: .none, output: .discarded, error: .discarded
        ) { execution in
            do {
                try await eventually("the service is ready", timeout: .seconds(60)) { await get("\(address)/ready")?.status == 200 }
                try await body(address)
            } catch {
                try? execution.send(signal: .kill)
                throw error
            }
            try execution.send(signal: end == .kill ? .kill : .terminate)
        }
        guard case .exited(let code) = result.terminationStatus else { return nil }
        return Int32(code)
    }

    /// Runs `serve` while `body` does, which may send it signals, and ends it by SIGTERM.
    ///
    /// - Parameters:
    ///   - whileStarting: Runs first.
    ///   - isReady: What is waited for before `body`.
    /// - Returns: The exit code, nil where it ended by a signal, and what it logged.
    static func serveWithLog(
        _ arguments: [String], environment: [String: String] = [:],
        log: String = FileManager.default.temporaryDirectory.appending(path: "torq-\(UUID().uuidString.prefix(8)).log").path,
        whileStarting: @escaping @Sendable (_ address: String) async throws -> Void = { _ in },
        isReady: @escaping @Sendable (_ address: String) async -> Bool = { await get("\($0)/ready")?.status == 200 },
        _ body: @escaping @Sendable (_ address: String, _ send: @Sendable (Signal) throws -> Void) async throws -> Void
    ) async throws -> (code: Int32?, text: String) {
        let port = try HTTPFixture.unusedPort()
        let address = "http://127.0.0.1:\(port)"
        defer { try? FileManager.default.removeItem(atPath: log) }
        let file = try FileDescriptor.open(
            FilePath(log), .writeOnly, options: [.create, .append], permissions: [.ownerReadWrite])
        let result = try await Subprocess.run(
            .path(FilePath(path)), arguments: Arguments(["serve", "--port", "\(port)"] + arguments), environment: variables(environment),
            input: .none, output: .discarded, error: .fileDescriptor(file, closeAfterSpawningProcess: true)
        ) { execution in
            do {
                try await whileStarting(address)
                try await eventually("the service is ready", timeout: .seconds(60)) { await isReady(address) }
                try await body(address) { try execution.send(signal: $0) }
            } catch {
                try? execution.send(signal: .kill)
                throw error
            }
            try execution.send(signal: .terminate)
        }
        let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
        guard case .exited(let code) = result.terminationStatus else { return (nil, text) }
        return (Int32(code), text)
    }

    /// An answer, or nil where there was none.
    static func get(_ url: String) async -> WebResponse? {
        await send(WebRequest(url: url, addresses: .any))
    }

    static func send(_ request: WebRequest) async -> WebResponse? {
        let transport = WebTransport()
        let answer = try? await transport.send(request)
        await transport.close()
        return answer
    }

    /// Whether a child of ours has not ended yet; it is not waited for here, which is its starter's business.
    private static func isRunning(_ process: Int32) -> Bool {
        guard let stat = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8) else { return false }
        return stat.lastIndex(of: ")").map { stat[$0...].dropFirst(2).first } != "Z"
    }

    /// Nothing of the tests' own environment that would change what a program does.
    private static func variables(_ further: [String: String]) -> Environment {
        var variables: [Environment.Key: String] = [:]
        for name in ["PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "PG_BIN_DIR"] {
            if let value = ProcessInfo.processInfo.environment[name] { variables[Environment.Key(stringLiteral: name)] = value }
        }
        for (name, value) in further { variables[Environment.Key(stringLiteral: name)] = value }
        return .custom(variables)
    }
}

extension WebResponse {
    var text: String { String(decoding: body, as: UTF8.self) }
}
