import Demo
import Foundation
public import Logging
import Monitoring
import Postgres
import ServiceLifecycle

/// The service on an embedded PostgreSQL with two weeks of events, live ones, a regression, and a chat page to see the messages on.
public struct DemoRun: Sendable {
    private let settings: DemoSettings
    private let dataDirectory: String
    private let logger: Logger
    private let say: @Sendable (String) -> Void

    /// - Parameters:
    ///   - dataDirectory: Of the demo alone: what an earlier demo left in it is thrown away, a database of something else is refused.
    ///   - say: Takes what is to be shown to the person who started it, a line at a time.
    public init(settings: DemoSettings = DemoSettings(), dataDirectory: String, logger: Logger, say: @escaping @Sendable (String) -> Void) {
        self.settings = settings
        self.dataDirectory = dataDirectory
        self.logger = logger
        self.say = say
    }

    /// Runs until its task is cancelled, as `MonitorService` does.
    public func run() async throws {
        let clock = DemoClock()
        let chat = ChatPage(port: settings.chatPort, clock: { clock.moment(at: Date()) }, logger: quiet)
        let (ports, bound) = AsyncStream.makeStream(of: Int.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await chat.run { bound.yield($0) } }
            group.addTask {
                guard let port = await ports.first(where: { _ in true }) else { return }
                try await run(clock: clock, chatURL: "http://127.0.0.1:\(port)", webhookPath: chat.webhookPath)
            }
            // The service ends when it is cancelled; the chat page ends by itself only where its port is taken.
            try await group.next()
            group.cancelAll()
        }
    }

    private func run(clock: DemoClock, chatURL: String, webhookPath: String) async throws {
        let configuration = settings.configuration(dataDirectory: dataDirectory, webhook: chatURL + webhookPath)
        let service = MonitorService(configuration: configuration, clock: { clock.moment(at: Date()) }, logger: logger)
        try await service.run(
            beforeMigration: { database in
                say("Making a database …")
                try await database.client.withConnection { try await DemoDatabase.makeAnew(on: $0) }
            },
            services: { database in
                let feed = DemoFeed(settings: settings, clock: clock, client: database.client, logger: logger)
                let count = try await feed.loadHistory(progress: say)
                say("\(count) events are loaded. The agents' day begins.")
                return [feed]
            },
            onListening: { port in
                for line in guide(monitor: "http://127.0.0.1:\(port)", chat: chatURL, clock: clock) { say(line) }
            })
    }

    private func guide(monitor: String, chat: String, clock: DemoClock) -> [String] {
        let shift = Int(abs(clock.shift).rounded())
        return [
            "",
            "  Open the chat channel     \(chat)",
            "  Open the status page      \(monitor)",
            "",
            "  In a minute claude-sonnet-4-6 starts to fall back. Within two minutes of that the channel hears of it.",
            "  It escalates after five minutes, and resolves by itself about half an hour later.",
            "",
            "  Click Acknowledge in the message, confirm, and see who has it:",
            "",
            "    curl '\(monitor)/api/monitor/alerts?status=acknowledged'",
            "    torq-monitor alerts list --status acknowledged --data-dir '\(dataDirectory)'",
            "",
            settings.speed > 1
                ? "  (The last 24 hours are played \(Int(settings.speed)) times as fast, with a regression every three.) Ctrl-C ends it."
                : "  (The demo's clock runs \(shift) s \(clock.shift < 0 ? "behind" : "ahead of") yours, so that you wait no longer than needed.) Ctrl-C ends it.",
            "",
        ]
    }

    /// The chat page's own log is of no use to the demo's spectator; it complains of connections that are open at the end.
    private var quiet: Logger {
        var logger = logger
        logger.logLevel = .critical
        return logger
    }
}
