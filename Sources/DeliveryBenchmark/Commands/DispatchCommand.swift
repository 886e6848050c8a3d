import ArgumentParser
import Foundation
import Glibc
import Logging
import Notifications
import Postgres
import WebTransport

/// The dispatcher in a process of its own with the product's settings made shorter, which the program's configuration does not offer.
struct DispatchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "dispatch", shouldDisplay: false)

    @Option var database: String
    @Option(parsing: .upToNextOption, help: "Name and URL: one=http://127.0.0.1:1/hook") var receiver: [String]
    @Option(help: "How many times shorter all waits are.") var factor: Double

    func run() async throws {
        let client = PostgresClient(try PostgresConfiguration(database))
        let settings = Self.settings(factor)
        let transport = WebTransport(settings.transport)
        var receivers: [Receiver] = []
        for text in receiver {
            let parts = text.split(separator: "=", maxSplits: 1).map { String($0) }
            guard parts.count == 2 else { throw ValidationError("--receiver NAME=URL") }
            receivers.append(try Receiver(name: parts[0], kind: .webhook, url: Secret(parts[1]), allowPrivateNetwork: true))
        }
        let dispatcher = Dispatcher(
            client: client, transport: transport,
            configuration: try NotificationConfiguration(receivers: receivers, delivery: settings),
            linkSigner: LinkSigner(keys: [LinkKey(id: "benchmark", secret: Array(repeating: 1, count: 32))]), process: "benchmark",
            logger: Logger(label: "benchmark", factory: { _ in SwiftLogNoOpLogHandler() }))
        let task = Task { await dispatcher.run() }
        let (signals, continuation) = AsyncStream.makeStream(of: Void.self)
        signal(SIGTERM, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: SIGTERM, queue: .global())
        source.setEventHandler { continuation.finish() }
        source.resume()
        for await _ in signals {}
        task.cancel()
        await task.value
        await transport.close()
        await client.close()
    }

    /// The defaults, with every wait that counts in a long outage made shorter; none below ten milliseconds that only says how often
    /// to look.
    static func settings(_ factor: Double) -> DeliverySettings {
        let standard = DeliverySettings()
        let backoff = standard.backoff
        let breaker = standard.breaker
        return DeliverySettings(
            backoff: Backoff(
                first: backoff.first / factor, factor: backoff.factor, most: backoff.most / factor, jitter: backoff.jitter,
                giveUpAfter: backoff.giveUpAfter / factor),
            requestTimeout: standard.requestTimeout, pollInterval: max(.milliseconds(10), standard.pollInterval / factor),
            idleInterval: max(.milliseconds(10), standard.idleInterval / factor),
            heartbeatInterval: standard.heartbeatInterval, heartbeatTimeout: standard.heartbeatTimeout,
            maximumInFlight: standard.maximumInFlight, disabledRest: standard.disabledRest / factor,
            breaker: BreakerSettings(
                window: breaker.window / factor, leastFailures: breaker.leastFailures, firstRest: breaker.firstRest / factor,
                longestRest: breaker.longestRest / factor))
    }
}
