import ArgumentParser
import Foundation
import Glibc
import Monitoring
import Postgres
import TestServer

/// The database goes away in the middle of it.
struct OutageCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "outage", abstract: "PostgreSQL away for ten seconds in the middle of delivery: nothing is lost, and it goes on.")

    /// How the server goes away.
    enum Way: String, CaseIterable, ExpressibleByArgument {
        /// As `pg_ctl stop -m immediate` does it; it recovers when it is started again.
        case stopped
        /// Its processes stand still, and nobody is told.
        case frozen
    }

    @OptionGroup var common: CommonOptions

    @Option(parsing: .upToNextOption, help: "stopped, frozen.")
    var way = Way.allCases

    @Option(help: "Alerts.")
    var alerts = 10_000

    @Option(help: "Seconds without the server.")
    var seconds = 10

    func validate() throws {
        guard (100...1_000_000).contains(alerts), (1...600).contains(seconds) else {
            throw ValidationError("--alerts is from 100 to 1000000, --seconds from 1 to 600")
        }
    }

    func run() async throws {
        let program = try common.monitor()
        var figures = Figures("outage, PostgreSQL away for \(seconds) s while \(alerts) alerts are delivered")
        for way in way {
            let outcome = try await Cleanup.shared.withFolder { folder in
                try await Self.run(way, program, folder, alerts: alerts, seconds: seconds)
            }
            let audit = Audit(outcome.arrivals)
            figures.add(.product, "\(way.rawValue), lost", Double(alerts - audit.alerts.count), "", goal: .atMost(0))
            figures.add(.product, "\(way.rawValue), from its return to the next new alert", outcome.resumed, "s", goal: .atMost(5))
            figures.add(.product, "\(way.rawValue), from its return to the last alert", outcome.finished, "s")
            figures.add(.product, "\(way.rawValue), received before", Double(outcome.before), "")
            figures.add(.product, "\(way.rawValue), received twice", Double(audit.repeats), "")
            figures.add(.product, "\(way.rawValue), twice with another id", Double(audit.withOtherID), "", goal: .atMost(0))
            figures.add(.product, "\(way.rawValue), twice with another body", Double(audit.withOtherBody), "", goal: .atMost(0))
        }
        try common.tell(figures)
    }

    private struct Outcome: Sendable {
        var arrivals: [Arrival]
        var before: Int
        var resumed: Double
        var finished: Double
    }

    private static func run(_ way: Way, _ program: String, _ folder: String, alerts: Int, seconds: Int) async throws -> Outcome {
        let cluster = try await Cluster("\(folder)/cluster")
        var server = try cluster.start()
        let result: Result<Outcome, any Error>
        do {
            _ = try await cluster.answers()
            let receiver = try HookReceiver()
            let monitor = try MonitorProgram(
                path: program, database: cluster.url, destinations: [.init(url: receiver.url)], folder: folder)
            let client = PostgresClient(try PostgresConfiguration(cluster.url), poolSize: 2)
            _ = try await SchemaMigrator(client: client).migrate()
            let feed = AlertFeed(client: client)
            let outcome = try await monitor.run(feed, warmUp: [(receiver, "all")]) { _ in
                try await feed.open(1000..<(1000 + alerts))
                guard try await becomes(within: 60, every: 1, { receiver.alerts >= alerts / 4 }) else {
                    throw Failure("nothing is delivered")
                }
                try await stop(server, way)
                let before = receiver.alerts
                try await Task.sleep(for: .seconds(seconds))
                let during = Set(receiver.arrivals.compactMap(\.alert))
                if way == .stopped { server = try cluster.start() } else { freeze(server, SIGCONT) }
                let back = way == .stopped ? try await cluster.answers() : Moment.now
                _ = try await becomes(within: 120) { receiver.alerts >= alerts }
                let later = receiver.arrivals.filter { $0.alert.map { !during.contains($0) } ?? false }
                let finished = receiver.alerts >= alerts ? (later.last?.at ?? .infinity) : .infinity
                // What may still come twice.
                _ = try await becomes(within: 45, every: 50) {
                    (try? await client.query("SELECT FROM monitoring_notifications WHERE status IN ('pending', 'sending') LIMIT 1"))?
                        .isEmpty == true
                }
                return Outcome(
                    arrivals: receiver.arrivals, before: before, resumed: max(0, (later.first?.at ?? .infinity) - back),
                    finished: finished - back)
            }
            await client.close()
            result = .success(outcome)
        } catch {
            result = .failure(error)
        }
        freeze(server, SIGCONT)
        try await server.end(SIGINT, within: 20)
        return try result.get()
    }

    private static func stop(_ server: ChildProcess, _ way: Way) async throws {
        switch way {
        case .stopped:
            server.signal(SIGQUIT)
            guard try await becomes(within: 20, { server.hasEnded() }) else { throw Failure("PostgreSQL does not stop") }
        case .frozen:
            freeze(server, SIGSTOP)
        }
    }

    /// The postmaster and all its processes.
    private static func freeze(_ server: ChildProcess, _ number: Int32) {
        guard !server.hasEnded() else { return }
        let children = server.file.children
        server.signal(number)
        for child in children + server.file.children { kill(child.id, number) }
    }
}
