import ArgumentParser
import MonitoringSchema

struct SchemaCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema", abstract: "Prints the whole schema, for pasting into a SQL editor.")

    func run() {
        print(MonitoringSchema.whole, terminator: "")
    }
}
