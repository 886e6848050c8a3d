import Foundation
import Glibc
import WebTransport

/// The peer: Alertmanager, each alert on its own to one webhook.
struct Alertmanager: Sendable {
    private let path: String
    private let folder: String
    /// Where it listens.
    let port: Int

    /// nil where it is not installed.
    ///
    /// - Parameter wait: How long it holds alerts back, in seconds, for more of the same group.
    init?(hook: String, folder: String, wait: Int = 0) throws {
        guard let path = ChildProcess.find("prometheus-alertmanager") ?? ChildProcess.find("alertmanager") else { return nil }
        self.path = path
        self.folder = folder
        port = try HookReceiver.unusedPort()
        try """
        route: {receiver: hook, group_by: ['...'], group_wait: \(wait)s, group_interval: 1m, repeat_interval: 24h}
        receivers:
          - {name: hook, webhook_configs: [{url: '\(hook)', send_resolved: false}]}
        """.write(toFile: "\(folder)/alertmanager.yml", atomically: true, encoding: .utf8)
    }

    /// Starts it, and waits until it answers.
    func start(_ transport: WebTransport) async throws -> ChildProcess {
        let child = try ChildProcess(
            path,
            [
                "--config.file=\(folder)/alertmanager.yml", "--storage.path=\(folder)/alertmanager",
                "--web.listen-address=127.0.0.1:\(port)", "--cluster.listen-address=", "--log.level=error",
            ], log: "\(folder)/alertmanager.log")
        let isReady = try await becomes(within: 30) {
            (try? await transport.send(WebRequest(url: "http://127.0.0.1:\(port)/-/ready", addresses: .any)))?.status == 200
        }
        guard isReady else {
            try await child.end(SIGKILL)
            throw Failure("Alertmanager does not answer")
        }
        return child
    }

    /// Hands over alerts, a hundred a request.
    func post(_ numbers: Range<Int>, _ transport: WebTransport) async throws {
        for start in stride(from: numbers.lowerBound, to: numbers.upperBound, by: 100) {
            let alerts = (start..<min(start + 100, numbers.upperBound)).map { number in
                """
                {"labels": {"alertname": "\(AlertFeed.mark)\(number)", "severity": "high", "metric": "fallback_rate", "model": "gpt-4o"},
                 "annotations": {"summary": "Fallback rate 31.2 %, 7.8 times the expected 4.0 %"}}
                """
            }
            let response = try await transport.send(
                WebRequest(
                    method: "POST", url: "http://127.0.0.1:\(port)/api/v2/alerts", headers: [("Content-Type", "application/json")],
                    body: Array("[\(alerts.joined(separator: ","))]".utf8), addresses: .any))
            guard response.status == 200 else { throw Failure("Alertmanager answered \(response.status)") }
        }
    }
}
