public import ArgumentParser
import Foundation
import Glibc
public import Logging
import MonitorService
public import Monitoring

/// What every command takes.
struct SharedOptions: ParsableArguments {
    @Option(name: .long, help: "PostgreSQL, as a URL or keywords (also DATABASE_URL). Without it: the embedded one in the data directory.")
    var database: String?

    @Option(name: .long, help: ArgumentHelp("Configuration file (also TORQ_MONITOR_CONFIG).", valueName: "file"))
    var config: String?

    @Option(name: .long, help: ArgumentHelp("Where the embedded PostgreSQL lives; default under XDG_DATA_HOME.", valueName: "directory"))
    var dataDir: String?

    @Option(name: .long, help: "trace, debug, info, notice, warning, error or critical.")
    var logLevel: Logger.Level?

    /// The configuration that follows from file, environment and these.
    ///
    /// - Throws: Everything that is wrong with it, with its place.
    func load(_ further: [String: String] = [:]) throws -> ServiceConfiguration {
        try Self.load(loader(further))
    }

    /// The same for a command that needs the database alone: whoever runs it need not have the secrets of the rest.
    func loadForDatabase() throws -> ServiceConfiguration {
        Self.warn(try loader().loadForDatabase())
    }

    /// Says so where a file is named whose detection is another than the settings that the database has, which hold.
    func noteOtherSettings(_ database: Database) async throws {
        let loaded = try loader().loadForDatabase()
        guard let file = loaded.file else { return }
        if try await MonitoringEngine(client: database.client).goesByOtherSettings(than: loaded.configuration.detection.settingsJSON) {
            standardError("note: the settings in the database hold, which serve writes; the detection of \(file) is another")
        }
    }

    /// Where the configuration comes from.
    func loader(_ further: [String: String] = [:]) -> ConfigurationLoader {
        hidePassword()
        var overrides = further
        overrides["database.url"] = database
        overrides["data_dir"] = dataDir
        return ConfigurationLoader(file: config, overrides: overrides)
    }

    /// Reads it, and says what is odd about it.
    static func load(_ loader: ConfigurationLoader) throws -> ServiceConfiguration {
        warn(try loader.load())
    }

    private static func warn(_ loaded: LoadedConfiguration) -> ServiceConfiguration {
        for warning in loaded.warnings { standardError("torq-monitor: warning: \(warning)") }
        return loaded.configuration
    }

    /// Writes to stderr: lines for people on a terminal, JSON elsewhere.
    func logger(default level: Logger.Level = .warning) -> Logger {
        Logging.start(level: logLevel ?? level)
    }

    /// Overwrites each --database in this process's arguments, the last of which counts, so that a process list shows no password.
    private func hidePassword() {
        var isValue = false
        for index in 1..<Int(CommandLine.argc) {
            guard let argument = CommandLine.unsafeArgv[index] else { continue }
            let text = String(cString: argument)
            let start = isValue ? 0 : text.hasPrefix("--database=") ? "--database=".utf8.count : strlen(argument)
            memset(argument + start, Int32(UInt8(ascii: "*")), strlen(argument + start))
            isValue = !isValue && text == "--database"
        }
    }
}

extension Logger.Level: ArgumentParser.ExpressibleByArgument {}

/// How a command prints its data.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case table, json
}

struct FormatOption: ParsableArguments {
    @Option(name: .long, help: "table or json.")
    var format = OutputFormat.table
}

/// A moment on the command line: RFC 3339, or a date for its first moment.
struct Moment: ExpressibleByArgument {
    var date: Date
    /// Whether it lies in the years 1970 to 2099, in which anything is evaluated.
    var isWithinReach: Bool { (0..<4_102_444_800).contains(date.timeIntervalSince1970) }

    init?(argument: String) {
        guard let date = MonitoringJSON.date(fromTimestamp: argument) ?? Day(argument)?.start else { return nil }
        self.date = date
    }
}

extension Day: ArgumentParser.ExpressibleByArgument {
    /// `YYYY-MM-DD`.
    public init?(argument: String) {
        self.init(argument)
    }
}

extension Severity: ArgumentParser.ExpressibleByArgument {}
extension AlertStatus: ArgumentParser.ExpressibleByArgument {}
