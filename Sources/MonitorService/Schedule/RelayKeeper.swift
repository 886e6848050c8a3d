import Foundation
import Logging
import Monitoring
import Postgres
import ServiceLifecycle

/// Ends alerts from elsewhere that their sources do not name any more. Any number of processes may do it at once.
struct RelayKeeper: Service {
    let client: PostgresClient
    let clock: ServiceClock
    let logger: Logger
    /// Called after alerts have ended, for a dispatcher in the same process.
    let onTransitions: @Sendable () async -> Void
    /// How often is looked.
    var interval = Duration.seconds(10)
    /// While the service was away nobody could say that an alert goes on: Prometheus says so every one or two minutes.
    var grace = Duration.seconds(180)

    func run() async throws {
        let repository = RelayedAlertRepository(client: client)
        await cancelWhenGracefulShutdown {
            var hasFailed = false
            try? await Task.sleep(for: grace)
            while !Task.isCancelled {
                do {
                    let ended = try await repository.endSilent(at: clock.compared())
                    if ended > 0 {
                        logger.notice("Alerts from elsewhere are over: their sources name them no more", metadata: ["count": "\(ended)"])
                        await onTransitions()
                    }
                    hasFailed = false
                } catch {
                    if Task.isCancelled { return }
                    if !hasFailed { logger.warning("Alerts from elsewhere cannot be ended", metadata: ["error": "\(error)"]) }
                    hasFailed = true
                }
                try? await Task.sleep(for: interval)
            }
        }
    }
}
