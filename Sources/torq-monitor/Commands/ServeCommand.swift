public import ArgumentParser
import Logging
public import MonitorService

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Runs the service: scheduler, dispatcher and HTTP listener in one process.",
        discussion: """
            Without any configuration: an embedded PostgreSQL, 127.0.0.1:8080, and notifications that are logged. The configuration is \
            read again on SIGHUP, and when its file or the file of a secret changes.
            """)

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
        let reloading = Reloading(loader: shared.loader(overrides))
        let configuration = try SharedOptions.load(reloading.loader)
        let logger = shared.logger(default: .info)
        ProcessSignals.ignoreHangup { reloading.ask() }
        try await MonitorService(configuration: configuration, role: role, logger: logger).run(reloading: reloading)
    }
}

extension MonitorService.Role: ArgumentParser.ExpressibleByArgument {}
