import ArgumentParser
import Foundation
import MonitorService
import Monitoring

struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Evaluates once; prints what every metric looks like and the alerts that are open.",
        discussion: "A moment over ten minutes ago is only reported on: it opens no alerts and tells nobody.")

    @OptionGroup var shared: SharedOptions
    @OptionGroup var output: FormatOption

    @Option(name: .long, help: "The moment to stand at (RFC 3339, or a date); default now.")
    var at: Moment?

    @Flag(name: .long, help: "Change nothing.")
    var dryRun = false

    @Flag(name: .long, help: "Exit with 3 where something was found.")
    var exitCode = false

    func validate() throws {
        guard at?.isWithinReach ?? true else { throw ValidationError("--at is from 1970-01-01 to 2099-12-31") }
        if let at, at.date > Date() { throw ValidationError("--at is a moment that has come") }
    }

    func run() async throws {
        var found = false
        try await withDatabase(shared, countsEvents: true) { database in
            try await shared.noteOtherSettings(database)
            let report = try await DriftDetector(client: database.client).check(at: at?.date ?? Date(), autoSave: !dryRun)
            let open = report.isPresent ? try await AlertRepository(client: database.client).alerts(status: .open, limit: 1000).alerts : []
            found = !open.isEmpty || !report.firing.isEmpty
            switch output.format {
            case .json:
                try printJSON(Answer(at: report.moment, evaluations: report.evaluations, transitions: report.transitions, openAlerts: open))
            case .table: printTable(report, open: open)
            }
        }
        if exitCode && found { throw ExitCode(3) }
    }

    private func printTable(_ report: DriftDetector.Report, open: [Alert]) {
        var table = TextTable("METRIC", "WINDOW", "VALUE", "EXPECTED", "RATIO", "AT LEAST", "EVENTS", "P", "VERDICT", "AFFECTED")
        for evaluation in report.evaluations {
            table.add(
                evaluation.metricName + (evaluation.sliceValue.map { " of \(evaluation.sliceDimension ?? "slice") \($0)" } ?? ""),
                Figures.window(evaluation.windowSeconds) + (evaluation.evidence.isOfDrift ? " drift" : ""),
                FigureText.value(evaluation.currentValue, of: evaluation.metricName),
                FigureText.value(evaluation.baselineValue, of: evaluation.metricName), Figures.ratio(evaluation.ratio),
                Figures.ratio(evaluation.lowerBound), "\(evaluation.totalEvents)", Figures.probability(evaluation.pValue),
                evaluation.verdict,
                [evaluation.affectedModel, evaluation.affectedBackend, evaluation.affectedAgent, evaluation.affectedVersion]
                    .compactMap { $0 }.joined(separator: ", "))
        }
        print("As of \(Figures.time(report.moment))\n\(table.text)")
        let isUntold = report.firing.contains { evaluation in
            evaluation.sliceValue != nil
                && !open.contains {
                    ($0.metricName, $0.sliceDimension, $0.sliceValue)
                        == (evaluation.metricName, evaluation.sliceDimension, evaluation.sliceValue)
                }
        }
        if isUntold {
            print(
                "\nA slice has an alert of its own where it explains what is seen far better than if all events had got worse alike, "
                    + "and no other alert says it already.")
        }
        if !open.isEmpty {
            print("\nOpen alerts")
            torq_monitor.printTable(open)
        }
    }

    private struct Answer: Encodable {
        var at: Date
        var evaluations: [Evaluation]
        var transitions: [AppliedTransition]
        var openAlerts: [Alert]

        enum CodingKeys: String, CodingKey {
            case at, evaluations, transitions
            case openAlerts = "open_alerts"
        }
    }
}

extension JSONValue {
    /// Whether it is the evidence of a window held against the baseline of a week before.
    fileprivate var isOfDrift: Bool {
        guard case .object(let fields) = self else { return false }
        return fields["lag_days"] != nil
    }
}
