import ArgumentParser
import Foundation
import Postgres
import TestServer

/// One receiver that misbehaves, and one that does not.
struct IsolationCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "isolation", abstract: "A receiver that hangs, with much due to it: what another one feels of it.")

    /// What the bad one does.
    enum Fault: String, CaseIterable, ExpressibleByArgument {
        case hang, drip, reset, large

        var reply: Reply {
            switch self {
            case .hang: .hang
            case .drip: .drip
            case .reset: .reset
            case .large: .large(10_000_000)
            }
        }
    }

    @OptionGroup var common: CommonOptions

    @Option(help: "hang, drip (a byte a second), reset or large (10 MB).")
    var fault = Fault.hang

    @Option(help: "Alerts for the bad one.")
    var due = 1000

    @Option(help: "Alerts for the good one, without and with the bad one.")
    var alerts = 600

    @Option(help: "Milliseconds from one alert to the next.")
    var gap = 100

    func validate() throws {
        guard (1...100_000).contains(due), (10...100_000).contains(alerts), (1...60_000).contains(gap) else {
            throw ValidationError("--due is from 1 to 100000, --alerts from 10 to 100000, --gap from 1 to 60000")
        }
    }

    func run() async throws {
        let program = try common.monitor()
        var figures = Figures("isolation, a receiver with \(due) due: \(fault.rawValue)")
        let (due, alerts, gap, reply) = (due, alerts, gap, fault.reply)
        let (without, with, requests) = try await Cleanup.shared.withFolder { folder in
            try await withMonitorDatabase { database in
                let good = try HookReceiver()
                let bad = try HookReceiver { number, _ in number == 1 ? .status(200) : reply }
                let monitor = try MonitorProgram(
                    path: program, database: database.url,
                    destinations: [
                        .init(name: "bad", url: bad.url, backend: "bad"), .init(name: "good", url: good.url, backend: "good"),
                    ], folder: folder)
                let feed = AlertFeed(client: database.client)
                return try await monitor.run(feed, warmUp: [(good, "good"), (bad, "bad")]) { _ in
                    let without = try await LatencyCommand.latencies(feed, good, backend: "good", from: 1000, count: alerts, gap: gap)
                    good.forget()
                    try await feed.open(1_000_000..<(1_000_000 + due), backend: "bad")
                    guard try await becomes(within: 10, { bad.count > 0 }) else { throw Failure("the bad receiver was sent nothing") }
                    let with = try await LatencyCommand.latencies(feed, good, backend: "good", from: 500_000, count: alerts, gap: gap)
                    return (without, with, bad.count)
                }
            }
        }
        figures.add(.product, "good one, alone", without, "ms")
        figures.add(.product, "good one, beside the bad one", with, "ms")
        let ratio = Sample(with).quantile(0.99) / Sample(without).quantile(0.99)
        figures.add(.product, "p99, beside over alone", ratio, "", goal: .atMost(2))
        figures.add(.surroundings, "requests to the bad one meanwhile", Double(requests), "")
        try common.tell(figures)
    }
}
