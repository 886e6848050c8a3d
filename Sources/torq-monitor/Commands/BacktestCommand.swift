import ArgumentParser
import Foundation
import MonitorService
import Monitoring

struct BacktestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backtest", abstract: "Walks through history and reports the alerts that would have been raised.",
        discussion: """
            It works in a schema of its own and changes nothing else. With several --thresholds it walks once for each, and puts what \
            they would have brought side by side: 'settings' among them stands for the settings as they are.
            """)

    @OptionGroup var shared: SharedOptions
    @OptionGroup var output: FormatOption

    @Option(name: .long, help: "The first moment (RFC 3339, or a date).")
    var from: Moment

    @Option(name: .long, help: "The end; at most 200 days after it.")
    var to: Moment

    @Option(name: .long, help: "1m to 1d; detection steps on five minutes.")
    var step = "5m"

    @Option(
        name: .long,
        help: ArgumentHelp("Over the settings': low=1.5,medium=2,high=3,critical=3; several times, to compare.", valueName: "list"))
    var thresholds: [String] = []

    @Option(name: .long, help: ArgumentHelp("Also draws it into this file: a lane for each set, a bar for each alert.", valueName: "file"))
    var svg: String?

    func validate() throws {
        guard from.isWithinReach, to.isWithinReach else { throw ValidationError("--from and --to are from 1970-01-01 to 2099-12-31") }
        guard DurationArgument(step) != nil else { throw ValidationError("--step is a time such as 5m or 1h") }
        do {
            for text in thresholds { _ = try Self.overrides(text) }
        } catch {
            throw ValidationError("--thresholds: \(error)")
        }
        guard svg?.isEmpty != true else { throw ValidationError("--svg names a file") }
        guard thresholds.count <= 10 else { throw ValidationError("--thresholds: at most 10 sets") }
    }

    /// nil: the settings as they are.
    private static func overrides(_ text: String) throws(MonitoringError) -> ThresholdOverrides? {
        text == "settings" ? nil : try ThresholdOverrides(parsing: text)
    }

    func run() async throws {
        if let svg { try Self.checkPlace(of: svg) }
        if to.date > Date() { standardError("--to lies in the future: what has not happened yet looks like traffic that stops") }
        try await withDatabase(shared, countsEvents: true) { database in
            let line = ProgressLine()
            let result: Result<[BacktestComparison.Entry], any Error>
            do {
                result = .success(try await walk(Backtest(client: database.client), line))
            } catch {
                result = .failure(error)
            }
            await line.end()
            let entries = try result.get()
            switch (output.format, entries.count) {
            case (.json, 1): try printJSON(entries[0].report)
            case (.json, _): try printJSON(BacktestComparison(entries))
            case (.table, 1): printTable(entries[0].report)
            case (.table, _): print(BacktestText(comparison: BacktestComparison(entries)).text)
            }
            if let svg { try Self.draw(entries, into: svg) }
        }
    }

    /// A walk takes minutes: whether its drawing has a place is found out before.
    private static func checkPlace(of path: String) throws {
        guard FileManager.default.isWritableFile(atPath: URL(filePath: path).deletingLastPathComponent().path) else {
            throw CommandFailure(description: "\(path) cannot be written: there is no such directory, or nothing may be put into it")
        }
    }

    private static func draw(_ entries: [BacktestComparison.Entry], into path: String) throws {
        do {
            try BacktestChart(BacktestComparison(entries)).svg.write(toFile: path, atomically: true, encoding: .utf8)
        } catch {
            throw CommandFailure(description: "\(path) cannot be written: \(error.localizedDescription)")
        }
    }

    private func walk(_ backtest: Backtest, _ line: ProgressLine) async throws -> [BacktestComparison.Entry] {
        let sets = thresholds.isEmpty ? ["settings"] : thresholds
        var entries: [BacktestComparison.Entry] = []
        for (number, name) in sets.enumerated() {
            let place = sets.count > 1 ? "set \(number + 1) of \(sets.count)  " : ""
            let overrides = try Self.overrides(name)
            let report = try await backtest.run(
                from: from.date, to: to.date, step: DurationArgument(step)?.duration ?? .seconds(300), thresholds: overrides
            ) { progress in
                await line.show(
                    "\(place)\(Figures.time(progress.moment))  \(progress.evaluations) of \(progress.evaluationsInAll) evaluations, "
                        + "\(progress.transitions) transitions")
            }
            entries.append(BacktestComparison.Entry(name: name, thresholds: overrides, report: report))
        }
        return entries
    }

    private func printTable(_ report: BacktestReport) {
        let entry = BacktestComparison.Entry(name: thresholds.first ?? "settings", thresholds: nil, report: report)
        print("\(report.evaluations) evaluations from \(Figures.time(report.from)) to \(Figures.time(report.to))")
        let unarmed = BacktestText.unarmed(report)
        if !unarmed.isEmpty { print(unarmed) }
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
        print(table.text + "\n\n" + BacktestText(comparison: BacktestComparison([entry])).course)
    }
}
