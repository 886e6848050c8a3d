import Foundation
import Logging
import Notifications
import Postgres
import ServiceLifecycle
import WebTransport

/// The dispatcher as a part of the service. It starts when the listener's port is known, since messages hold links to it.
///
/// Where receivers, routes or whatever else messages depend on become others, a new dispatcher takes over at once, and the one before
/// winds down beside it: it begins nothing more, gives back what it has not sent, and sees through what is under way. To the outbox
/// they are two processes.
struct DispatcherService: Service {
    let ports: AsyncStream<Int>
    /// An element for each time that transitions were committed in this process.
    let wakes: AsyncStream<Void>
    let running: RunningConfiguration
    let client: PostgresClient
    let logger: Logger

    private struct Work: Sendable, Hashable {
        var configuration: NotificationConfiguration
        var linkKey: Secret?
    }

    func run() async throws {
        let transport = WebTransport(DeliverySettings().transport)
        do {
            try await cancelWhenGracefulShutdown {
                guard let port = await ports.first(where: { _ in true }) else { return }
                try await dispatch(port: port, transport: transport)
            }
        } catch {
            await transport.close()
            throw error
        }
        await transport.close()
    }

    private func dispatch(port: Int, transport: WebTransport) async throws {
        let present = PresentDispatcher()
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask { for await _ in wakes { present.wake() } }
            var work: Work?
            for await snapshot in running.snapshots() {
                guard let signer = snapshot.signer else { continue }
                let next = Work(
                    configuration: try NotificationConfiguration(snapshot.configuration, port: port),
                    linkKey: snapshot.configuration.listener.linkKey)
                guard next != work else { continue }
                work = next
                let dispatcher = Dispatcher(
                    client: client, transport: transport, configuration: next.configuration, linkSigner: signer,
                    process: ProcessInfo.processInfo.hostName, logger: logger)
                let successor = present.replace(by: dispatcher)
                group.addTask {
                    await withTaskGroup(of: Void.self) { group in
                        group.addTask { await dispatcher.run() }
                        // Until another takes over, or the service ends.
                        for await _ in successor {}
                        group.cancelAll()
                    }
                }
            }
            group.cancelAll()
        }
    }
}
