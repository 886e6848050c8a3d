import ArgumentParser
import Foundation
import MonitorService
import Monitoring

struct BaselineCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "baseline", abstract: "Shows what is compared with, and accepts a new normal.", subcommands: [Show.self, Accept.self])

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "show", abstract: "The published baseline.")

        @OptionGroup var shared: SharedOptions
        @OptionGroup var output: FormatOption
        @OptionGroup var target: Target

        func run() async throws {
            try await withDatabase(shared) { database in
                guard let baseline = try await BaselineRepository(client: database.client).baseline(name: target.name) else {
                    throw CommandFailure(description: "there is no such baseline yet: torq-monitor compute --update-baseline makes it")
                }
                try print(baseline, output)
            }
        }
    }

    struct Accept: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "accept", abstract: "Says that what has been measured since a moment is the normal now.",
            discussion: """
                Nothing before that moment counts any more, and the live alerts end. There is nothing to compare with (not_armed) until a \
                UTC midnight that has 20 hours since that moment before it: at once where it lies far enough back.
                """)

        @OptionGroup var shared: SharedOptions
        @OptionGroup var output: FormatOption
        @OptionGroup var target: Target

        @Option(name: .long, help: "Why; stands in the audit and in the alerts that end.")
        var reason: String

        @Option(name: .long, help: "A whole UTC hour of the last 28 days (RFC 3339, or a date); default the present one.")
        var from: Moment?

        @OptionGroup var person: Person

        func validate() throws {
            guard !reason.allSatisfy(\.isWhitespace) else { throw ValidationError("--reason must say why") }
        }

        func run() async throws {
            try await withDatabase(shared, countsEvents: true) { database in
                let repository = BaselineRepository(client: database.client)
                let baseline = try await repository.accept(
                    name: target.name, actor: person.name, credential: "cli", reason: reason, from: from?.date, at: Date())
                try print(baseline, output)
                let unarmed = try await repository.arming(at: Date()).filter { !$0.isArmed }
                if !unarmed.isEmpty {
                    let from = unarmed.compactMap(\.armedFrom).max().map { "before \(Figures.time($0))" } ?? "until there are enough events"
                    standardError(
                        "nothing to compare with \(from) for \(unarmed.map(\.metricName).joined(separator: ", ")): no alert of these")
                }
                let inUse = try await repository.nameInUse()
                if baseline.baselineName != inUse {
                    standardError("nothing is compared with \(baseline.baselineName): the settings name \(inUse) (detection.baseline.name)")
                }
            }
        }
    }

    struct Target: ParsableArguments {
        @Option(name: .long, help: "The baseline's name; default the one that the settings name.")
        var name: String?
    }

    private static func print(_ baseline: BaselineSnapshot, _ output: FormatOption) throws {
        guard output.format == .table else { return try printJSON(baseline) }
        var table = TextTable("BASELINE", "EXPECTED")
        for (name, metric, value) in [
            ("Fallback rate", "fallback_rate", baseline.baselineFallbackRate), ("Error rate", "error_rate", baseline.baselineErrorRate),
            ("Duplicate rate", "duplicate_rate", baseline.baselineDuplicateRate),
            ("Latency p50", "latency_p50", baseline.baselineLatencyP50), ("Latency p95", "latency_p95", baseline.baselineLatencyP95),
            ("Latency p99", "latency_p99", baseline.baselineLatencyP99), ("Health", "health_score", baseline.baselineHealthScore),
        ] {
            table.add(name, FigureText.value(value, of: metric))
        }
        Swift.print(
            "\(baseline.baselineName): \(baseline.baselineStartDate) to \(baseline.baselineEndDate), \(baseline.totalEvents) events\n\(table.text)"
        )
        if let from = baseline.acceptedFrom {
            let words = "by \(baseline.acceptedBy ?? "somebody"): \(baseline.acceptedReason ?? "")"
            Swift.print("Accepted as the normal from \(Figures.time(from)) \(words.forTerminal)")
        }
    }
}
