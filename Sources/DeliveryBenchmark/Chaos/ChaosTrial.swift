import Foundation
import Glibc
import Postgres
import TestServer

/// Runs the services, hurts them, and judges what is left.
struct ChaosTrial: Sendable {
    private static let processes = 3
    /// Whoever evaluates must be replaced within so many seconds.
    private static let patience = 10.0

    private let program: String
    private let database: TestDatabase
    private let url: String
    private let folder: String
    private let receiver: HookReceiver

    init(program: String, database: TestDatabase, url: String, folder: String) throws {
        (self.program, self.database, self.url, self.folder) = (program, database, url, folder)
        receiver = try HookReceiver()
        try """
        detection: {evaluation_interval: 1s, resolve_after: 10m, windows: [1h]}
        receivers: [{name: hook, type: webhook, url: "\(receiver.url)", allow_private_network: true}]
        """.write(toFile: "\(folder)/torq-monitor.yaml", atomically: true, encoding: .utf8)
    }

    func run(seconds: Double, pause: Double) async throws -> Figures {
        let stream = RegressionStream(client: database.client)
        try await stream.prepare()
        var victims = try (0..<Self.processes).map { try Victim(start($0)) }
        var figures = Figures("chaos, \(Int(seconds)) s, \(url.contains("6432") ? "through PgBouncer" : "directly")")
        let watch = LeaderWatch(client: database.client)
        let flow = Task { try await stream.flow() }
        let watching = Task { try await watch.run() }
        var kills = 0, pauses = 0
        let end = Moment.now + seconds
        // Everybody has come up.
        guard try await becomes(within: 60, { await watch.hasLeader }) else { throw Failure("nobody evaluates:\n\(lastWords)") }
        while Moment.now < end {
            try await Task.sleep(for: .milliseconds(Int.random(in: 2000...5000)))
            for index in victims.indices {
                if victims[index].process.hasEnded() { victims[index] = try Victim(start(index)) }
                if let until = victims[index].pausedUntil, Moment.now >= until {
                    victims[index].process.signal(SIGCONT)
                    victims[index].pausedUntil = nil
                    await watch.resumed(victims[index].process.id)
                }
            }
            // One is left alone, so that there is somebody to take over.
            let awake = victims.indices.filter { victims[$0].pausedUntil == nil }
            guard awake.count > 1, var index = awake.randomElement() else { continue }
            // The one that evaluates more often than the others.
            let leader = await watch.leader
            if Bool.random(), let found = awake.first(where: { victims[$0].process.id == leader }) { index = found }
            let process = victims[index].process
            await watch.hurt(process.id)
            if Bool.random() {
                try await process.end(SIGKILL)
                kills += 1
                victims[index] = try Victim(start(index))
            } else {
                process.signal(SIGSTOP)
                pauses += 1
                victims[index].pausedUntil = Moment.now + pause
            }
        }
        for victim in victims where victim.pausedUntil != nil { victim.process.signal(SIGCONT) }
        flow.cancel()
        _ = try? await flow.value
        let isSettled = try await becomes(within: 90, every: 200) { try await self.isSettled() }
        watching.cancel()
        _ = try? await watching.value
        for victim in victims { try await victim.process.end() }

        figures.add(.surroundings, "kill -9", Double(kills), "")
        figures.add(.surroundings, "paused \(Int(pause)) s", Double(pauses), "")
        let gaps = await watch.gaps
        figures.add(.product, "until another evaluates", gaps, "s")
        figures.add(.product, "until another evaluates, longest", gaps.max() ?? 0, "s", goal: .atMost(Self.patience))
        try await judge(&figures, seconds, isSettled: isSettled)
        return figures
    }

    private func start(_ number: Int) throws -> ChildProcess {
        try ChildProcess(
            program,
            ["serve", "--port", "0", "--database", url, "--config", "\(folder)/torq-monitor.yaml", "--log-level", "notice"],
            log: "\(folder)/\(number).log")
    }

    /// All is routed and told.
    private func isSettled() async throws -> Bool {
        try await database.client.query(
            """
            SELECT NOT EXISTS (SELECT FROM monitoring_notifications WHERE status IN ('pending', 'sending'))
                AND NOT EXISTS (SELECT FROM monitoring_alert_transitions WHERE routed_at IS NULL) AS settled
            """)[0].decode("settled")
    }

