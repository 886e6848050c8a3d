import Foundation
import Postgres
import Subprocess
import TestSupport
import Testing

/// The call that somebody expects after each good evaluation, through the program.
@Suite(
    .enabled(if: TestDatabase.isAvailable, TestDatabase.hint), .enabled(if: Program.isBuilt, "torq-monitor was not built beside the tests"),
    .timeLimit(.minutes(4)))
struct HeartbeatTests {
    /// Two processes that share a database: this one evaluates, and nobody delivers.
    @Test func itStaysAwayWhileNothingIsDelivered() async throws {
        let watch = try HTTPFixture { _ in .answer(status: 200) }
        defer { watch.stop() }
        let (directory, path) = try Self.configuration(watch)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try await withTestDatabase { database in
            let client = database.client
            let code = try await Program.run(["serve", "--role", "worker", "--database", database.url, "--config", path]) { send in
                try await eventually("it beats again and again", timeout: .seconds(60)) { watch.requests.count >= 2 }
                #expect(watch.requests.allSatisfy { $0.method == "GET" && $0.target == "/ping/S3CRET" && $0.body.isEmpty })

                // Owed for ten minutes, and nobody has tried anything.
                try await client.withConnection { try await $0.executeScript(Self.owed) }
                try await Self.evaluated(twiceAfter: client)
                let whenOwed = watch.requests.count
                try await Self.evaluated(twiceAfter: client)
                #expect(watch.requests.count == whenOwed)

                try await client.query("UPDATE monitoring_notifications SET status = 'delivered', delivered_at = now()")
                try await eventually("it beats again", timeout: .seconds(60)) { watch.requests.count > whenOwed }
                try send(.terminate)
            }
            #expect(code == 0)
        }
    }

    @Test func oneThatIsNotTakenIsLoggedOnceWithoutItsAddress() async throws {
        let isTaken = Flag()
        let watch = try HTTPFixture { _ in .answer(status: isTaken.isSet ? 204 : 500) }
        defer { watch.stop() }
        let (directory, path) = try Self.configuration(watch)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try await withTestDatabase { database in
            let log = try await Program.serveWithLog(["--database", database.url, "--config", path]) { _, _ in
                try await eventually("it is refused again and again", timeout: .seconds(60)) { watch.requests.count >= 3 }
                let whenRefused = watch.requests.count
                isTaken.set()
                try await eventually("it is taken", timeout: .seconds(60)) { watch.requests.count >= whenRefused + 2 }
            }
            #expect(log.code == 0)
            #expect(log.text.matches(of: /The heartbeat was not taken/).count == 1, "\(log.text)")
            #expect(log.text.matches(of: /The heartbeat is back/).count == 1)
            #expect(!log.text.contains("S3CRET"))
        }
    }

    /// Waits for the end of an evaluation that began after the call.
    private static func evaluated(twiceAfter client: PostgresClient) async throws {
        // What runs at this moment may have begun before.
        for _ in 0..<2 {
            let before = try await lastRun(client)
            try await eventually("an evaluation", timeout: .seconds(60)) { try await lastRun(client) != before }
        }
    }

    private static func lastRun(_ client: PostgresClient) async throws -> String? {
        try await client.query("SELECT last_run_at::text AS at FROM monitoring_evaluation_state").first?.decode("at")
    }

    private static let owed = """
        INSERT INTO monitoring_alerts
            (id, fingerprint, alert_type, severity, peak_severity, metric_name, current_value, baseline_value, deviation_ratio,
             metric_date, opened_at, last_evidence_at, live_since, sequence, status, resolved_at)
        VALUES ('00000000-0000-4000-8000-000000000001', 'f', 'fallback_spike', 'high', 'high', 'fallback_rate', 0.3, 0.04, 7.5,
                '2026-02-21', now(), now(), now(), 1, 'resolved', now());
        INSERT INTO monitoring_notifications (alert_id, receiver, cause, sequence, transition, severity, status, due_at)
        VALUES ('00000000-0000-4000-8000-000000000001', 'hook', 'transition', 1, 'opened', 'high', 'pending', now() - interval '10 minutes')
        """

    private static func configuration(_ watch: HTTPFixture) throws -> (directory: String, path: String) {
        let directory = FileManager.default.temporaryDirectory.appending(path: "torq-\(UUID().uuidString.prefix(8))").path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
        let path = "\(directory)/monitor.yaml"
        try """
        detection: {evaluation_interval: 1s}
        heartbeat: "\(watch.url("/ping/S3CRET"))"
        receivers: [{name: hook, type: webhook, url: "\(watch.url("/hook"))", allow_private_network: true}]
        """.write(toFile: path, atomically: true, encoding: .utf8)
        return (directory, path)
    }
}
