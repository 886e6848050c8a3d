import ArgumentParser
import MonitorService

struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Checks and shows the configuration.", subcommands: [Check.self, Show.self])

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "check", abstract: "Reads the configuration and names everything that is wrong with it, with file, line and key.")
        @OptionGroup var shared: SharedOptions

        func run() throws {
            let loader = shared.loader()
            try MonitorService(configuration: SharedOptions.load(loader), logger: shared.logger()).checkConfiguration()
            print("The configuration is good." + (loader.file == nil ? " It has no file: defaults and the environment alone." : ""))
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "Prints the effective configuration without its secrets.")
        @OptionGroup var shared: SharedOptions

        func run() throws {
            print(try shared.load().redactedYAML, terminator: "")
        }
    }
}
