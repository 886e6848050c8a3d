import Foundation
import Monitoring
import Postgres
import Subprocess
import TestSupport
import Testing
import WebTransport

/// From learning_events to an acknowledged message, through the program, its port, and the database.
@Suite(
    .enabled(if: TestDatabase.isAvailable, TestDatabase.hint), .enabled(if: Program.isBuilt, "torq-monitor was not built beside the tests"))
struct SpineTests {
    @Test func aRegressionIsToldAndAcknowledgedByItsLink() async throws {
        let channel = try HTTPFixture { _ in .answer(status: 200, body: Array("ok".utf8)) }
        defer { channel.stop() }
        try await withTestDatabase { database in
            let code = try await Program.serve(
                ["--database", database.url, "--config", try Self.configuration(channel)], environment: [:]
            ) { address in
                try await Self.writeEvents(database.client)
                try await eventually("a message", timeout: .seconds(60)) { channel.requests.contains { $0.target != "/audit" } }
                let body = try #require(channel.requests.first { $0.target != "/audit" }?.body)
                let message = String(decoding: body, as: UTF8.self).replacing("\\/", with: "/")
                #expect(message.contains("claude-sonnet-4-6"))
                let link = try #require(message.firstMatch(of: /http:\/\/127\.0\.0\.1:\d+\/a\/[A-Za-z0-9_-]+/).map { String($0.output) })
                #expect(link.hasPrefix(address))

                // Whoever follows the link changes nothing.
                for method in ["GET", "HEAD"] {
                    #expect(await Program.send(WebRequest(method: method, url: link, addresses: .any))?.status == 200)
                }
                #expect(try await Self.statuses(address, "acknowledged") == [])
                let confirmed = await Program.send(
                    WebRequest(
                        method: "POST", url: link, headers: [(name: "Content-Type", value: "application/x-www-form-urlencoded")],
                        body: Array("name=Robin&note=on+it".utf8), addresses: .any))
                #expect(confirmed?.status == 200)
                #expect(try await Self.statuses(address, "acknowledged").contains("fallback_spike by Robin"))
                #expect(await Program.get("\(address)/health")?.status == 200)
            }
            #expect(code == 0)
        }
    }

    /// The channel is down, the service dies, both come back: the alert is there once, and is told once.
    @Test func whatWasOwedWhenTheServiceWasKilledIsDeliveredOnce() async throws {
        let isUp = Flag()
        let channel = try HTTPFixture { _ in isUp.isSet ? .answer(status: 200, body: Array("ok".utf8)) : .reset }
        defer { channel.stop() }
        try await withTestDatabase { database in
            let arguments = ["--database", database.url, "--config", try Self.configuration(channel)]
            let killed = try await Program.serve(arguments, end: .kill) { _ in
                try await Self.writeEvents(database.client)
                try await eventually("an attempt", timeout: .seconds(60)) {
                    try await Self.count("monitoring_delivery_attempts", database.client) > 0
                }
            }
            #expect(killed == nil)
            let before = try await Self.openings(database.client)
            #expect(before.contains("fallback_spike"))
            #expect(Set(before).count == before.count)

            let whenDown = channel.requests.count
            isUp.set()
            let code = try await Program.serve(arguments) { _ in
                // What was owed may have to wait for its next try.
                try await database.client.query("UPDATE monitoring_notifications SET due_at = now() WHERE status = 'pending'")
                try await eventually("everything is told", timeout: .seconds(60)) {
                    let alerts = Set(try Self.told(channel, after: whenDown).map { $0.prefix(36) })
                    let owed = try await Self.count(
                        "monitoring_notifications WHERE status NOT IN ('delivered', 'superseded')", database.client)
                    return alerts.count == before.count && owed == 0
                }
            }
            #expect(code == 0)
            #expect(try await Self.openings(database.client) == before)
            let told = try Self.told(channel, after: whenDown)
            #expect(Set(told).count == told.count)
        }
    }

    @Test func onlyAWorkerWritesTheSettings() async throws {
        try await withTestDatabase { database in
            for (role, versions) in [("api", 0), ("dispatcher", 0), ("worker", 1)] {
                let code = try await Program.run(["serve", "--port", "0", "--role", role, "--database", database.url]) { send in
                    // What a process does after it wrote the settings, or would have.
                    try await eventually("\(role) runs", timeout: .seconds(60)) { try await Self.isAtWork(role, database.client) }
                    try send(.terminate)
                }
                #expect(code == 0)
                #expect(try await Self.count("monitoring_settings", database.client) == versions, "\(role)")
            }
        }
    }

