import ArgumentParser
import Foundation
import MonitorService
import Monitoring

struct BacktestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backtest", abstract: "Walks through history and reports the alerts that would have been raised.",
        discussion: "It works in a schema of its own and changes nothing else.")

    @OptionGroup var shared: SharedOptions
    @OptionGroup var output: FormatOption

    @Option(name: .long, help: "The first moment (RFC 3339, or a date).")
    var from: Moment

    @Option(name: .long, help: "The end; at most 200 days after it.")
    var to: Moment

    @Option(name: .long, help: "1m to 1d; detection steps on five minutes.")
    var step = "5m"

    @Option(name: .long, help: ArgumentHelp("Over the settings': low=1.5,medium=2,high=3,critical=3.", valueName: "list"))
    var thresholds: String?

    func validate() throws {
        guard DurationArgument(step) != nil else { throw ValidationError("--step is a time such as 5m or 1h") }
        do {
            _ = try thresholds.map { text throws(MonitoringError) in try ThresholdOverrides(parsing: text) }
        } catch {
            throw ValidationError("--thresholds: \(error)")
        }
    }

    func run() async throws {
        try await withDatabase(shared) { database in
            let line = ProgressLine()
            let result: Result<BacktestReport, any Error>
            do {
                result = .success(
                    try await Backtest(client: database.client).run(
                        from: from.date, to: to.date, step: DurationArgument(step)?.duration ?? .seconds(300),
                        thresholds: try thresholds.map { try ThresholdOverrides(parsing: $0) }
                    ) { progress in
                        await line.show(
                            "\(Figures.time(progress.moment))  \(progress.evaluations) of \(progress.evaluationsInAll) evaluations, "
                                + "\(progress.transitions) transitions")
                    })
            } catch {
                result = .failure(error)
            }
            await line.end()
            let report = try result.get()
            switch output.format {
            case .json: try printJSON(report)
            case .table: printTable(report)
            }
        }
    }

    private func printTable(_ report: BacktestReport) {
        print("\(report.evaluations) evaluations from \(Figures.time(report.from)) to \(Figures.time(report.to))")
        guard !report.alerts.isEmpty else { return print("No alert would have been raised.") }
        var table = TextTable("OPENED", "RESOLVED", "TYPE", "PEAK", "VALUE", "EXPECTED", "RATIO", "AFFECTED")
        for alert in report.alerts {
            table.add(
                Figures.time(alert.openedAt), Figures.time(alert.resolvedAt), alert.alertType, alert.peakSeverity.rawValue,
                FigureText.value(alert.currentValue, of: alert.metricName), FigureText.value(alert.baselineValue, of: alert.metricName),
                Figures.ratio(alert.deviationRatio),
                [alert.affected.model, alert.affected.backend, alert.affected.agent, alert.affected.version]
                    .compactMap { $0 }.joined(separator: ", "))
        }
        print(table.text)
    }
}
