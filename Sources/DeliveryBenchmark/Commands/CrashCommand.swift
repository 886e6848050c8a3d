import ArgumentParser
import Foundation
import Glibc
import Postgres
import TestServer
import WebTransport

/// kill -9 in the middle of it, again and again.
struct CrashCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "crash", abstract: "kill -9 in the middle of delivery and a new start, many times: nothing is lost.",
        discussion: "The peer is Alertmanager, killed once in the middle of it and started again.")

    @OptionGroup var common: CommonOptions

    @Option(help: "Alerts.")
    var alerts = 10_000

    @Option(help: "How often it is killed.")
    var kills = 20

    func validate() throws {
        guard (100...1_000_000).contains(alerts), (1...1000).contains(kills) else {
            throw ValidationError("--alerts is from 100 to 1000000, --kills from 1 to 1000")
        }
    }

    func run() async throws {
        let program = try common.monitor()
        var figures = Figures("crash, killed \(kills) times while \(alerts) alerts are delivered")
        let (alerts, kills) = (alerts, kills)
        let (arrivals, underWay, took, peer) = try await Cleanup.shared.withFolder { folder in
            let (arrivals, underWay, took) = try await withMonitorDatabase { database in
                let receiver = try HookReceiver()
                let monitor = try MonitorProgram(
                    path: program, database: database.url, destinations: [.init(url: receiver.url)], folder: folder)
                return try await Self.run(database, monitor, receiver, alerts: alerts, kills: kills)
            }
            return (arrivals, underWay, took, try await Self.peer(folder, alerts: alerts))
        }
        let audit = Audit(arrivals)
        figures.add(.product, "alerts received", Double(audit.alerts.count), "", goal: .atLeast(Double(alerts)))
        figures.add(.product, "lost", Double(alerts - audit.alerts.count), "", goal: .atMost(0))
        figures.add(.product, "requests more than alerts", Double(audit.repeats), "")
        figures.add(.product, "under way when it was killed, all together", Double(underWay), "")
        figures.add(.product, "more than were under way", Double(max(0, audit.repeats - underWay)), "", goal: .atMost(0))
        figures.add(.product, "sent twice with another id", Double(audit.withOtherID), "", goal: .atMost(0))
        figures.add(.product, "sent twice with another body", Double(audit.withOtherBody), "", goal: .atMost(0))
        figures.add(.product, "took, restarts included", took, "s")
        peer(&figures)
        try common.tell(figures)
    }

    private static func run(
        _ database: TestDatabase, _ monitor: MonitorProgram, _ receiver: HookReceiver, alerts: Int, kills: Int
    ) async throws -> (arrivals: [Arrival], underWay: Int, took: Double) {
        let start = Moment.now
        try await AlertFeed(client: database.client).open(0..<alerts)
        var underWay: Set<String> = []
        for number in 0..<kills {
            let child = try monitor.start()
            // Somewhere in the next part, so that all kills fall into the delivery.
            let wanted = receiver.alerts + 1 + Int.random(in: 0...max(1, (alerts - receiver.alerts) / (kills - number + 1)))
            let came = try await becomes(within: 60, every: 1) { receiver.alerts >= min(wanted, alerts) }
            try await child.end(SIGKILL)
            guard came else { throw Failure("nothing was delivered for a minute:\n\(monitor.lastWords)") }
            // Claims of an earlier one may not have come back yet.
            let held = try await database.client.query(
                "SELECT id || '/' || claim_id AS claim FROM monitoring_notifications WHERE status = 'sending'")
            for row in held { underWay.insert(try row.decode("claim")) }
        }
        let child = try monitor.start()
        _ = try await becomes(within: 120) { receiver.alerts >= alerts }
        // What may still come twice.
        _ = try await becomes(within: 30, every: 50) {
            try await database.client.query("SELECT FROM monitoring_notifications WHERE status IN ('pending', 'sending') LIMIT 1").isEmpty
        }
        try await child.end()
        return (receiver.arrivals, underWay.count, Moment.now - start)
    }

    private static func peer(_ folder: String, alerts: Int) async throws -> @Sendable (inout Figures) -> Void {
        let receiver = try HookReceiver()
        // It has taken all of them before it delivers the first.
        guard let alertmanager = try Alertmanager(hook: receiver.url, folder: folder, wait: 3) else {
            return { $0.remark("Alertmanager is not installed: no peer") }
        }
        let transport = WebTransport()
        let child = try await alertmanager.start(transport)
        try await alertmanager.post(0..<alerts, transport)
        _ = try await becomes(within: 60, every: 1) { receiver.alerts >= alerts / 4 }
        try await child.end(SIGKILL)
        let again = try await alertmanager.start(transport)
        var last = -1
        // Over when nothing has come for three seconds.
        while receiver.count != last {
            last = receiver.count
            try await Task.sleep(for: .seconds(3))
        }
        try await again.end()
        await transport.close()
        let lost = alerts - receiver.alerts
        return { $0.add(.peer, "Alertmanager, killed once, lost of \(alerts)", Double(lost), "") }
    }
}
