public import Foundation
import Hummingbird
import HummingbirdCore
public import Logging
import NIOCore
public import Notifications
public import Postgres
import ServiceLifecycle

/// The HTTP listener: the API, the links of messages, the pages, and what supervisors ask.
public struct MonitorServer: Sendable {
    private var configuration: ListenerConfiguration
    private let client: PostgresClient
    private var linkSigner: LinkSigner?
    private let logger: Logger
    private let evaluations: EvaluationWatch?
    private var receivers: [String: ReceiverKind]
    private var relay: RelaySettings
    private let changes: any AsyncSequence<ListenerChange, Never> & Sendable
    private let testReceiver: ReceiverTester?
    private let slackUpdates: SlackUpdates?
    private let metrics: PrometheusRegistry
    private let clock: @Sendable () -> Date
    /// Outlasts a change of the configuration, which may be what mends it.
    private let lastReason = LastReason()
    /// How long a body may take, and a request with the idempotency key of another that is being served.
    var bodyDeadline = Duration.seconds(20)
    var keyPatience = Duration.seconds(10)
    /// Seconds after which a stream ends, and is taken up again by whoever still may.
    var streamLifetime = 900

    /// Sends a marked test message to the receiver of that name, and gives what came of it: an answer of the API.
    ///
    /// It bounds its own time, 60 seconds at most, and its outcome holds no URL and no secret.
    public typealias ReceiverTester = @Sendable (_ receiver: String) async throws -> ReceiverTestOutcome

    /// - Parameters:
    ///   - client: Of a database with the monitor's schema, once there is a `linkSigner`; it need not answer yet.
    ///   - linkSigner: Of the links in the messages. nil: the service is starting, and ready with the first change; until then it says
    ///     that it lives, why it is not ready, and 503 to everything else.
    ///   - evaluations: Of this process; nil where it does not evaluate.
    ///   - receivers: That are configured: their kinds, by name.
    ///   - relay: How alerts from elsewhere are taken in.
    ///   - testReceiver: nil where this process sends no messages.
    ///   - slackUpdates: nil: messages in Slack stay as they are when somebody presses a button in them.
    ///   - changes: Each takes effect with the next request; requests in flight are answered as they began.
    ///   - metrics: What `/metrics` shows of this process.
    ///   - clock: What the present is.
    public init(
        configuration: ListenerConfiguration, client: PostgresClient, linkSigner: LinkSigner?, logger: Logger,
        evaluations: EvaluationWatch? = nil, receivers: [String: ReceiverKind] = [:], relay: RelaySettings = RelaySettings(),
        testReceiver: ReceiverTester? = nil,
        slackUpdates: SlackUpdates? = nil, metrics: PrometheusRegistry = PrometheusRegistry(),
        changes: any AsyncSequence<ListenerChange, Never> & Sendable = AsyncStream<ListenerChange> { $0.finish() },
        clock: @escaping @Sendable () -> Date = { Date() }
    ) {
        self.configuration = configuration
        self.client = client
        self.linkSigner = linkSigner
        self.logger = logger
        self.evaluations = evaluations
        self.receivers = receivers
        self.relay = relay
        self.testReceiver = testReceiver
        self.slackUpdates = slackUpdates
        self.changes = changes
        self.metrics = metrics
        self.clock = clock
    }

