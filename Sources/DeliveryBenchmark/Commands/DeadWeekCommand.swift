import ArgumentParser
import Foundation
import Glibc
import Postgres
import TestServer

/// A week in which one of six receivers is dead.
struct DeadWeekCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dead-week", abstract: "Seven days of a dead receiver beside five live ones, in compressed time.",
        discussion: """
            An alert every five minutes goes to all six. All waits of delivery (back-off, rest, giving up) are shorter by the factor by \
            which the week is; the time that a request or a statement takes is what it is.
            """)

    @OptionGroup var common: CommonOptions

    @Option(help: "Seconds that the week takes.")
    var seconds = 168.0

    @Option(help: "Days.")
    var days = 7

    func validate() throws {
        guard (10...86_400).contains(seconds), (1...100).contains(days) else {
            throw ValidationError("--seconds is from 10 to 86400, --days from 1 to 100")
        }
    }

    private struct Stage: Sendable {
        var server: ServerUsage
        var dispatcher: ProcessorTime
        var memory: Double
    }

    private struct Outcome: Sendable {
        var live: [[Arrival]]
        var opened: [Double]
        var stages: [Stage]
        var deadAttempts: Int
        var backlog: Int
        var peak: Double
    }

    func run() async throws {
        let alerts = days * 288
        let factor = Double(days) * 86_400 / seconds
        var figures = Figures("dead-week, \(days) days in \(Int(seconds)) s, an alert every 5 minutes to 6 receivers, one of them dead")
        let outcome = try await Cleanup.shared.withFolder { folder in
            try await withMonitorDatabase { try await Self.run($0, folder, alerts: alerts, factor: factor) }
        }
        let requests = outcome.live.reduce(0) { $0 + $1.count }
        figures.add(.product, "requests to the live ones", Double(requests), "")
        figures.add(.product, "requests to the dead one", Double(outcome.deadAttempts), "")
        figures.add(
            .product, "share of the dead one", 100 * Double(outcome.deadAttempts) / Double(max(1, requests + outcome.deadAttempts)), "%",
            goal: .atMost(1))
        let missing = outcome.live.reduce(0) { $0 + alerts - Set($1.compactMap(\.alert)).count }
        figures.add(.product, "not received by a live one", Double(missing), "", goal: .atMost(0))
        figures.add(.product, "waiting for the dead one at the end", Double(outcome.backlog), "")
        let tenth = alerts / 10
        let (start, end) = (latencies(outcome, 0..<tenth), latencies(outcome, (alerts - tenth)..<alerts))
        figures.add(.product, "live ones, first tenth", start, "ms")
        figures.add(.product, "live ones, last tenth", end, "ms")
        figures.add(
            .product, "live ones, median at the end over the start", Sample(end).quantile(0.5) / Sample(start).quantile(0.5), "",
            goal: .atMost(1.5))
        let (first, last) = (cost(outcome.stages, 0, tenth), cost(outcome.stages, 2, tenth))
        figures.add(.surroundings, "PostgreSQL, CPU an alert, first tenth", first.server, "ms")
        figures.add(.surroundings, "PostgreSQL, CPU an alert, last tenth", last.server, "ms")
        figures.add(.product, "PostgreSQL, CPU at the end over the start", last.server / first.server, "", goal: .atMost(1.5))
        figures.add(.product, "dispatcher, CPU an alert, first tenth", first.dispatcher, "ms")
        figures.add(.product, "dispatcher, CPU an alert, last tenth", last.dispatcher, "ms")
        figures.add(.product, "resident memory after a tenth", outcome.stages[1].memory / 1e6, "MB")
        figures.add(.product, "resident memory at the end", outcome.stages[3].memory / 1e6, "MB")
        figures.add(
            .product, "memory at the end over the start", outcome.stages[3].memory / outcome.stages[1].memory, "", goal: .atMost(1.3))
        figures.add(.product, "peak of resident memory", outcome.peak / 1e6, "MB")
        try common.tell(figures)
    }

    private func latencies(_ outcome: Outcome, _ numbers: Range<Int>) -> [Double] {
        outcome.live.flatMap { arrivals in
            arrivals.compactMap { arrival in
                guard let alert = arrival.alert, numbers.contains(alert) else { return nil }
                return max(0, (arrival.at - outcome.opened[alert]) * 1e3)
            }
        }
    }

    private func cost(_ stages: [Stage], _ first: Int, _ alerts: Int) -> (server: Double, dispatcher: Double) {
        let (start, end) = (stages[first], stages[first + 1])
        return (
            end.server.since(start.server).total / Double(alerts) * 1e3, (end.dispatcher - start.dispatcher).total / Double(alerts) * 1e3
        )
    }

    private static func run(_ database: TestDatabase, _ folder: String, alerts: Int, factor: Double) async throws -> Outcome {
        let live = try (0..<5).map { _ in try HookReceiver() }
        let dead = try HookReceiver.unusedPort()
        let receivers = live.enumerated().map { "live\($0)=\($1.url)" } + ["dead=http://127.0.0.1:\(dead)/hook"]
        let dispatcher = try ChildProcess(
            "/proc/self/exe", ["dispatch", "--database", database.url, "--factor", "\(factor)", "--receiver"] + receivers,
            log: "\(folder)/dispatch.log")
        let result: Result<Outcome, any Error>
        do {
            result = .success(try await watch(database, dispatcher, live, alerts: alerts, factor: factor))
        } catch {
            result = .failure(error)
        }
        try await dispatcher.end()
        return try result.get()
    }

    private static func watch(
        _ database: TestDatabase, _ dispatcher: ChildProcess, _ live: [HookReceiver], alerts: Int, factor: Double
    ) async throws -> Outcome {
        let feed = AlertFeed(client: database.client)
        try await feed.open(1_000_000..<1_000_001)
        guard try await becomes(within: 30, { live.allSatisfy { $0.count > 0 } }) else { throw Failure("nothing is delivered") }
        for receiver in live { receiver.forget() }
        var opened: [Double] = []
        var stages: [Stage] = []
        func stage() async throws {
            stages.append(
                Stage(
                    server: try await ServerUsage(of: database.client), dispatcher: dispatcher.file.processorTime(),
                    memory: dispatcher.file.memory))
        }
        let start = Moment.now
        for number in 0..<alerts {
            if [0, alerts / 10, alerts - alerts / 10].contains(number) { try await stage() }
            opened.append(try await feed.open(number..<(number + 1)).after)
            let next = start + Double(number + 1) * 300 / factor
            try await Task.sleep(for: .seconds(max(0, next - Moment.now)))
        }
        try await stage()
        _ = try await becomes(within: 30) { live.allSatisfy { $0.alerts >= alerts } }
        let row = try await database.client.query(
            """
            SELECT
                (SELECT count(*)::integer FROM monitoring_delivery_attempts a JOIN monitoring_notifications n ON n.id = a.notification_id
                 WHERE n.receiver = 'dead') AS attempts,
                (SELECT count(*)::integer FROM monitoring_notifications WHERE receiver = 'dead' AND status = 'pending') AS backlog
            """
        ).first
        return Outcome(
            live: live.map(\.arrivals), opened: opened, stages: stages, deadAttempts: try row?.decode("attempts") ?? 0,
            backlog: try row?.decode("backlog") ?? 0, peak: dispatcher.file.peakMemory)
    }
}
