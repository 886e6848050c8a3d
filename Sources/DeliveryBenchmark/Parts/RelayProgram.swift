import Foundation
import Glibc
import Postgres
import WebTransport

/// The whole product, `torq-monitor serve`, in Alertmanager's place.
struct RelayProgram: Sendable {
    let path: String
    let database: String
    let port: Int
    private let configuration: String
    private let log: String

    /// Writes the configuration into the folder.
    init(path: String, database: String, hook: String, folder: String) throws {
        self.path = path
        self.database = database
        port = try HookReceiver.unusedPort()
        configuration = "\(folder)/relay.yaml"
        log = "\(folder)/relay.log"
        try """
        receivers: [{name: hook, type: webhook, url: "\(hook)", allow_private_network: true, send_resolved: false}]
        relay: {resolve_timeout: 1h}
        """.write(toFile: configuration, atomically: true, encoding: .utf8)
    }

    /// Starts it, and waits until it answers.
    func start(_ transport: WebTransport) async throws -> ChildProcess {
        let child = try ChildProcess(
            path,
            ["serve", "--port", "\(port)", "--database", database, "--config", configuration, "--log-level", "warning"], log: log)
        let isReady = try await becomes(within: 60) {
            (try? await transport.send(WebRequest(url: "http://127.0.0.1:\(port)/ready", addresses: .any)))?.status == 200
        }
        guard isReady else {
            try await child.end(SIGKILL)
            throw Failure("the program does not answer:\n\((try? String(contentsOfFile: log, encoding: .utf8)) ?? "")")
        }
        return child
    }
}

/// Alerts as Prometheus posts them, a hundred a request.
enum RelayFeed {
    /// - Returns: Milliseconds of each request, none of which was refused.
    @discardableResult
    static func post(_ numbers: Range<Int>, port: Int, _ transport: WebTransport) async throws -> [Double] {
        var took: [Double] = []
        for start in stride(from: numbers.lowerBound, to: numbers.upperBound, by: 100) {
            let alerts = (start..<min(start + 100, numbers.upperBound)).map { number in
                """
                {"labels": {"alertname": "\(AlertFeed.mark)\(number)", "severity": "high", "metric": "fallback_rate", "model": "gpt-4o"},
                 "annotations": {"summary": "Fallback rate 31.2 %, 7.8 times the expected 4.0 %"}}
                """
            }
            let body = Array("[\(alerts.joined(separator: ","))]".utf8)
            let begun = Moment.now
            let response = try await transport.send(
                WebRequest(
                    method: "POST", url: "http://127.0.0.1:\(port)/api/v2/alerts", headers: [("Content-Type", "application/json")],
                    body: body, addresses: .any))
            guard response.status == 200 else { throw Failure("alerts were answered with \(response.status)") }
            took.append((Moment.now - begun) * 1e3)
        }
        return took
    }
}
