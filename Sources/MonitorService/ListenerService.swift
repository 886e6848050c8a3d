import MonitorAPI
import ServiceLifecycle

/// The HTTP listener as a part of the service.
struct ListenerService: Service {
    let server: MonitorServer
    let onListening: @Sendable (Int) async -> Void

    func run() async throws {
        try await server.run(onListening: onListening)
    }
}
