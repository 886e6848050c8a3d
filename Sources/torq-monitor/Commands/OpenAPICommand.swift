import ArgumentParser
import MonitorService

struct OpenAPICommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "openapi", abstract: "Prints the description of the API (OpenAPI 3.1, JSON), as /openapi.json answers it.")

    func run() throws {
        print(String(decoding: try MonitorService.openAPIDocument(), as: UTF8.self))
    }
}
