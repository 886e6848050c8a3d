import ArgumentParser
import Foundation
import Postgres
import TestServer

/// A receiver that asks for rest.
struct ThrottleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "throttle", abstract: "429 with Retry-After: 3 in the middle of it: the pause is kept, and nothing is lost.")

    @OptionGroup var common: CommonOptions

    @Option(help: "Alerts.")
    var alerts = 1000

    func validate() throws {
        guard (100...100_000).contains(alerts) else { throw ValidationError("--alerts is from 100 to 100000") }
    }

    func run() async throws {
        let program = try common.monitor()
        var figures = Figures("throttle, 429 with Retry-After: 3 after a third of \(alerts) alerts")
        let alerts = alerts
        let third = alerts / 3
        let (arrivals, received) = try await Cleanup.shared.withFolder { folder in
            try await withMonitorDatabase { database in
                let throttle = Throttle()
                let receiver = try HookReceiver { number, at in
                    throttle.isThrottled(number, at, after: third) ? .status(429, headers: "Retry-After: 3\r\n") : .status(200)
                }
                let monitor = try MonitorProgram(
                    path: program, database: database.url, destinations: [.init(url: receiver.url)], folder: folder)
                let feed = AlertFeed(client: database.client)
                return try await monitor.run(feed, warmUp: [(receiver, "all")]) { _ in
                    try await feed.open(1000..<(1000 + alerts))
                    _ = try await becomes(within: 60) { receiver.alerts >= alerts }
                    return (receiver.arrivals, receiver.alerts)
                }
            }
        }
        guard let first = arrivals.first(where: { $0.status == 429 }) else { throw Failure("there was no 429") }
        let later = arrivals.filter { $0.at > first.at }
        // What was on its way when the answer was written cannot be called back.
        let onTheWay = later.filter { $0.at < first.at + Throttle.grace }.count
        let meanwhile = later.filter { $0.at >= first.at + Throttle.grace && $0.at < first.at + 3 }.count
        let resumed = (later.first { $0.at >= first.at + Throttle.grace }?.at ?? .infinity) - first.at
        figures.add(.product, "received with 2xx", Double(received), "", goal: .atLeast(Double(alerts)))
        figures.add(.product, "requests during the rest", Double(meanwhile), "", goal: .atMost(0))
        figures.add(.product, "requests under way at the 429 (within \(Int(Throttle.grace * 1000)) ms)", Double(onTheWay), "")
        figures.add(.product, "resumed after, at least", resumed, "s", goal: .atLeast(3))
        figures.add(.product, "resumed after, at most", resumed, "s", goal: .atMost(4))
        figures.add(.product, "answers with 429", Double(arrivals.filter { $0.status == 429 }.count), "")
        try common.tell(figures)
    }
}

/// Throttles for three seconds from the request of a number on. Unchecked: on the receiver's thread alone.
private final class Throttle: @unchecked Sendable {
    /// How long requests may come that left before the answer was read.
    static let grace = 0.1

    private var until: Double?

    func isThrottled(_ number: Int, _ at: Double, after: Int) -> Bool {
        if until == nil, number >= after { until = at + 2.9 }
        return until.map { at < $0 } ?? false
    }
}
