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
    private let receivers: [String: ReceiverKind]
    private let testReceiver: ReceiverTester?
    private let slackUpdates: SlackUpdates?
    private let metrics: PrometheusRegistry
    private let clock: @Sendable () -> Date
    /// How long a body may take, and a request with the idempotency key of another that is being served.
    var bodyDeadline = Duration.seconds(20)
    var keyPatience = Duration.seconds(10)

    /// Sends a marked test message to the receiver of that name, and gives what came of it: an answer of the API.
    ///
    /// It bounds its own time, 60 seconds at most, and its outcome holds no URL and no secret.
    public typealias ReceiverTester = @Sendable (_ receiver: String) async throws -> ReceiverTestOutcome

    /// - Parameters:
    ///   - client: Of a database with the monitor's schema; it need not answer yet.
    ///   - linkSigner: Of the links in the messages.
    ///   - evaluations: Of this process; nil where it does not evaluate.
    ///   - receivers: That are configured: their kinds, by name.
    ///   - testReceiver: nil where this process sends no messages.
    ///   - slackUpdates: nil: messages in Slack stay as they are when somebody presses a button in them.
    ///   - metrics: What `/metrics` shows of this process.
    ///   - clock: What the present is.
    public init(
        configuration: ListenerConfiguration, client: PostgresClient, linkSigner: LinkSigner, logger: Logger,
        evaluations: EvaluationWatch? = nil, receivers: [String: ReceiverKind] = [:], testReceiver: ReceiverTester? = nil,
        slackUpdates: SlackUpdates? = nil, metrics: PrometheusRegistry = PrometheusRegistry(),
        clock: @escaping @Sendable () -> Date = { Date() }
    ) {
        self.configuration = configuration
        self.client = client
        self.linkSigner = linkSigner
        self.logger = logger
        self.evaluations = evaluations
        self.receivers = receivers
        self.testReceiver = testReceiver
        self.slackUpdates = slackUpdates
        self.metrics = metrics
        self.clock = clock
    }

    /// Listens until its task is cancelled or the service group shuts down; requests in flight are answered first.
    ///
    /// - Parameter onListening: Called once, with the port.
    /// - Throws: Where the address cannot be bound.
    public func run(onListening: @escaping @Sendable (Int) async -> Void) async throws {
        let background = BackgroundWork()
        let table = EndpointTable(
            endpoints: try endpoints(background), gate: Gate(configuration), clock: clock,
            cache: AnswerCache(version: DataVersion(client: client)), keys: IdempotencyKeys(client: client, patience: keyPatience),
            bodyDeadline: bodyDeadline, metrics: RequestMetrics(factory: metrics))
        let application = Application(
            router: table.router(),
            server: .http1(
                configuration: .init(
                    idleTimeout: .seconds(60),
                    httpDecoderConfiguration: .init(maxHeaderFieldSize: 16 * 1024, maxHeaderListSize: 32 * 1024, maxHeaderFieldCount: 100))),
            configuration: .init(address: .hostname(configuration.host, port: configuration.port), serverName: nil),
            onServerRunning: { channel in await onListening(channel.localAddress?.port ?? 0) },
            logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await background.run() }
            defer { group.cancelAll() }
            try await application.runService(gracefulShutdownSignals: [])
            // What was answered already is finished, for as long as a supervisor waits.
            background.finish()
            group.addTask { try await Task.sleep(for: .seconds(3)) }
            try await group.next()
        }
    }

    /// All there are, the description of them included.
    func endpoints(_ background: BackgroundWork) throws -> [Endpoint] {
        let pages = try PageRenderer()
        let endpoints =
            AlertEndpoints(client: client).all + MetricEndpoints(client: client).all + BaselineEndpoints(client: client).all
            + ComputeEndpoint(client: client).all
            + SilenceEndpoints(client: client).all + NotificationEndpoints(client: client).all
            + ReceiverEndpoints(client: client, kinds: receivers, test: testReceiver).all + slack(background)
            + OperationEndpoints(client: client, evaluations: evaluations, registry: metrics).all
            + LinkEndpoints(client: client, signer: linkSigner, configuration: configuration, pages: pages).all
            + PageEndpoints(client: client, pages: pages).all
        return try endpoints + OpenAPIEndpoint.all(describing: endpoints, needsTokens: !configuration.tokens.isEmpty)
    }

    private func slack(_ background: BackgroundWork) -> [Endpoint] {
        guard let secret = configuration.slackSigningSecret else { return [] }
        return SlackEndpoint(
            client: client, secret: secret, signer: linkSigner, publicURL: configuration.publicURL, updates: slackUpdates,
            background: background
        ).all
    }
}
