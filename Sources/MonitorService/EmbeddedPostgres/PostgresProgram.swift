import Foundation
import Subprocess

#if canImport(System)
import System
#else
import SystemPackage
#endif

/// Runs one of PostgreSQL's programs as the server's account, in a session of its own, so that a Ctrl-C at the terminal reaches
/// the service alone.
struct PostgresProgram: Sendable {
    var installation: PostgresInstallation
    var account: ServerAccount
    var dataDirectory: String

    /// Runs it to its end; when cancelled it is killed.
    ///
    /// It gets none of our environment, which holds secrets that /proc would show to its account. Another account is taken on by
    /// `setpriv` in the new process: glibc's setgroups waits for a lock that, in a fork of a process with threads, one of those that
    /// are gone may have held.
    ///
    /// - Returns: whether it succeeded, and the end of what it printed.
    func callAsFunction(_ name: String, _ arguments: [String]) async throws -> (succeeded: Bool, output: String) {
        var options = PlatformOptions()
        options.createSession = true
        let program = "\(installation.binDirectory)/\(name)"
        let command =
            account.isOther
            ? ["/usr/bin/setpriv", "--reuid=\(account.userID)", "--regid=\(account.groupID)", "--clear-groups", program] : [program]
        var variables: [Environment.Key: String] = ["PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "PGDATA": dataDirectory]
        if let libraries = ProcessInfo.processInfo.environment["LD_LIBRARY_PATH"] { variables["LD_LIBRARY_PATH"] = libraries }
        let result = try await run(
            .path(FilePath(command[0])), arguments: Arguments(command.dropFirst() + arguments), environment: .custom(variables),
            workingDirectory: FilePath(dataDirectory), platformOptions: options, output: .string(limit: 256 * 1024),
            error: .string(limit: 256 * 1024))
        let output = result.standardOutput + result.standardError
        return (result.terminationStatus.isSuccess, Self.ending(output))
    }

    /// The last lines of a text, for a message.
    static func ending(_ text: String, lines: Int = 8) -> String {
        text.split(separator: "\n").suffix(lines).joined(separator: "\n")
    }
}
