import ArgumentParser
import Foundation
import MonitorService
import Monitoring

struct ComputeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compute", abstract: "Computes the figures of a day, or one hour of it, from the events as they are now.",
        discussion: "As POST /api/monitor/compute does: for today it evaluates as well, which opens and resolves alerts.")

    @OptionGroup var shared: SharedOptions
    @OptionGroup var output: FormatOption

    @Option(name: .long, help: "YYYY-MM-DD, UTC; default today.")
    var date: Day?

    @Option(name: .long, help: "0 to 23, UTC; default all hours and the day.")
    var hour: Int?

    @Flag(name: .long, help: "Compute the baseline anew as well.")
    var updateBaseline = false

    func validate() throws {
        guard hour.map((0...23).contains) ?? true else { throw ValidationError("--hour is 0 to 23") }
        if let date, date > Day(containing: Date()) { throw ValidationError("--date is a date that has begun") }
    }

    func run() async throws {
        try await withDatabase(shared, countsEvents: true) { database in
            try await shared.noteOtherSettings(database)
            let report = try await Computation(client: database.client)
                .run(day: date, hour: hour, updatesBaseline: updateBaseline, at: Date())
            switch output.format {
            case .json: try printJSON(report)
            case .table: printLines(report)
            }
        }
    }

    private func printLines(_ report: Computation.Report) {
        let hours = report.targetHour.map { ", hour \($0)" } ?? ""
        print(
            "\(report.targetDate)\(hours): \(report.rowsComputed) rows computed, \(report.metricsInserted) of them new, in "
                + String(format: "%.0f ms.", report.computationTimeMilliseconds))
        if updateBaseline {
            print(report.baseline == nil ? "There is nothing to compute a baseline from." : "The baseline was computed anew.")
        }
        for id in report.driftCheck.alertIDs { print("Opened: \(id)") }
    }
}
