import Foundation
import Glibc
import Postgres

/// The dispatcher of the product in a process of its own: `torq-monitor serve --role dispatcher`.
struct MonitorProgram: Sendable {
    /// A receiver of its configuration, of type webhook, without a rate limit.
    struct Destination: Sendable {
        var name = "hook"
        var url: String
        /// The alerts' backend that is sent to it; nil: all.
        var backend: String?
    }

    let path: String
    let database: String
    private let configuration: String
    private let log: String

    /// Writes the configuration into the folder.
    init(path: String, database: String, destinations: [Destination], folder: String) throws {
        self.path = path
        self.database = database
        configuration = "\(folder)/torq-monitor.yaml"
        log = "\(folder)/torq-monitor.log"
        let receivers = destinations.map {
            "  - {name: \($0.name), type: webhook, url: \"\($0.url)\", allow_private_network: true}\n"
        }
        let routes = destinations.compactMap { destination in
            destination.backend.map { "  - {matchers: ['backend=\($0)'], receivers: [\(destination.name)]}\n" }
        }
        let text = "receivers:\n\(receivers.joined())" + (routes.isEmpty ? "" : "routes:\n\(routes.joined())")
        try text.write(toFile: configuration, atomically: true, encoding: .utf8)
    }

    /// Starts it.
    func start() throws -> ChildProcess {
        try ChildProcess(
            path, ["serve", "--role", "dispatcher", "--database", database, "--config", configuration, "--log-level", "warning"], log: log)
    }

    /// The last lines that it logged.
    var lastWords: String {
        let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").suffix(5).joined(separator: "\n")
    }

    /// Runs it while `body` does, once it has shown that it delivers: an alert is opened and waited for, which takes a number below
    /// all others' for each receiver.
    func run<R: Sendable>(
        _ feed: AlertFeed, warmUp: [(receiver: HookReceiver, backend: String)], _ body: (ChildProcess) async throws -> R
    ) async throws -> R {
        let child = try start()
        let result: Result<R, any Error>
        do {
            for (index, (receiver, backend)) in warmUp.enumerated() {
                try await feed.open(index..<(index + 1), backend: backend)
                guard try await becomes(within: 30, { receiver.count > 0 }) else {
                    throw Failure("the dispatcher does not deliver:\n\(lastWords)")
                }
                receiver.forget()
            }
            // What was delivered is written down.
            try await Task.sleep(for: .milliseconds(300))
            result = .success(try await body(child))
        } catch {
            result = .failure(error)
        }
        try await child.end()
        return try result.get()
    }
}
