import ArgumentParser
import Foundation
import Glibc
import Postgres
import TestServer
import WebTransport

/// Alerts from elsewhere, in Alertmanager's place and against it.
struct RelayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "relay", abstract: "Alerts posted as Prometheus posts them: accepted, told, posted again, found, and never lost.",
        discussion: "The peer is Alertmanager in the same run, with a group_wait of 0 s and each alert by itself, as here.")

    @OptionGroup var common: CommonOptions

    @Option(help: "Alerts.")
    var alerts = 10_000

    @Flag(help: "What statements and PostgreSQL's processes took, by pg_stat_statements, which the server must have loaded.")
    var statements = false

    func validate() throws {
        guard (1000...100_000).contains(alerts) else { throw ValidationError("--alerts is from 1000 to 100000") }
    }

    /// What one of them took, in seconds.
    private struct Run: Sendable {
        var accepted = 0.0
        var lastTold = Double.infinity
        var acceptedAgain = 0.0
        var told = 0
        var toldMore = 0
        /// Milliseconds of each look-up.
        var found: [Double] = []
        var peak = 0.0
        var processor = ProcessorTime()
        var server = ProcessorTime()
        /// A line each.
        var parts: [String] = []
    }

    func run() async throws {
        let program = try common.monitor()
        var figures = Figures("relay, \(alerts) alerts, 100 a request")
        let (alerts, statements) = (alerts, statements)
        let (own, crash, peer) = try await Cleanup.shared.withFolder { folder in
            let own = try await withMonitorDatabase { try await Self.product($0, program, folder, alerts: alerts, statements: statements) }
            let crash = try await withMonitorDatabase { try await Self.crash($0, program, folder, alerts: alerts) }
            return (own, crash, try await Self.peer(folder, alerts: alerts))
        }
        let bound = peer.map { $0.accepted * 2 }
        figures.add(.product, "accepted", own.accepted, "s", goal: bound.map { .atMost($0) })
        figures.add(.product, "from the first post to the last webhook", own.lastTold, "s", goal: peer.map { .atMost($0.lastTold) })
        figures.add(.product, "told", Double(own.told), "", goal: .atLeast(Double(alerts)))
        figures.add(.product, "posted again, accepted", own.acceptedAgain, "s", goal: .atMost(own.accepted / 2))
        figures.add(.product, "posted again, webhooks more", Double(own.toldMore), "", goal: .atMost(0))
        figures.add(.product, "one found of all", own.found, "ms", median: .atMost(3))
        figures.add(.product, "peak of resident memory", own.peak / 1e6, "MB", goal: .atMost(150))
        figures.add(.product, "program", own.processor, per: alerts)
        figures.add(.surroundings, "PostgreSQL", own.server, per: alerts)
        figures.add(.product, "killed in the middle: accepted and not told", Double(crash), "", goal: .atMost(0))
        if let peer {
            figures.add(.peer, "Alertmanager, accepted", peer.accepted, "s")
            figures.add(.peer, "Alertmanager, from the first post to the last webhook", peer.lastTold, "s")
            figures.add(.peer, "Alertmanager, posted again, accepted", peer.acceptedAgain, "s")
            figures.add(.peer, "Alertmanager, one found of all", peer.found, "ms")
            figures.add(.peer, "Alertmanager, peak of resident memory", peer.peak / 1e6, "MB")
            figures.add(.peer, "Alertmanager", peer.processor, per: alerts)
        } else {
            figures.remark("Alertmanager is not installed: no peer")
        }
        for part in own.parts { figures.remark(part) }
        try common.tell(figures)
    }

    private static func product(
        _ database: TestDatabase, _ path: String, _ folder: String, alerts: Int, statements: Bool
    ) async throws -> Run {
        let receiver = try HookReceiver()
        let program = try RelayProgram(path: path, database: database.url, hook: receiver.url, folder: folder)
        let transport = WebTransport()
        let child = try await program.start(transport)
        // Once everything that is made once is there.
        try await RelayFeed.post(0..<1, port: program.port, transport)
        guard try await becomes(within: 60, { receiver.count > 0 }) else { throw Failure("nothing is told") }
        try await Task.sleep(for: .milliseconds(500))
        receiver.forget()
        try await database.client.query("CHECKPOINT")
        if statements { try await StatementFigures.reset(database.client) }
        let server = try await ServerUsage(of: database.client)
        let before = child.file.processorTime()
        var run = try await measure(receiver, port: program.port, transport, alerts: alerts)
        let after = server.again()
        run.processor = child.file.processorTime() - before
        run.server = after.since(server)
        if statements {
            run.parts = after.parts(since: server).prefix(8).map { part in
                String(format: "%7.1f µs an alert: ", part.time.total / Double(alerts) * 1e6) + "\(part.title) (\(part.id))"
            }
            run.parts += try await StatementFigures.top(database.client, alerts: alerts)
        }
        run.peak = child.file.peakMemory
        try await child.end()
        await transport.close()
        return run
    }

    private static func peer(_ folder: String, alerts: Int) async throws -> Run? {
        let receiver = try HookReceiver()
        guard let alertmanager = try Alertmanager(hook: receiver.url, folder: folder) else { return nil }
        let transport = WebTransport()
        let child = try await alertmanager.start(transport)
        var run = try await measure(receiver, port: alertmanager.port, transport, alerts: alerts)
        run.processor = child.file.processorTime()
        run.peak = child.file.peakMemory
        try await child.end()
        await transport.close()
        return run
    }

    private static func measure(_ receiver: HookReceiver, port: Int, _ transport: WebTransport, alerts: Int) async throws -> Run {
        var run = Run()
        let numbers = 1000..<(1000 + alerts)
        let start = Moment.now
        try await RelayFeed.post(numbers, port: port, transport)
        run.accepted = Moment.now - start
        if try await becomes(within: 180, { receiver.alerts >= alerts }) {
            run.lastTold = (receiver.arrivals.last?.at ?? .infinity) - start
        }
        run.told = receiver.alerts
        try await Task.sleep(for: .seconds(2))
        let told = receiver.count
        let again = Moment.now
        try await RelayFeed.post(numbers, port: port, transport)
        run.acceptedAgain = Moment.now - again
        try await Task.sleep(for: .seconds(2))
        run.toldMore = receiver.count - told
        for look in 0..<200 {
            let name = "\(AlertFeed.mark)\(1000 + look * 37 % alerts)"
            let begun = Moment.now
            let answer = try await transport.send(
                WebRequest(url: "http://127.0.0.1:\(port)/api/v2/alerts?filter=alertname%3D%22\(name)%22", addresses: .any))
            run.found.append((Moment.now - begun) * 1e3)
            guard answer.status == 200, String(decoding: answer.body, as: UTF8.self).contains(name) else {
                throw Failure("\(name) was not found: \(answer.status)")
            }
        }
        return run
    }

    /// Posted, killed when a quarter is told, started again.
    ///
    /// - Returns: How many were accepted and never told.
    private static func crash(_ database: TestDatabase, _ path: String, _ folder: String, alerts: Int) async throws -> Int {
        let receiver = try HookReceiver()
        let program = try RelayProgram(path: path, database: database.url, hook: receiver.url, folder: folder)
        let transport = WebTransport()
        let child = try await program.start(transport)
        let numbers = 1000..<(1000 + alerts)
        try await RelayFeed.post(numbers, port: program.port, transport)
        _ = try await becomes(within: 60, every: 1) { receiver.alerts >= alerts / 4 }
        try await child.end(SIGKILL)
        let again = try await program.start(transport)
        _ = try await becomes(within: 120) { receiver.alerts >= alerts }
        try await again.end()
        await transport.close()
        return alerts - receiver.alerts
    }
}
