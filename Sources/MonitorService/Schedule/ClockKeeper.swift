import ServiceLifecycle

/// Looks at the database's clock every ten seconds, for those who cannot wait for an answer.
struct ClockKeeper: Service {
    let clock: ServiceClock

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                // A database that does not answer is told of by whoever needs it.
                _ = try? await clock.compared()
                try? await Task.sleep(for: .seconds(10))
            }
        }
    }
}
