import ArgumentParser
import Foundation
import Logging
import MonitorService

struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Shows everything: two weeks of events, live ones, a regression after a minute, and a chat page with the messages.",
        discussion: "It runs on a database of its own, which every start makes anew.")

    @Option(name: .long, help: "Where the monitor listens; 0 for any free port.")
    var port = 8080

    @Option(name: .long, help: "Where the chat page listens; 0 for any free port.")
    var chatPort = 8081

    @Option(name: .long, help: ArgumentHelp("Where its database lives; default under XDG_DATA_HOME.", valueName: "directory"))
    var dataDir: String?

    @Option(name: .long, help: "Plays the last 24 hours so many times as fast, 2 to 1000, before it goes on as usual.")
    var speed = 1

    @Option(name: .long, help: "trace, debug, info, notice, warning, error or critical.")
    var logLevel = Logger.Level.warning

    func validate() throws {
        guard (1...1000).contains(speed) else { throw ValidationError("--speed is 1 to 1000") }
    }

    func run() async throws {
        var settings = DemoSettings()
        settings.port = port
        settings.chatPort = chatPort
        settings.speed = Double(speed)
        let standard = DataDirectory.standard(environment: ProcessInfo.processInfo.environment) + "-demo"
        try await DemoRun(
            settings: settings, dataDirectory: dataDir ?? standard, logger: Logging.start(level: logLevel), say: standardError
        ).run()
    }
}
