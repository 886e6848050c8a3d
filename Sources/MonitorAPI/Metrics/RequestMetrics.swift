import Metrics
import Synchronization

/// Counts and times requests, by route.
final class RequestMetrics: Sendable {
    private struct Key: Hashable {
        var method: String
        var route: String
        var status: Int
    }

    private let factory: PrometheusRegistry
    private let timers = Mutex<[Key: Timer]>([:])

    init(factory: PrometheusRegistry) {
        self.factory = factory
        factory.describe("monitor_http_request_duration_seconds", "Requests that were answered, by route, and how long that took.")
    }

    /// - Parameters:
    ///   - method: One that is known, or `other`.
    ///   - route: The pattern; never a path.
    func answered(_ method: String, route: String, status: Int, in duration: Duration) {
        let key = Key(method: method, route: route, status: status)
        let timer = timers.withLock { timers in
            if let known = timers[key] { return known }
            let timer = Timer(
                label: "monitor_http_request_duration_seconds",
                dimensions: [("method", method), ("route", route), ("status", String(status))], factory: factory)
            timers[key] = timer
            return timer
        }
        timer.recordNanoseconds(duration.components.seconds * 1_000_000_000 + duration.components.attoseconds / 1_000_000_000)
    }
}
