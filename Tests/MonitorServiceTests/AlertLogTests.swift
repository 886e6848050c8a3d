import Foundation
import Monitoring
import Notifications
import Postgres
import TestSupport
import Testing
import WebTransport

/// What the log says of alerts: whoever looks for one by its id finds every line about it.
@Suite(
    .enabled(if: TestDatabase.isAvailable, TestDatabase.hint), .enabled(if: Program.isBuilt, "torq-monitor was not built beside the tests"),
    .timeLimit(.minutes(3)))
struct AlertLogTests {
    @Test func everyLineThatConcernsAnAlertCarriesItsID() async throws {
        let channel = try HTTPFixture { request in .answer(status: request.target == "/broken" ? 400 : 200) }
        defer { channel.stop() }
        try await withTestDatabase { database in
            let files = try ReloadTests.Files()
            defer { files.remove() }
            try files.write(
                "monitor.yaml",
                """
                detection: {evaluation_interval: 1s}
                receivers:
                  - {name: good, type: webhook, url: "\(channel.url("/good"))", allow_private_network: true}
                  - {name: broken, type: webhook, url: "\(channel.url("/broken"))", allow_private_network: true}
                  - {name: lines, type: log}
                """)
            _ = try await SchemaMigrator(client: database.client).migrate()
            try await SpineTests.writeEvents(database.client)
            let log = try await Program.serveWithLog(
                ["--database", database.url, "--config", files.path("monitor.yaml"), "--log-level", "trace"]
            ) { address, _ in
                try await eventually("all is told, or refused", timeout: .seconds(60)) {
                    try await database.client.query(
                        """
                        SELECT count(*) > 2 AND bool_and(status IN ('delivered', 'dead', 'superseded')) AS are_all FROM monitoring_notifications
                        """)[0].decode("are_all")
                }
                let id: UUID = try await database.client.query("SELECT id FROM monitoring_alerts ORDER BY id LIMIT 1")[0].decode("id")
                let path = "\(address)/api/monitor/alerts/\(id.uuidString.lowercased())"
                for action in ["acknowledge", "resolve"] {
                    let answer = await Program.send(
                        WebRequest(
                            method: "POST", url: "\(path)/\(action)", headers: [(name: "Content-Type", value: "application/json")],
                            body: Array("{}".utf8), addresses: .any))
                    #expect(answer?.status == 200)
                }
                #expect(await Program.get(path)?.status == 200)
                try await eventually("the end is told", timeout: .seconds(60)) {
                    try channel.requests.contains {
                        try JSONValue(parsing: String(decoding: $0.body, as: UTF8.self))["data"]?["alert"]?["status"] == "resolved"
                    }
                }
            }
            #expect(log.code == 0)
            let alerts = Set(
                try await database.client.query("SELECT id::text AS id FROM monitoring_alerts").map { try $0.decode("id", as: String.self) }
            )
            let lines = try log.text.split(separator: "\n").map { try JSONValue(parsing: String($0)) }
            for message in [
                "An alert changed", "An alert was changed by somebody", "transition routed", "notification was delivered",
                "notification is dead",
                "alert", "Request answered",
            ] {
                let found = lines.filter {
                    $0["message"]?.string == message
                        && (message != "Request answered" || $0["route"]?.string?.contains("/alerts/{id}") == true)
                }
                #expect(!found.isEmpty, "\(message)")
                for line in found {
                    let ids = line["alert_id"]?.string?.split(separator: ",").map(String.init) ?? []
                    #expect(!ids.isEmpty && Set(ids).isSubset(of: alerts), "\(line)")
                }
            }
            // Nothing names an alert in another way.
            for line in lines where line["alert_id"] == nil {
                let text = String(decoding: try MonitoringJSON.encode(line), as: UTF8.self)
                #expect(!alerts.contains { text.contains($0) }, "\(text)")
            }
        }
    }
}
