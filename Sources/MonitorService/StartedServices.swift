import Postgres
import ServiceLifecycle

/// Services that something has to be done for first, as one: while it is done, the service group beside it runs already.
struct StartedServices: Service {
    /// Gives them, none perhaps; it is cancelled where the service is to end meanwhile.
    let start: @Sendable () async throws -> [any Service]
    let group: @Sendable ([any Service]) -> ServiceGroup

    func run() async throws {
        let services: [any Service]
        do {
            services = try await cancelWhenGracefulShutdown { try await start() }
        } catch  where Task.isShuttingDownGracefully && (error is CancellationError || (error as? PostgresError)?.code == .cancelled) {
            return
        }
        // A group of none ends at once, and would end the service.
        guard !services.isEmpty else { return try await gracefulShutdown() }
        try await group(services).run()
    }
}
