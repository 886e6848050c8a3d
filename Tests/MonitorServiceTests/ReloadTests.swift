import Foundation
import Postgres
import Subprocess
import TestSupport
import Testing
import WebTransport

/// The configuration of a service that runs becomes another one.
@Suite(
    .enabled(if: TestDatabase.isAvailable, TestDatabase.hint), .enabled(if: Program.isBuilt, "torq-monitor was not built beside the tests"),
    .timeLimit(.minutes(3)))
struct ReloadTests {
    @Test func receiversTokensAndDetectionTakeEffectWhileItRuns() async throws {
        let first = try HTTPFixture(), second = try HTTPFixture()
        defer { first.stop(); second.stop() }
        try await withTestDatabase { database in
            let files = try Files()
            defer { files.remove() }
            @Sendable func configuration(_ receiver: HTTPFixture, low: String) -> String {
                """
                detection: {evaluation_interval: 1s, thresholds: {low: \(low)}}
                listener: {tokens: [{name: a, secret: "file:token", scope: write}]}
                receivers: [{name: hook, type: webhook, url: "\(receiver.url())", allow_private_network: true}]
                """
            }
            try files.write("token", "first-token-of-this-test\n")
            try files.write("monitor.yaml", configuration(first, low: "1.5"))
            let log = try await Program.serveWithLog(
                ["--database", database.url, "--config", files.path("monitor.yaml")], log: files.path("log")
            ) { address, send in
                @Sendable func says(_ words: String) -> Bool {
                    (try? String(contentsOfFile: files.path("log"), encoding: .utf8))?.contains(words) ?? false
                }
                try await Self.openAlert(database.client)
                try await eventually("the first receiver is told", timeout: .seconds(30)) { first.requests.count == 1 }

                // A faulty one changes nothing.
                try files.write("monitor.yaml", "receivers: [{name: hook, type: webhok}]\n")
                try send(.terminalClosed)
                try await Self.openAlert(database.client)
                try await eventually("the first receiver is told again", timeout: .seconds(30)) { first.requests.count == 2 }

                // What was refused is in order again, and says so though it is the one that runs.
                try await eventually("it is refused", timeout: .seconds(30)) { says("The new configuration is refused") }
                try files.write("monitor.yaml", configuration(first, low: "1.5"))
                try await eventually("it is in order", timeout: .seconds(30)) { says("nothing is different") }

                // A good one does, without being asked for.
                try files.write("monitor.yaml", configuration(second, low: "1.4"))
                try await eventually("the settings are written", timeout: .seconds(30)) {
                    try await Self.low(database.client) == 1.4
                }
                try await Self.openAlert(database.client)
                try await eventually("the second receiver is told", timeout: .seconds(30)) { second.requests.count == 1 }
                #expect(first.requests.count == 2)

                // And the file of a secret alone.
                try files.write("token", "second-token-of-this-test\n")
                try await eventually("the new token is known", timeout: .seconds(30)) {
                    await Self.status(address, "second-token-of-this-test") == 200
                }
                #expect(await Self.status(address, "first-token-of-this-test") == 401)

                // What needs a restart is said, and the rest is taken.
                try files.write("monitor.yaml", configuration(second, low: "1.3") + "\ndatabase: {pool_size: 3}\n")
                try send(.terminalClosed)
                try await eventually("the settings are written", timeout: .seconds(30)) {
                    try await Self.low(database.client) == 1.3
                }
            }
            #expect(log.code == 0)
            #expect(log.text.contains("monitor.yaml:1"), "\(log.text)")
            for words in [
                "receivers[0].type", "receivers.hook.url", "listener.tokens.a.secret", "database.pool_size", "detection.thresholds",
            ] {
                #expect(log.text.contains(words), "\(words)\n\(log.text)")
            }
            for secret in ["token-of-this-test", second.url()] { #expect(!log.text.contains(secret)) }
        }
    }

    /// A request that hangs under the old receiver's address is seen through; nothing is lost and nothing told twice.
    @Test func whatIsInFlightIsSeenThrough() async throws {
        let gate = Flag()
        let slow = try HTTPFixture { _ in
            let end = Date().addingTimeInterval(10)
            while !gate.isSet, Date() < end { Thread.sleep(forTimeInterval: 0.01) }
            return .answer(status: 200)
        }
        defer { slow.stop() }
        try await withTestDatabase { database in
            let files = try Files()
            defer { files.remove() }
            @Sendable func configuration(_ environment: String, low: String) -> String {
                """
                environment: \(environment)
                detection: {evaluation_interval: 1s, thresholds: {low: \(low)}}
                receivers: [{name: hook, type: webhook, url: "\(slow.url())", allow_private_network: true}]
                """
            }
            try files.write("monitor.yaml", configuration("before", low: "1.5"))
            let log = try await Program.serveWithLog(["--database", database.url, "--config", files.path("monitor.yaml")]) { _, send in
                try await Self.openAlert(database.client)
                try await eventually("a request under way", timeout: .seconds(30)) { slow.requests.count == 1 }
                try files.write("monitor.yaml", configuration("after", low: "1.4"))
                try send(.terminalClosed)
                // Whoever writes the settings hears of the new configuration after the dispatcher.
                try await eventually("the settings are written", timeout: .seconds(30)) { try await Self.low(database.client) == 1.4 }
                try await Self.openAlert(database.client)
                try await eventually("the new dispatcher sends beside it", timeout: .seconds(30)) { slow.requests.count == 2 }
                gate.set()
                try await eventually("both are delivered", timeout: .seconds(30)) {
                    try await database.client.query(
                        "SELECT count(*) FILTER (WHERE status = 'delivered' AND attempts = 1) AS count FROM monitoring_notifications"
                    )[0].decode("count", as: Int.self) == 2
                }
            }
            #expect(log.code == 0)
            #expect(slow.requests.count == 2)
            let bodies = slow.requests.map { String(decoding: $0.body, as: UTF8.self) }
            #expect(bodies[0].contains(#""environment":"before""#) && bodies[1].contains(#""environment":"after""#))
        }
    }

    // MARK: -

    /// A directory of its own.
    struct Files: Sendable {
        let directory: String

        init() throws {
            directory = FileManager.default.temporaryDirectory.appending(path: "torq-\(UUID().uuidString.prefix(8))").path
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        }

        func path(_ name: String) -> String { "\(directory)/\(name)" }
        func write(_ name: String, _ text: String) throws {
            try text.write(toFile: path(name), atomically: true, encoding: .utf8)
        }
        func remove() { try? FileManager.default.removeItem(atPath: directory) }
    }

    static func openAlert(_ client: PostgresClient) async throws {
        let id = UUID()
        try await client.transaction { connection in
            try await connection.query(
                """
                INSERT INTO monitoring_alerts
                    (id, fingerprint, alert_type, severity, peak_severity, metric_name, current_value, baseline_value, deviation_ratio,
                     metric_date, opened_at, last_evidence_at, live_since, affected_model, sequence)
                VALUES ($1::uuid, $1::text, 'fallback_spike', 'high', 'high', 'fallback_rate', 0.312, 0.04, 7.8,
                        current_date, now(), now(), now(), 'm', 1)
                """, [.uuid(id)])
            try await connection.query(
                """
                INSERT INTO monitoring_alert_transitions
                    (alert_id, sequence, transition, to_status, to_severity, actor, occurred_at)
                VALUES ($1::uuid, 1, 'opened', 'open', 'high', 'monitor', now())
                """, [.uuid(id)])
            try await connection.query("SELECT pg_notify('monitoring_transitions', $1::text)", [.uuid(id)])
        }
    }

    private static func low(_ client: PostgresClient) async throws -> Double {
        try await client.query(
            "SELECT (settings->'thresholds'->>'low')::double precision AS low FROM monitoring_settings ORDER BY version DESC LIMIT 1"
        )[0].decode("low")
    }

    private static func status(_ address: String, _ token: String) async -> Int? {
        await Program.send(
            WebRequest(
                url: "\(address)/api/monitor/receivers", headers: [(name: "Authorization", value: "Bearer \(token)")], addresses: .any))?
            .status
    }
}
