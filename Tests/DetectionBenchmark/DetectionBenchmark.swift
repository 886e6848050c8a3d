import ArgumentParser
import Foundation
import Monitoring
import Postgres
import Simulation
import TestServer

/// Runs the detector over simulated histories and measures it against the truth.
@main
struct DetectionBenchmark: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "detection-benchmark", abstract: "Measures the detector on simulated histories.",
        discussion: """
            Each history is loaded into a database of its own on the server that TORQ_TEST_DATABASE_URL names, rolled up, and evaluated \
            as backtest does it. What every figure means stands in Tests/Simulation/Score/DetectionScore.swift.
            """)

    /// What a history is to hold.
    enum Kind: String, CaseIterable, Codable, ExpressibleByArgument {
        /// Nothing.
        case quiet
        /// Nothing, but noise beyond chance.
        case noise
        /// Incidents.
        case incidents
    }

    enum Format: String, CaseIterable, ExpressibleByArgument {
        case table, json
    }

    @Option(parsing: .upToNextOption, help: "Events an hour.")
    var rate = [20.0, 100, 1000]

    @Option(help: ArgumentHelp("Seeds, as 1-5 or 3.", valueName: "range"))
    var seeds = "1-2"

    @Option(help: "Days of a history, the first eight without incidents.")
    var days = 28

    @Option(help: "Hourly noise of the scenario noise, 0.3 for 30 %.")
    var noise = 0.3

    @Option(help: "Correlation of an hour's noise with that of the hour before.")
    var autocorrelation = 0.0

    @Option(help: "Hourly noise of the scenario incidents.")
    var incidentNoise = 0.0

    @Option(parsing: .upToNextOption, help: "quiet, noise, incidents.")
    var scenario = Kind.allCases

    @Option(help: "Minutes from one evaluation to the next.")
    var step = 5

    @Option(help: "Settings of detection as JSON, laid over the defaults.")
    var settings: String?

    @Option(help: "Histories at a time.")
    var jobs = 1

    @Option(help: "table or json.")
    var format = Format.table

    @Flag(help: "Prints what happens in the histories, and runs none.")
    var list = false

    func validate() throws {
        guard list || TestDatabase.serverURL != nil else { throw ValidationError("TORQ_TEST_DATABASE_URL is not set") }
        guard Self.range(seeds) != nil else { throw ValidationError("--seeds is a number, or a range such as 1-5, of at most 1000") }
        guard !rate.isEmpty, rate.allSatisfy({ (1...20_000).contains($0) }) else { throw ValidationError("--rate is from 1 to 20000") }
        guard (9...200).contains(days) else { throw ValidationError("--days is from 9 to 200") }
        guard (1...1440).contains(step) else { throw ValidationError("--step is from 1 to 1440 minutes") }
        guard (0...2).contains(noise), (0...2).contains(incidentNoise), (0..<1).contains(autocorrelation) else {
            throw ValidationError("--noise and --incident-noise are from 0 to 2, --autocorrelation from 0 to below 1")
        }
        guard (1...64).contains(jobs) else { throw ValidationError("--jobs is from 1 to 64") }
    }

    func run() async throws {
        let cells = scenario.flatMap { kind in
            rate.flatMap { rate in
                (Self.range(seeds) ?? 1...1).map { Cell(kind: kind, rate: rate, scenario: make(kind, rate, UInt64($0))) }
            }
        }
        if list {
            for cell in cells {
                for incident in cell.scenario.incidents { print("\(cell.label): \(Report.text(incident))") }
            }
            return
        }
        let options = Cell.Options(stepMinutes: step, settings: settings)
        let jobs = jobs
        let results: [CellResult]
        do {
            results = try await whileInterruptible { try await Self.run(cells, options, jobs: jobs) }
        } catch {
            guard error is CancellationError || (error as? PostgresError)?.code == .cancelled else { throw error }
            say("interrupted")
            throw ExitCode(130)
        }
        switch format {
        case .table: print(Report.table(results))
        case .json: print(try Report.json(results))
        }
    }

    /// In the order of the cells, `jobs` at a time.
    private static func run(_ cells: [Cell], _ options: Cell.Options, jobs: Int) async throws -> [CellResult] {
        try await withThrowingTaskGroup(of: (Int, CellResult).self) { group in
            var results: [Int: CellResult] = [:]
            var started = 0
            while results.count < cells.count {
                while started < cells.count, started - results.count < jobs {
                    let index = started
                    group.addTask { (index, try await cells[index].run(options)) }
                    started += 1
                }
                guard let (index, result) = try await group.next() else { break }
                results[index] = result
                say("\(results.count) of \(cells.count): \(result.line)")
            }
            return cells.indices.compactMap { results[$0] }
        }
    }

    private func make(_ kind: Kind, _ rate: Double, _ seed: UInt64) -> Scenario {
        var scenario = Scenario.random(
            seed: seed, rate: rate, days: days,
            noise: Noise(kind == .noise ? noise : kind == .incidents ? incidentNoise : 0, autocorrelation: autocorrelation))
        if kind != .incidents { scenario.incidents = [] }
        return scenario
    }

    private static func range(_ text: String) -> ClosedRange<Int>? {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
        guard let first = parts.first ?? nil, let last = parts.last ?? nil, parts.count <= 2, first >= 0, first <= last, last - first < 1000
        else { return nil }
        return first...last
    }
}

/// A line on stderr.
func say(_ text: String) {
    FileHandle.standardError.write(Data("\(text)\n".utf8))
}
