import ArgumentParser
import Foundation
import Postgres
import TestServer
import WebTransport

/// Many alerts at once through the outbox to one receiver.
struct OutboxCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "outbox", abstract: "Many alerts at once, ungrouped, to one receiver: rate and memory.",
        discussion: """
            From the COMMIT of the alerts to the last 2xx. The floor is the same rows written by plain SQL, 500 at a time; the peer is \
            Alertmanager, which keeps all in memory, with the same alerts posted a hundred a request.
            """)

    @OptionGroup var common: CommonOptions

    @Option(help: "Alerts.")
    var alerts = 10_000

    @Flag(help: "What statements took, by pg_stat_statements, which the server must have loaded.")
    var statements = false

    func validate() throws {
        guard (100...1_000_000).contains(alerts) else { throw ValidationError("--alerts is from 100 to 1000000") }
    }

    func run() async throws {
        let program = try common.monitor()
        var figures = Figures("outbox, \(alerts) alerts at once")
        let (alerts, statements) = (alerts, statements)
        let parts = try await Cleanup.shared.withFolder { folder in
            let own = try await withMonitorDatabase { database in
                try await Self.product(database, program, folder, alerts: alerts, statements: statements)
            }
            let floor = try await withMonitorDatabase { try await OutboxFloor(client: $0.client).run(alerts) }
            return own + [floor, try await Self.peer(folder, alerts: alerts)]
        }
        for part in parts { part(&figures) }
        try common.tell(figures)
    }

    private static func product(
        _ database: TestDatabase, _ program: String, _ folder: String, alerts: Int, statements: Bool
    ) async throws -> [@Sendable (inout Figures) -> Void] {
        let receiver = try HookReceiver()
        let monitor = try MonitorProgram(
            path: program, database: database.url, destinations: [.init(url: receiver.url)], folder: folder)
        let feed = AlertFeed(client: database.client)
        return try await monitor.run(feed, warmUp: [(receiver, "all")]) { child in
            try await database.client.query("CHECKPOINT")
            if statements { try await StatementFigures.reset(database.client) }
            let server = try await ServerUsage(of: database.client)
            let before = (child.file.processorTime(), receiver.processorTime)
            let opened = try await feed.open(1000..<(1000 + alerts))
            let came = try await becomes(within: 120) { receiver.alerts >= alerts }
            let rest = try await settled(database.client)
            let after = server.again()
            let used = (child.file.processorTime() - before.0, receiver.processorTime - before.1)
            let arrivals = receiver.arrivals
            let peak = child.file.peakMemory
            let received = receiver.alerts
            let top = statements ? try await StatementFigures.top(database.client, alerts: alerts) : []
            let first = (arrivals.first?.at ?? .infinity) - opened.before
            let last = came ? (arrivals.last?.at ?? .infinity) - opened.before : .infinity
            return [
                { figures in
                    figures.add(.product, "n", Double(alerts), "")
                    figures.add(.product, "from commit to last 2xx", last, "s")
                    figures.add(.product, "rate", Double(alerts) / last, "/s", goal: .atLeast(5000))
                    figures.add(.product, "peak of resident memory", peak / 1e6, "MB", goal: .atMost(120))
                    figures.add(.product, "from commit to first request", first * 1e3, "ms")
                    figures.add(.product, "received", Double(received), "", goal: .atLeast(Double(alerts)))
                    figures.add(.product, "received twice", Double(arrivals.count - received), "", goal: .atMost(0))
                    figures.add(.product, "from last 2xx to all recorded", rest, "s")
                    figures.add(.product, "dispatcher", used.0, per: alerts)
                    figures.add(.surroundings, "PostgreSQL", after.since(server), per: alerts)
                    for part in after.parts(since: server).prefix(8) {
                        figures.add(.surroundings, "\(part.title) (\(part.id)), CPU each", part.time.total / Double(alerts) * 1e6, "µs")
                    }
                    figures.add(.surroundings, "receiver, CPU each", used.1 / Double(alerts) * 1e6, "µs")
                    for line in top { figures.remark(line) }
                }
            ]
        }
    }

    /// How long it takes until nothing waits or is under way.
    private static func settled(_ client: PostgresClient) async throws -> Double {
        let start = Moment.now
        let isSettled = try await becomes(within: 60, every: 20) {
            try await client.query("SELECT FROM monitoring_notifications WHERE status IN ('pending', 'sending') LIMIT 1").isEmpty
        }
        return isSettled ? Moment.now - start : .infinity
    }

    private static func peer(_ folder: String, alerts: Int) async throws -> @Sendable (inout Figures) -> Void {
        let receiver = try HookReceiver()
        guard let alertmanager = try Alertmanager(hook: receiver.url, folder: folder) else {
            return { $0.remark("Alertmanager is not installed: no peer") }
        }
        let transport = WebTransport()
        let child = try await alertmanager.start(transport)
        let start = Moment.now
        try await alertmanager.post(0..<alerts, transport)
        let posted = Moment.now - start
        let came = try await becomes(within: 120) { receiver.alerts >= alerts }
        let took = came ? (receiver.arrivals.last?.at ?? .infinity) - start : .infinity
        let peak = child.file.peakMemory
        let time = child.file.processorTime()
        try await child.end()
        await transport.close()
        return { figures in
            figures.add(.peer, "Alertmanager, rate", Double(alerts) / took, "/s")
            figures.add(.peer, "Alertmanager, until all are posted", posted, "s")
            figures.add(.peer, "Alertmanager, peak of resident memory", peak / 1e6, "MB")
            figures.add(.peer, "Alertmanager", time, per: alerts)
        }
    }
}
