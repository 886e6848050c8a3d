import Foundation
import Logging
import Monitoring
import Postgres
import ServiceLifecycle

/// Ends alerts from elsewhere that their sources do not name any more. Any number of processes may do it at once.
struct RelayKeeper: Service {
    let client: PostgresClient
    let clock: @Sendable () -> Date
    let logger: Logger
    /// Called after alerts have ended, for a dispatcher in the same process.
    let onTransitions: @Sendable () async -> Void
    /// How often is looked.
    var interval = Duration.seconds(10)

    func run() async throws {
        let repository = RelayedAlertRepository(client: client)
        await cancelWhenGracefulShutdown {
            var hasFailed = false
            while !Task.isCancelled {
                do {
                    let ended = try await repository.endSilent(at: clock())
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
