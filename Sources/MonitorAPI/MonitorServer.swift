public import Foundation
import Hummingbird
public import Logging
import NIOCore
public import Notifications
public import Postgres

/// The HTTP listener: the API, the links of messages, the pages, and what supervisors ask.
public struct MonitorServer: Sendable {
    private let configuration: ListenerConfiguration
    private let client: PostgresClient
    private let linkSigner: LinkSigner
    private let logger: Logger
    private let evaluations: EvaluationWatch?
    private let clock: @Sendable () -> Date

    /// - Parameters:
    ///   - client: Of a database with the monitor's schema; it need not answer yet.
    ///   - linkSigner: Of the links in the messages.
    ///   - evaluations: Of this process; nil where it does not evaluate.
    ///   - clock: What the present is.
    public init(
        configuration: ListenerConfiguration, client: PostgresClient, linkSigner: LinkSigner, logger: Logger,
        evaluations: EvaluationWatch? = nil, clock: @escaping @Sendable () -> Date = { Date() }
    ) {
        self.configuration = configuration
        self.client = client
        self.linkSigner = linkSigner
        self.logger = logger
        self.evaluations = evaluations
        self.clock = clock
    }

    /// Listens until its task is cancelled or the service group shuts down; requests in flight are answered first.
    ///
    /// - Parameter onListening: Called once, with the port.
    /// - Throws: Where the address cannot be bound.
    public func run(onListening: @escaping @Sendable (Int) async -> Void) async throws {
        let pages = try PageRenderer()
        let endpoints =
            AlertEndpoints(client: client).all + MetricEndpoints(client: client).all + BaselineEndpoints(client: client).all
            + ComputeEndpoint(client: client).all
            + SilenceEndpoints(client: client).all + OperationEndpoints(client: client, evaluations: evaluations).all
            + LinkEndpoints(client: client, signer: linkSigner, configuration: configuration, pages: pages).all
            + PageEndpoints(client: client, pages: pages).all
        let table = EndpointTable(endpoints: endpoints, gate: Gate(configuration), clock: clock)
        let application = Application(
            router: table.router(),
            server: .http1(
                configuration: .init(
                    idleTimeout: .seconds(60),
                    httpDecoderConfiguration: .init(maxHeaderFieldSize: 16 * 1024, maxHeaderListSize: 32 * 1024, maxHeaderFieldCount: 100))),
            configuration: .init(address: .hostname(configuration.host, port: configuration.port), serverName: nil),
            onServerRunning: { channel in await onListening(channel.localAddress?.port ?? 0) },
            logger: logger)
        try await application.runService(gracefulShutdownSignals: [])
    }
}
