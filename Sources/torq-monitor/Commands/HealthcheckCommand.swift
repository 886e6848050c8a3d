import ArgumentParser
import Foundation
import MonitorService

struct HealthcheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "healthcheck", abstract: "Exits with 0 when the local instance is ready, for health checks of containers.")

    @OptionGroup var shared: SharedOptions

    @Option(name: .long, help: "Where it listens; over the configuration's.")
    var port: Int?

    func run() async throws {
        var overrides: [String: String] = [:]
        overrides["listener.port"] = port.map(String.init)
        let state = try await Healthcheck(configuration: shared.load(overrides)).run()
        guard state.isReady else {
            standardError("torq-monitor: \(state.description)")
            throw ExitCode(1)
        }
        print("ready")
    }
}
