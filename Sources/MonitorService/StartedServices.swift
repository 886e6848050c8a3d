import ServiceLifecycle

/// Services that something has to be done for first, as one: while it is done, the service group beside it runs already.
struct StartedServices: Service {
    /// Gives them; it is cancelled where the service is to end meanwhile.
    let start: @Sendable () async throws -> [any Service]
    let group: @Sendable ([any Service]) -> ServiceGroup

    func run() async throws {
        let services: [any Service]
        do {
            services = try await cancelWhenGracefulShutdown { try await start() }
        } catch {
            guard Task.isShuttingDownGracefully else { throw error }
            return
        }
        try await group(services).run()
    }
}