    private func judge(_ figures: inout Figures, _ seconds: Double, isSettled: Bool) async throws {
        let row = try await database.client.query(Self.verdict)[0]
        func number(_ name: String) throws -> Double { Double(try row.decode(name, as: Int.self)) }
        figures.add(.product, "alerts", try number("alerts"), "", goal: .atLeast((seconds / 100).rounded()))
        figures.add(.product, "transitions", try number("transitions"), "", goal: .atLeast((seconds / 50).rounded()))
        figures.add(.product, "alerts opened twice", try number("twice"), "", goal: .atMost(0))
        figures.add(.product, "steps that do not follow from the one before", try number("broken"), "", goal: .atMost(0))
        figures.add(.product, "steps that nobody was told, of those to be told", try number("untold"), "", goal: .atMost(0))
        figures.add(.product, "notifications that are not delivered", try number("undelivered"), "", goal: .atMost(0))
        let ids = Set(
            try await database.client.query(
                "SELECT coalesce(message_id, id) AS id FROM monitoring_notifications WHERE status = 'delivered'"
            )
            .map { try $0.decode("id", as: UUID.self) })
        let arrivals = receiver.arrivals
        let came = Set(arrivals.compactMap(\.id))
        figures.add(.product, "delivered, and never received", Double(ids.subtracting(came).count), "", goal: .atMost(0))
        figures.add(.product, "received, and in no row", Double(came.subtracting(ids).count), "", goal: .atMost(0))
        figures.add(.product, "requests", Double(arrivals.count), "")
        figures.add(.product, "requests more than messages", Double(arrivals.count - came.count), "")
        var bodies: [UUID: UInt64] = [:]
        let others = arrivals.count { arrival in
            guard let id = arrival.id else { return true }
            defer { bodies[id] = bodies[id] ?? arrival.digest }
            return bodies[id].map { $0 != arrival.digest } ?? false
        }
        figures.add(.product, "sent twice with another body", Double(others), "", goal: .atMost(0))
        if !isSettled { figures.remark("it did not come to rest within 90 s") }
        for number in 0..<Self.processes {
            for line in words(number) where line.contains(#""level":"error""#) || line.contains("Fatal") || line.contains("crash") {
                figures.remark("\(number): \(line.prefix(300))")
            }
        }
    }

    private func words(_ number: Int) -> [Substring] {
        ((try? String(contentsOfFile: "\(folder)/\(number).log", encoding: .utf8)) ?? "").split(separator: "\n")
    }

    private var lastWords: String {
        (0..<Self.processes).flatMap { words($0).suffix(5) }.joined(separator: "\n")
    }

    /// A service, and until when it is stopped.
    private struct Victim {
        var process: ChildProcess
        var pausedUntil: Double?

        init(_ process: ChildProcess) {
            self.process = process
        }
    }

    /// Of each alert, whether each step goes from where the one before went to.
    private static let verdict = """
        WITH steps AS (
            SELECT
                t.*, lag(t.to_status) OVER alert AS before, lag(t.sequence) OVER alert AS sequence_before,
                lag(t.to_severity) OVER alert AS severity_before
            FROM monitoring_alert_transitions t
            WINDOW alert AS (PARTITION BY t.alert_id ORDER BY t.sequence)
        )
        SELECT
            (SELECT count(*) FROM monitoring_alerts) AS alerts,
            (SELECT count(*) FROM steps) AS transitions,
            (SELECT count(*) FROM (
                SELECT alert_id FROM steps WHERE transition = 'opened' GROUP BY alert_id HAVING count(*) <> 1) twice) AS twice,
            (SELECT count(*) FROM steps
             WHERE sequence <> coalesce(sequence_before, 0) + 1
                OR from_status IS DISTINCT FROM before
                OR before IS NOT NULL AND from_severity IS DISTINCT FROM severity_before
                OR (before IS NULL) <> (transition = 'opened')
                OR transition = 'reopened' AND before <> 'resolved'
                OR transition = 'resolved' AND before = 'resolved') AS broken,
            (SELECT count(*) FROM steps
             WHERE transition IN ('opened', 'escalated', 'reopened', 'resolved')
                AND NOT EXISTS (
                    SELECT FROM monitoring_notifications n WHERE n.alert_id = steps.alert_id AND n.sequence = steps.sequence)) AS untold,
            (SELECT count(*) FROM monitoring_notifications WHERE status NOT IN ('delivered', 'superseded')) AS undelivered
        """
}
