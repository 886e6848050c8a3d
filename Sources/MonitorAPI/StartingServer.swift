public import Foundation
import Hummingbird
public import Logging
public import Postgres

/// The listener while the service starts, for as long as its database does not answer or its schema is brought up to date: it says
/// that it lives and why it is not ready, and answers 503 to everything else.
public struct StartingServer: Sendable {
    private let configuration: ListenerConfiguration
    private let client: PostgresClient
    private let logger: Logger
    private let clock: @Sendable () -> Date

    /// - Parameter client: Of a database that need not answer.
    public init(
        configuration: ListenerConfiguration, client: PostgresClient, logger: Logger, clock: @escaping @Sendable () -> Date = { Date() }
    ) {
        self.configuration = configuration
        self.client = client
        self.logger = logger
        self.clock = clock
    }

    /// Listens until its task is cancelled.
    ///
    /// - Parameter onListening: Called once, with the port.
    /// - Throws: Where the address cannot be bound.
    public func run(onListening: @escaping @Sendable (Int) async -> Void) async throws {
        try await configuration.application(router().buildResponder(), logger: logger, onListening: onListening).run()
    }

    private func router() -> Router<MonitorContext> {
        let doorkeeper = Doorkeeper(
            gate: Gate(configuration), sessions: SessionStore(client: client), failures: FailureLimit(proxies: configuration.proxies),
            cookie: SessionCookie(isSecure: configuration.isPublicURLSecure))
        let router = EndpointTable(
            endpoints: OperationEndpoints(client: client, isStarting: true).whatSupervisorsAsk + [PageEndpoints.stylesheet],
            doorkeeper: doorkeeper, clock: clock, cache: AnswerCache(version: DataVersion(client: client)),
            keys: IdempotencyKeys(client: client), metrics: RequestMetrics(factory: PrometheusRegistry())
        ).router()
        for path in ["/", "/**"] {
            for method in EndpointTable.methods where method != .head {
                router.on(RouterPath(path), method: method) { _, _ -> Response in throw Readiness.starting }
            }
        }
        return router
    }
}
