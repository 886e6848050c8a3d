import MonitorAPI
import ServiceLifecycle

/// The HTTP listener as a part of the service.
struct ListenerService: Service {
    let server: MonitorServer
    let onListening: @Sendable (Int) async -> Void

    init(server: MonitorServer, onListening: @escaping @Sendable (Int) async -> Void) {
        self.server = server
        self.onListening = onListening
    }

    func run() async throws {
        try await server.run(onListening: onListening)
    }
}
