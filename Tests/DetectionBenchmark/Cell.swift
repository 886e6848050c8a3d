import Foundation
import Monitoring
import Postgres
import Simulation
import TestServer

/// One history to run.
struct Cell: Sendable {
    /// What is the same for all.
    struct Options: Sendable {
        var stepMinutes: Int
        /// JSON, nil for the defaults.
        var settings: String?
    }

    var kind: DetectionBenchmark.Kind
    var rate: Double
    var scenario: Scenario

    /// Loads, rolls up, evaluates and judges.
    func run(_ options: Options) async throws -> CellResult {
        let scenario = scenario
        let truth = scenario.truth()
        return try await withTestDatabase(schema: true, queryTimeout: .seconds(300)) { database in
            let client = database.client
            var result = CellResult(cell: self)
            if let settings = options.settings {
                try await MonitoringEngine(client: client).writeSettings(settings, writtenBy: "benchmark")
            }
            // What is dropped at the end needs no log.
            try await client.query("ALTER TABLE learning_events SET UNLOGGED")
            let began = ContinuousClock.now
            result.events = try await EventHistory(scenario).load(into: client)
            try await client.query("ANALYZE learning_events", timeout: .seconds(120))
            let loaded = ContinuousClock.now
            result.loadSeconds = (loaded - began) / .seconds(1)
            try await MonitoringEngine(client: client).catchUp(at: scenario.end)
            let rolledUp = ContinuousClock.now
            result.rollUpSeconds = (rolledUp - loaded) / .seconds(1)
            say("\(label): \(result.events) events loaded in \(Int(result.loadSeconds)) s, rolled up in \(Int(result.rollUpSeconds)) s")

            let before = try await ProcessorTime.ofBackends(client)
            let teller = Teller(label)
            let report = try await Backtest(client: client) { scenario.end }.run(
                from: scenario.start, to: scenario.end, step: .seconds(options.stepMinutes * 60)
            ) { await teller.tell($0) }
            result.walkSeconds = (ContinuousClock.now - rolledUp) / .seconds(1)
            if let before, let after = try await ProcessorTime.ofBackends(client) {
                result.processorSeconds = after - before
            }
            result.evaluations = report.evaluations
            result.alerts = report.alerts
            result.score = DetectionScore(report, truth: truth, historyStart: scenario.start)
            return result
        }
    }

    var label: String { "\(kind.rawValue) \(Int(rate))/h seed \(scenario.seed)" }

    /// Says how far it is, every quarter of a minute.
    private actor Teller {
        private let label: String
        private var last = ContinuousClock.now

        init(_ label: String) { self.label = label }

        func tell(_ progress: BacktestProgress) {
            guard ContinuousClock.now - last >= .seconds(15) else { return }
            last = .now
            say("\(label): \(progress.evaluations) of \(progress.evaluationsInAll) evaluations, \(progress.transitions) transitions")
        }
    }
}
