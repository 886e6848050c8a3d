import ArgumentParser
import Foundation
import Glibc
import Postgres
import TestServer
import WebTransport

/// One alert at a time on an idle system.
struct LatencyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "latency", abstract: "One alert at a time, idle: from its commit to the request that tells of it.",
        discussion: "The floor is what no durable dispatcher can leave out: two commits that reach the disk, and one POST over loopback.")

    @OptionGroup var common: CommonOptions

    @Option(help: "Alerts.")
    var alerts = 250

    @Option(help: "Milliseconds from one alert to the next, a fifth more or less.")
    var gap = 200

    func validate() throws {
        guard (10...100_000).contains(alerts), (1...60_000).contains(gap) else {
            throw ValidationError("--alerts is from 10 to 100000, --gap from 1 to 60000")
        }
    }

    func run() async throws {
        let program = try common.monitor()
        var figures = Figures("latency, an alert every \(gap) ms")
        let (alerts, gap) = (alerts, gap)
        let (latencies, floor) = try await Cleanup.shared.withFolder { folder in
            try await withMonitorDatabase { database in
                let receiver = try HookReceiver()
                let monitor = try MonitorProgram(
                    path: program, database: database.url, destinations: [.init(url: receiver.url)], folder: folder)
                let feed = AlertFeed(client: database.client)
                let latencies = try await monitor.run(feed, warmUp: [(receiver, "all")]) { _ in
                    try await Self.latencies(feed, receiver, backend: "all", from: 1000, count: alerts, gap: gap)
                }
                return (latencies, try await Self.floor(database.client, receiver, count: alerts))
            }
        }
        figures.add(.product, "commit to request received", latencies, "ms", median: .atMost(5), p99: .atMost(20))
        figures.add(.floor, "two commits and a POST", floor, "ms")
        try common.tell(figures)
    }

    /// Opens alerts one by one.
    ///
    /// - Returns: Milliseconds from each commit to its request; infinity where none came within half a minute of the last.
    static func latencies(
        _ feed: AlertFeed, _ receiver: HookReceiver, backend: String, from first: Int, count: Int, gap: Int
    ) async throws -> [Double] {
        var opened: [Int: Double] = [:]
        for number in first..<(first + count) {
            opened[number] = try await feed.open(number..<(number + 1), backend: backend).after
            try await Task.sleep(for: .milliseconds(Int.random(in: (gap * 4 / 5)...max(gap * 6 / 5, gap))))
        }
        _ = try await becomes(within: 30) { receiver.alerts >= count }
        var received: [Int: Double] = [:]
        for arrival in receiver.arrivals { if let alert = arrival.alert, received[alert] == nil { received[alert] = arrival.at } }
        // The request may be there before COMMIT has returned to us.
        return opened.map { number, at in max(0, ((received[number] ?? .infinity) - at) * 1e3) }
    }

    private static func floor(_ client: PostgresClient, _ receiver: HookReceiver, count: Int) async throws -> [Double] {
        try await client.query("CREATE TABLE floor (id integer, body text)")
        let transport = WebTransport()
        let body = [UInt8](repeating: 0x61, count: 1500)
        var milliseconds: [Double] = []
        for number in 0..<count {
            let start = Moment.now
            for _ in 0..<2 { try await client.query("INSERT INTO floor VALUES ($1::integer, repeat('x', 500))", [.int(number)]) }
            let before = receiver.count
            _ = try await transport.send(WebRequest(method: "POST", url: receiver.url, body: body, addresses: .any))
            let at = receiver.arrivals(since: before).first?.at ?? Moment.now
            milliseconds.append((at - start) * 1e3)
            try await Task.sleep(for: .milliseconds(5))
        }
        await transport.close()
        return milliseconds
    }
}