    @Test func aServiceOnItsOwnDatabaseKeepsItsDataOverAKill() async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "torq-\(UUID().uuidString.prefix(8))").path
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let events = directory + "-events.ndjson"
        defer { try? FileManager.default.removeItem(atPath: events) }
        try #"{"event_id": "one", "occurred_at": "2026-02-21T10:00:00Z", "event_type": "success", "event_data": {"reward": 0.9}}"#
            .write(toFile: events, atomically: true, encoding: .utf8)
        let killed = try await Program.serve(["--data-dir", directory], end: .kill) { _ in
            let imported = try await Program.run(["import", "--data-dir", directory, "--format", "json", events])
            #expect(imported.code == 0, "\(imported.errors)")
        }
        #expect(killed == nil)
        let code = try await Program.serve(["--data-dir", directory]) { address in
            let body = Array(#"{"date": "2026-02-21"}"#.utf8)
            let computed = await Program.send(
                WebRequest(
                    method: "POST", url: "\(address)/api/monitor/compute", headers: [(name: "Content-Type", value: "application/json")],
                    body: body,
                    timeout: .seconds(30), addresses: .any))
            #expect(computed?.status == 200)
            let daily = await Program.get("\(address)/api/monitor/metrics/daily?start_date=2026-02-21&end_date=2026-02-21")
            let figures = try JSONValue(parsing: try #require(daily?.text))
            #expect(figures["metrics"]?.array?.first?["total_events"] == .integer(1))
        }
        #expect(code == 0)
    }

    // MARK: -

    static func configuration(_ channel: HTTPFixture, in directory: String? = nil) throws -> String {
        let directory = directory ?? FileManager.default.temporaryDirectory.path
        let path = "\(directory)/torq-\(UUID().uuidString).yaml"
        try """
        detection: {evaluation_interval: 1s}
        receivers:
          - {name: oncall, type: slack, url: "\(channel.url("/services/T0/B0/secret"))", rate_limit: 100/s, allow_private_network: true}
          - {name: audit, type: webhook, url: "\(channel.url("/audit"))", allow_private_network: true}
        default_receivers: [oncall, audit]
        """.write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }

    /// Nine days of an event a minute, 2 % of them fallbacks, and an hour in which one model always falls back.
    static func writeEvents(_ client: PostgresClient) async throws {
        try await client.query(
            """
            INSERT INTO learning_events (event_id, event_type, source_agent, occurred_at, event_data)
            SELECT 'spine-' || minute, 'chat_interaction', 'prince_flowers', now() - make_interval(mins => minute),
                   jsonb_build_object(
                       'reward', 0.9, 'duration_ms', 1000 + minute * 37 % 500, 'backend', 'railway',
                       'model', CASE WHEN minute % 2 = 0 THEN 'claude-sonnet-4-6' ELSE 'gpt-5-mini' END,
                       'telemetry', jsonb_build_object('request_chain', jsonb_build_array(jsonb_build_object(
                           'service', 'railway', 'version', '1.0.8',
                           'fallback_reason', CASE WHEN minute % 51 = 0 OR minute < 60 AND minute % 2 = 0 THEN 'provider_5xx' END))))
            FROM generate_series(1, 9 * 1440) AS minute
            """, timeout: .seconds(60))
    }

    /// What a program that takes webhooks was told: alert and step, one text a message.
    private static func told(_ channel: HTTPFixture, after first: Int) throws -> [String] {
        try channel.requests.dropFirst(first).filter { $0.target == "/audit" }.map { request in
            let data = try JSONValue(parsing: String(decoding: request.body, as: UTF8.self))["data"]
            return "\(data?["alert"]?["id"]?.string ?? "") \(data?["transition"]?["sequence"] ?? .null)"
        }
    }

    static func statuses(_ address: String, _ status: String) async throws -> [String] {
        let answer = try #require(await Program.get("\(address)/api/monitor/alerts?threshold=low&status=\(status)"))
        let alerts = try JSONValue(parsing: answer.text)["alerts"]?.array ?? []
        return alerts.map { "\($0["alert_type"]?.string ?? "") by \($0["acknowledged_by"]?.string ?? "nobody")" }
    }

    private static func openings(_ client: PostgresClient) async throws -> [String] {
        try await client.query("SELECT alert_type FROM monitoring_alerts ORDER BY alert_type").map { try $0.decode("alert_type") }
    }

    private static func isAtWork(_ role: String, _ client: PostgresClient) async throws -> Bool {
        let trace = ["api": "monitoring_link_keys", "dispatcher": "monitoring_processes", "worker": "monitoring_lease"][role] ?? ""
        let isMade: Bool = try await client.query("SELECT to_regclass($1::text) IS NOT NULL AS made", [.text(trace)])[0].decode("made")
        guard isMade else { return false }
        return try await count(trace, client) > 0
    }

    private static func count(_ what: String, _ client: PostgresClient) async throws -> Int {
        try await client.query("SELECT count(*) AS count FROM \(what)")[0].decode("count")
    }
}

/// Something that is switched on once, from another thread.
final class Flag: @unchecked Sendable {  // Everything goes through `lock`.
    private let lock = NSLock()
    private var value = false

    var isSet: Bool { lock.withLock { value } }
    func set() { lock.withLock { value = true } }
}
