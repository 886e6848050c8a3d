import ArgumentParser
import Foundation
import Logging
import MonitorService
import Monitoring
import Postgres

/// The command line. Data goes to stdout, everything else to stderr.
@main
struct TorqMonitor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "torq-monitor",
        abstract: "Watches what LLM agents do, tells a chat channel when they get worse, and keeps track until a person has it in hand.",
        discussion: "Exit codes: 0 done, 1 failed, 2 usage, 3 found something (check --exit-code).",
        version: Version.text,
        subcommands: [
            ServeCommand.self, DemoCommand.self, MigrateCommand.self, ImportCommand.self, ComputeCommand.self, CheckCommand.self,
            BacktestCommand.self, AlertsCommand.self, BaselineCommand.self, NotificationsCommand.self, ReceiversCommand.self,
            SilencesCommand.self,
            ConfigCommand.self, SchemaCommand.self, OpenAPICommand.self, HealthcheckCommand.self,
        ])

    /// Runs the command in a task that the first SIGTERM, SIGINT or SIGHUP cancels: it closes what it opened, and ends.
    static func main() async {
        openStandardDescriptors()
        let work = Task { await execute() }
        ProcessSignals.take { _ in
            if isatty(STDERR_FILENO) == 1 { standardError("torq-monitor: ending; a second signal ends it at once") }
            work.cancel()
        }
        let code = await work.value
        guard StandardOutput.end() else {
            standardError("torq-monitor: standard output cannot be written")
            Foundation.exit(1)
        }
        Foundation.exit(code)
    }

    /// Takes the numbers of standard descriptors that are closed, so that no socket gets one of them, which a log would be written into.
    /// For reading alone: what is to be written is still refused, and not lost without a word.
    private static func openStandardDescriptors() {
        for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) == -1 {
            // The lowest number that is free, which is this one.
            _ = open("/dev/null", O_RDONLY)
        }
    }

    /// Runs the command that the arguments name, to its exit code.
    private static func execute() async -> Int32 {
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
            return 0
        } catch let code as ExitCode {
            return code.rawValue
        } catch {
            switch exitCode(for: error) {
            case .success:
                print(fullMessage(for: error))
                return 0
            case .validationFailure:
                standardError(fullMessage(for: error))
                return 2
            default:
                if Task.isCancelled, let signal = ProcessSignals.received {
                    standardError("torq-monitor: interrupted")
                    return 128 + signal
                }
                standardError("torq-monitor: \(describe(error))")
                return isOfUsage(error) ? 2 : 1
            }
        }
    }

    /// Whether it lies with what was asked for.
    private static func isOfUsage(_ error: any Error) -> Bool {
        switch error {
        case let error as MonitoringError: error.code == .invalidArgument
        case let error as PostgresError: error.sqlState.map { ["TMARG", "TMSET"].contains($0) } ?? false
        default: false
        }
    }

    private static func describe(_ error: any Error) -> String {
        switch error {
        case let error as PostgresError where isOfUsage(error): error.message
        case let error as PostgresError: "the database: \(error.message)\(error.sqlState.map { " (\($0))" } ?? "")"
        case let error as any CustomStringConvertible: error.description
        default: "\(error)"
        }
    }
}

/// A line for people.
func standardError(_ line: String) {
    StandardError.write(line + "\n")
}