    /// Listens until its task is cancelled or the service group shuts down; requests in flight are answered first.
    ///
    /// - Parameter onListening: Called once, with the port, when everything is answered.
    /// - Throws: `ListenerConfigurationError` with `.addressUnavailable` where the address cannot be bound.
    public func run(onListening: @escaping @Sendable (Int) async -> Void) async throws {
        let room = max(64, FileDescriptorLimit.raise() - 512)
        let background = BackgroundWork()
        let hub = StreamHub(client: client, logger: logger)
        let lasting = Lasting(
            background: background, slackMemory: ReplayMemory(), cache: AnswerCache(version: DataVersion(client: client)),
            keys: IdempotencyKeys(client: client, patience: keyPatience), metrics: RequestMetrics(factory: metrics), hub: hub,
            turns: IntakeTurns())
        let responder = SwappableResponder(try router(lasting).buildResponder())
        let (ports, bound) = AsyncStream.makeStream(of: Int.self)
        let connections = ConnectionGuard.Shared(
            ConnectionLimits(total: min(room, configuration.connections.total), perClient: configuration.connections.perClient),
            proxies: configuration.proxies, logger: logger)
        let application = Application(
            responder: responder,
            server: HTTPServerBuilder { responder in
                ListenerChannel(
                    channel: HTTP1Channel(
                        responder: responder,
                        configuration: .init(
                            // It has the idle timeout too.
                            additionalChannelHandlers: [ConnectionGuard(connections)],
                            httpDecoderConfiguration: .init(
                                maxHeaderFieldSize: 16 * 1024, maxHeaderListSize: 32 * 1024, maxHeaderFieldCount: 100))))
            },
            configuration: .init(
                address: .hostname(configuration.host, port: configuration.port), serverName: nil, backlog: 4096),
            onServerRunning: { channel in
                let port = channel.localAddress?.port ?? 0
                if linkSigner == nil { bound.yield(port) } else { await onListening(port) }
            },
            logger: logger)
        try await withThrowingTaskGroup(of: Part.self) { outer in
            outer.addTask {
                var isStarting = linkSigner == nil
                for await change in changes {
                    do {
                        responder.swap(try changed(by: change).router(lasting).buildResponder())
                    } catch  where !isStarting {
                        logger.error("The listener goes on by the configuration it had", metadata: ["error": "\(error)"])
                    }
                    guard isStarting, let port = await ports.first(where: { _ in true }) else { continue }
                    isStarting = false
                    await onListening(port)
                }
                return .changes
            }
            outer.addTask {
                // Streams have no end of their own: nobody could wait for them.
                await withGracefulShutdownHandler {
                    await hub.run()
                } onGracefulShutdown: {
                    hub.finish()
                }
                return .streams
            }
            outer.addTask {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { await background.run() }
                    defer { group.cancelAll() }
                    do {
                        try await application.run()
                    } catch let error as IOError {
                        throw configuration.unavailable(error)
                    }
                    // What was answered already is finished, for as long as a supervisor waits.
                    background.finish()
                    group.addTask { try await Task.sleep(for: .seconds(3)) }
                    try await group.next()
                }
                return .answers
            }
            defer { outer.cancelAll() }
            // Changes and streams may have an end long before.
            while let ended = try await outer.next(), ended != .answers {}
        }
    }

    /// What a listener does at the same time.
    private enum Part: Sendable, Hashable {
        case changes
        case streams
        case answers
    }

    /// What outlasts a change of the configuration.
    private struct Lasting: Sendable {
        var background: BackgroundWork
        var slackMemory: ReplayMemory
        var cache: AnswerCache
        var keys: IdempotencyKeys
        var metrics: RequestMetrics
        var hub: StreamHub
        var turns: IntakeTurns
    }

    private func changed(by change: ListenerChange) -> MonitorServer {
        var copy = self
        copy.configuration = change.configuration
        copy.linkSigner = change.linkSigner
        copy.receivers = change.receivers
        copy.relay = change.relay
        return copy
    }

    /// Everything that is answered, by what is configured now.
    private func router(_ lasting: Lasting) throws -> Router<MonitorContext> {
        let doorkeeper = doorkeeper()
        func table(_ endpoints: [Endpoint]) -> EndpointTable {
            EndpointTable(
                endpoints: endpoints, doorkeeper: doorkeeper, clock: clock, cache: lasting.cache, keys: lasting.keys,
                bodyDeadline: bodyDeadline, metrics: lasting.metrics)
        }
        if let linkSigner {
            return table(
                try endpoints(
                    linkSigner, lasting.background, lasting.slackMemory, lasting.hub, doorkeeper, lasting.keys, lasting.turns)
            ).router()
        }
        let probes = OperationEndpoints(client: client, evaluations: nil, registry: metrics, isStarting: true).probes
        let router = table(probes + [PageEndpoints.stylesheet]).router()
        for method in EndpointTable.methods where method != .head {
            for path in ["/", "/**"] { router.on(RouterPath(path), method: method) { _, _ -> Response in throw Readiness.starting } }
        }
        return router
    }

    private func doorkeeper() -> Doorkeeper {
        Doorkeeper(
            gate: Gate(configuration), sessions: SessionStore(client: client), failures: FailureLimit(proxies: configuration.proxies),
            cookie: SessionCookie(isSecure: configuration.isPublicURLSecure))
    }

    /// All there are, as the description of them names them.
    func endpoints(_ linkSigner: LinkSigner) throws -> [Endpoint] {
        try endpoints(
            linkSigner, BackgroundWork(), ReplayMemory(), StreamHub(client: client, logger: logger), doorkeeper(),
            IdempotencyKeys(client: client), IntakeTurns())
    }

    /// All there are, the description of them included.
    private func endpoints(
        _ linkSigner: LinkSigner, _ background: BackgroundWork, _ slackMemory: ReplayMemory, _ hub: StreamHub, _ doorkeeper: Doorkeeper,
        _ keys: IdempotencyKeys, _ turns: IntakeTurns
    ) throws -> [Endpoint] {
        let pages = PageRenderer()
        let marks = FormMark(signer: linkSigner)
        let intake = AlertIntake(client: client, settings: relay, turns: turns, background: background, logger: logger)
        let endpoints =
            AlertEndpoints(client: client).all + MetricEndpoints(client: client).all + BaselineEndpoints(client: client).all
            + ComputeEndpoint(client: client).all
            + SilenceEndpoints(client: client).all + NotificationEndpoints(client: client).all
            + ReceiverEndpoints(client: client, kinds: receivers, test: testReceiver).all + slack(linkSigner, background, slackMemory)
            + OperationEndpoints(client: client, evaluations: evaluations, registry: metrics, lastReason: lastReason).all
            + LinkEndpoints(
                client: client, signer: linkSigner, configuration: configuration, failures: doorkeeper.failures, pages: pages
            ).all
            + PageEndpoints(
                client: client, pages: pages, doorkeeper: doorkeeper, marks: marks, configuration: configuration,
                notifications: relay.notifications
            ).all
            + TroubleEndpoints(client: client, gate: doorkeeper.gate, marks: marks).all
            + LoginEndpoints(doorkeeper: doorkeeper, marks: marks, configuration: configuration, pages: pages).all
            + StreamEndpoint(hub: hub, lifetimeSeconds: streamLifetime).all
            + AlertmanagerEndpoints(client: client, settings: relay, intake: intake).all
            + RelayEndpoint(settings: relay, gate: doorkeeper.gate, intake: intake, keys: keys, failures: doorkeeper.failures).all
        return endpoints + OpenAPIEndpoint.all(describing: endpoints, needsTokens: !configuration.tokens.isEmpty)
    }

    private func slack(_ linkSigner: LinkSigner, _ background: BackgroundWork, _ memory: ReplayMemory) -> [Endpoint] {
        guard let secret = configuration.slackSigningSecret else { return [] }
        return SlackEndpoint(
            client: client, secret: secret, signer: linkSigner, publicURL: configuration.publicURL, updates: slackUpdates,
            background: background, memory: memory
        ).all
    }
}
