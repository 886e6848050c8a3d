public import ArgumentParser
import Logging
public import MonitorService

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Runs the service: scheduler, dispatcher and HTTP listener in one process.",
        discussion: "Without any configuration: an embedded PostgreSQL, 127.0.0.1:8080, and notifications that are logged.")

    @OptionGroup var shared: SharedOptions

    @Option(name: .long, help: "all, worker, dispatcher or api; any number of processes share one database.")
    var role = MonitorService.Role.all

    @Option(name: .long, help: "Where to listen; over the configuration's. 0 for any free port.")
    var port: Int?

    @Option(name: .long, help: "Where to listen; over the configuration's. Anything but loopback needs tokens.")
    var host: String?

    func run() async throws {
        var overrides: [String: String] = [:]
        overrides["listener.port"] = port.map(String.init)
        overrides["listener.host"] = host
        let configuration = try shared.load(overrides)
        let logger = shared.logger(default: .info)
        // What asks other services to read their configuration again must not end this one.
        ProcessSignals.ignoreHangup { logger.warning("SIGHUP does nothing: the configuration is read at the start alone") }
        try await MonitorService(configuration: configuration, role: role, logger: logger).run()
    }
}

extension MonitorService.Role: ArgumentParser.ExpressibleByArgument {}
