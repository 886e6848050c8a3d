public import Foundation
import Hummingbird
public import Logging
import NIOCore
public import Notifications
public import Postgres
import ServiceLifecycle

/// The HTTP listener: the API, the links of messages, the pages, and what supervisors ask.
public struct MonitorServer: Sendable {
    private let configuration: ListenerConfiguration
    private let client: PostgresClient
    private let linkSigner: LinkSigner
    private let logger: Logger
    private let evaluations: EvaluationWatch?
    private let receivers: [String: ReceiverKind]
    private let testReceiver: ReceiverTester?
    private let slackUpdates: SlackUpdates?
    private let clock: @Sendable () -> Date

    /// Sends a marked test message to the receiver of that name, and gives what came of it: an answer of the API.
    ///
    /// It bounds its own time, 60 seconds at most, and its outcome holds no URL and no secret.
    public typealias ReceiverTester = @Sendable (_ receiver: String) async throws -> any Encodable & Sendable

    /// - Parameters:
    ///   - client: Of a database with the monitor's schema; it need not answer yet.
    ///   - linkSigner: Of the links in the messages.
    ///   - evaluations: Of this process; nil where it does not evaluate.
    ///   - receivers: That are configured: their kinds, by name.
    ///   - testReceiver: nil where this process sends no messages.
    ///   - slackUpdates: nil: messages in Slack stay as they are when somebody presses a button in them.
    ///   - clock: What the present is.
    public init(
        configuration: ListenerConfiguration, client: PostgresClient, linkSigner: LinkSigner, logger: Logger,
        evaluations: EvaluationWatch? = nil, receivers: [String: ReceiverKind] = [:], testReceiver: ReceiverTester? = nil,
        slackUpdates: SlackUpdates? = nil, clock: @escaping @Sendable () -> Date = { Date() }
    ) {
        self.configuration = configuration
        self.client = client
        self.linkSigner = linkSigner
        self.logger = logger
        self.evaluations = evaluations
        self.receivers = receivers
        self.testReceiver = testReceiver
        self.slackUpdates = slackUpdates
        self.clock = clock
    }

    /// Listens until its task is cancelled or the service group shuts down; requests in flight are answered first.
    ///
    /// - Parameter onListening: Called once, with the port.
    /// - Throws: Where the address cannot be bound.
    public func run(onListening: @escaping @Sendable (Int) async -> Void) async throws {
        let room = max(64, FileDescriptorLimit.raise() - 512)
        let pages = try PageRenderer()
        let background = BackgroundWork()
        let hub = StreamHub(client: client, logger: logger)
        let marks = FormMark(signer: linkSigner)
        let doorkeeper = Doorkeeper(
            gate: Gate(configuration), sessions: SessionStore(client: client), failures: FailureLimit(proxies: configuration.proxies),
            cookie: SessionCookie(isSecure: configuration.isPublicURLSecure))
        let endpoints =
            AlertEndpoints(client: client).all + MetricEndpoints(client: client).all + BaselineEndpoints(client: client).all
            + ComputeEndpoint(client: client).all
            + SilenceEndpoints(client: client).all + NotificationEndpoints(client: client).all
            + ReceiverEndpoints(client: client, kinds: receivers, test: testReceiver).all + slack(background)
            + OperationEndpoints(client: client, evaluations: evaluations).all
            + LinkEndpoints(
                client: client, signer: linkSigner, configuration: configuration, failures: doorkeeper.failures, pages: pages
            ).all
            + PageEndpoints(client: client, pages: pages, doorkeeper: doorkeeper, marks: marks, configuration: configuration).all
            + LoginEndpoints(doorkeeper: doorkeeper, marks: marks, configuration: configuration, pages: pages).all
            + StreamEndpoint(hub: hub).all
        let table = EndpointTable(endpoints: endpoints, doorkeeper: doorkeeper, clock: clock)
        let connections = ConnectionGuard.Shared(
            ConnectionLimits(total: min(room, configuration.connections.total), perClient: configuration.connections.perClient),
            proxies: configuration.proxies, logger: logger)
        let application = Application(
            router: table.router(),
            server: .http1(
                configuration: .init(
                    // It has the idle timeout too.
                    additionalChannelHandlers: [ConnectionGuard(connections)],
                    httpDecoderConfiguration: .init(maxHeaderFieldSize: 16 * 1024, maxHeaderListSize: 32 * 1024, maxHeaderFieldCount: 100))),
            configuration: .init(
                address: .hostname(configuration.host, port: configuration.port), serverName: nil, backlog: 4096),
            onServerRunning: { channel in await onListening(channel.localAddress?.port ?? 0) },
            logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await background.run() }
            group.addTask {
                // Streams have no end of their own: nobody could wait for them.
                await withGracefulShutdownHandler {
                    await hub.run()
                } onGracefulShutdown: {
                    hub.finish()
                }
            }
            defer { group.cancelAll() }
            try await application.runService(gracefulShutdownSignals: [])
            // What was answered already is finished, for as long as a supervisor waits.
            background.finish()
            group.addTask { try await Task.sleep(for: .seconds(3)) }
            try await group.next()
        }
    }

    private func slack(_ background: BackgroundWork) -> [Endpoint] {
        guard let secret = configuration.slackSigningSecret else { return [] }
        return SlackEndpoint(
            client: client, secret: secret, signer: linkSigner, publicURL: configuration.publicURL, updates: slackUpdates,
            background: background
        ).all
    }
}
