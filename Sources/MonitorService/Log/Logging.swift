import Foundation
public import Logging

/// Where log lines go: stderr, for people on a terminal, as JSON anywhere else.
public enum Logging {
    private static let handlers: Bool = {
        let isTerminal = isatty(STDERR_FILENO) == 1
        LoggingSystem.bootstrap { label in
            LineLogHandler(label: label, form: isTerminal ? .terminal : .json) { line in StandardError.write(line + "\n") }
        }
        return isTerminal
    }()

    /// Sets up logging once for the process, and gives a logger of the given level.
    public static func start(level: Logger.Level) -> Logger {
        _ = handlers
        var logger = Logger(label: "torq-monitor")
        logger.logLevel = level
        return logger
    }
}
