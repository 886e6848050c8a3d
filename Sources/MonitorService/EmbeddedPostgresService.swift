import ServiceLifecycle

/// Starts the embedded server again whenever it ends, as long as the service runs. It is stopped after all else, by `Database.close()`.
struct EmbeddedPostgresService: Service {
    let server: EmbeddedPostgres

    func run() async throws {
        await cancelWhenGracefulShutdown { await server.supervise() }
    }
}
