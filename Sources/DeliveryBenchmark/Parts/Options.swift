import ArgumentParser
import Foundation
import TestServer

/// How figures are printed.
enum OutputFormat: String, CaseIterable, ExpressibleByArgument {
    case table, json
}

/// What every part takes.
struct CommonOptions: ParsableArguments {
    @Option(help: "table or json.")
    var format = OutputFormat.table

    @Option(help: ArgumentHelp("The program torq-monitor; default: beside this one.", valueName: "path"))
    var program: String?

    /// Prints what was measured.
    func tell(_ figures: Figures) throws {
        print(format == .json ? try figures.json() : figures.table())
        if !figures.areMet { throw ExitCode(1) }
    }

    /// The program that is measured.
    func monitor() throws -> String {
        let own = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        let path = program ?? own.deletingLastPathComponent().appending(path: "torq-monitor").path
        guard FileManager.default.isExecutableFile(atPath: path) else {
            throw Failure("there is no \(path): build it with `swift build -c release --product torq-monitor`, or name it with --program")
        }
        return path
    }
}
