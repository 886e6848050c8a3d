import Foundation
import Monitoring
import TestSupport
import Testing
import WebTransport

/// Prometheus in Alertmanager's place sends what its rule finds to the monitor.
@Suite(
    .enabled(if: TestDatabase.isAvailable, TestDatabase.hint), .enabled(if: Program.isBuilt, "torq-monitor was not built beside the tests"),
    .enabled(if: PeerProgram.find("prometheus") != nil, PeerProgram.hint("prometheus")), .timeLimit(.minutes(4)))
struct PeerPrometheusTests {
    /// The rule's condition goes away while Prometheus runs: what it looks at is the number of a file that is written anew.
    @Test func aRuleThatFiresIsToldAcknowledgedByItsLinkAndResolved() async throws {
        let prometheus = try #require(PeerProgram.find("prometheus"))
        let value = Gauge()
        let target = try HTTPFixture { _ in
            .answer(status: 200, body: Array("# TYPE queue_length gauge\nqueue_length \(value.text)\n".utf8))
        }
        defer { target.stop() }
        let channel = try HTTPFixture { _ in .answer(status: 200, body: Array("ok".utf8)) }
        defer { channel.stop() }
        try await withPeerDirectory { directory in
            try await withTestDatabase { database in
                let file = "\(directory)/torq-monitor.yaml"
                try """
                receivers: [{name: chat, type: slack, url: "\(channel.url())", allow_private_network: true}]
                routes: [{matchers: ['team=platform', 'severity>=critical'], receivers: [chat]}]
                default_receivers: []
                """.write(toFile: file, atomically: true, encoding: .utf8)
                let code = try await Program.serve(["--database", database.url, "--config", file]) { address in
                    let own = try Self.configure(in: directory, monitor: address, target: target.url())
                    try await prometheus.serve(
                        [
                            "--config.file=\(directory)/prometheus.yml", "--storage.tsdb.path=\(directory)/data",
                            "--web.listen-address=\(own)", "--rules.alert.resend-delay=1s", "--log.level=warn",
                        ], log: "\(directory)/prometheus.log"
                    ) {
                        try await eventually("a message", timeout: .seconds(90)) { !channel.requests.isEmpty }
                        let message = Self.text(channel.requests.first)
                        #expect(message.contains("QueueTooLong") && message.contains("41 jobs wait"), "\(message)")
                        let links = message.matches(of: /http:\/\/127\.0\.0\.1:\d+\/a\/[A-Za-z0-9_-]+/).map { String($0.output) }
                        let acknowledge = try #require(links.first)
                        let confirmed = await Program.send(
                            WebRequest(
                                method: "POST", url: acknowledge,
                                headers: [(name: "Content-Type", value: "application/x-www-form-urlencoded")],
                                body: Array("name=Robin".utf8), addresses: .any))
                        #expect(confirmed?.status == 200)
                        let shown = await Program.get("\(address)/api/monitor/alerts?status=acknowledged&threshold=low")
                        let alert = try #require(try JSONValue(parsing: shown?.text ?? "")["alerts"]?.array?.first)
                        #expect(alert["acknowledged_by"] == "Robin" && alert["severity"] == "critical")
                        #expect(alert["generator_url"]?.string?.contains("/graph") == true)
                        // Seen again and again, it stays one alert, and is told once.
                        value.set("0")
                        try await eventually("it is over", timeout: .seconds(90)) {
                            let over = await Program.get("\(address)/api/monitor/alerts?status=resolved&threshold=low")
                            return try JSONValue(parsing: over?.text ?? "")["total_count"]?.integer == 1
                        }
                        try await eventually("that is told", timeout: .seconds(30)) {
                            channel.requests.contains { Self.text($0).contains("Resolved: QueueTooLong") }
                        }
                        #expect(channel.requests.count == 2)
                        let all = await Program.get("\(address)/api/monitor/alerts?status=all&threshold=low")
                        #expect(try JSONValue(parsing: all?.text ?? "")["total_count"]?.integer == 1)
                    }
                }
                #expect(code == 0)
            }
        }
    }

    private static func text(_ request: HTTPFixture.Request?) -> String {
        String(decoding: request?.body ?? [], as: UTF8.self).replacing("\\/", with: "/")
    }

    /// - Returns: Where Prometheus listens.
    private static func configure(in directory: String, monitor: String, target: String) throws -> String {
        let port = try HTTPFixture.unusedPort()
        func authority(_ url: String) -> String { String(url.dropFirst("http://".count).prefix { $0 != "/" }) }
        try """
        global: {scrape_interval: 1s, evaluation_interval: 1s}
        rule_files: ["\(directory)/rules.yml"]
        alerting: {alertmanagers: [{static_configs: [{targets: ["\(authority(monitor))"]}]}]}
        scrape_configs: [{job_name: queue, static_configs: [{targets: ["\(authority(target))"]}]}]
        """.write(toFile: "\(directory)/prometheus.yml", atomically: true, encoding: .utf8)
        try """
        groups:
          - name: queue
            rules:
              - alert: QueueTooLong
                expr: queue_length > 40
                labels: {severity: page, team: platform}
                annotations: {summary: "{{ $value }} jobs wait"}
        """.write(toFile: "\(directory)/rules.yml", atomically: true, encoding: .utf8)
        return "127.0.0.1:\(port)"
    }
}

/// A number that a test changes while it is scraped. Unchecked: behind its lock.
private final class Gauge: @unchecked Sendable {
    private let lock = NSLock()
    private var value = "41"

    var text: String { lock.withLock { value } }

    func set(_ text: String) {
        lock.withLock { value = text }
    }
}
