import Foundation
import Logging
import Notifications
import Postgres
import ServiceLifecycle
import WebTransport

/// The dispatcher as a part of the service. It starts when the listener's port is known, since messages hold links to it.
struct DispatcherService: Service {
    let ports: AsyncStream<Int>
    /// An element for each time that transitions were committed in this process.
    let wakes: AsyncStream<Void>
    let configuration: ServiceConfiguration
    let client: PostgresClient
    let signer: LinkSigner
    let logger: Logger

    func run() async throws {
        let transport = WebTransport()
        do {
            try await cancelWhenGracefulShutdown {
                guard let port = await ports.first(where: { _ in true }) else { return }
                let dispatcher = Dispatcher(
                    client: client, transport: transport, configuration: try NotificationConfiguration(configuration, port: port),
                    linkSigner: signer, process: ProcessInfo.processInfo.hostName, logger: logger)
                await withTaskGroup(of: Void.self) { group in
                    group.addTask { for await _ in wakes { dispatcher.wake() } }
                    await dispatcher.run()
                    group.cancelAll()
                }
            }
        } catch {
            await transport.close()
            throw error
        }
        await transport.close()
    }
}
