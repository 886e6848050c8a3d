public import Foundation
public import Logging
import MonitorAPI
import Monitoring
import Notifications
import Postgres
public import ServiceLifecycle
import WebTransport

/// The whole service, or a part of it: scheduler, dispatcher and listener over one database.
///
/// This is the one place where everything is put together.
public struct MonitorService: Sendable {
    /// Which parts run in this process; any number of processes share a database.
    public enum Role: String, Sendable, Hashable, CaseIterable {
        /// Everything.
        case all
        /// Roll-up, baseline and evaluation.
        case worker
        /// Delivery of notifications.
        case dispatcher
        /// The HTTP listener.
        case api

        func includes(_ part: Role) -> Bool { self == .all || self == part }
    }

    let running: RunningConfiguration
    private let role: Role
    private let clock: @Sendable () -> Date
    let logger: Logger

    /// - Parameter clock: What the present is; the demo's is shifted.
    public init(
        configuration: ServiceConfiguration, role: Role = .all, clock: @escaping @Sendable () -> Date = { Date() }, logger: Logger
    ) {
        running = RunningConfiguration(configuration)
        self.role = role
        self.clock = clock
        self.logger = logger
    }

    /// Runs until its task is cancelled, as `ProcessSignals` has it done: no new work is taken, requests in flight finish within
    /// 20 s or go back to the outbox, and an embedded PostgreSQL is shut down. It returns as well where it was cancelled before it
    /// had started.
    ///
    /// - Parameters:
    ///   - reloading: Where the configuration is read from again; nil: it stays as it is.
    ///   - beforeMigration: Called when the database answers.
    ///   - services: Called once the schema is up to date, before anything else works; what it gives runs beside the service.
    ///   - onListening: Called with the listener's port, where there is one, when everything is answered. It listens as soon as an
    ///     embedded database runs, at once where another one is named, and says until then that it starts.
    /// - Throws: Where it cannot start: a port that is taken, a schema that is newer than the program, a database that refuses us.
    public func run(
        reloading: Reloading? = nil, beforeMigration: @escaping @Sendable (Database) async throws -> Void = { _ in },
        services further: @escaping @Sendable (Database) async throws -> [any Service] = { _ in [] },
        onListening: @escaping @Sendable (Int) async -> Void = { _ in }
    ) async throws {
        ProcessMetrics.begin()
        // What can be found wrong without a database is found first.
        let listener = try Self.check(running.configuration)
        if role.includes(.api) { try await listener.checkAddress() }
        do {
            try await start(listener, reloading, beforeMigration, further, onListening)
        } catch {
            guard Task.isCancelled else { throw error }
            logger.notice("Stopped; something was cut short", metadata: ["error": "\(error)"])
            return
        }
        logger.info("Stopped")
    }

    /// Puts together what the configuration describes, as `run` does, and starts nothing.
    ///
    /// - Throws: What `run` would refuse it for.
    public func checkConfiguration() throws {
        try Self.check(running.configuration)
    }

    func notificationConfiguration() throws(NotificationConfigurationError) -> NotificationConfiguration {
        let configuration = running.configuration
        return try NotificationConfiguration(configuration, port: configuration.listener.port)
    }

    /// - Returns: What the listener is told.
    /// - Throws: What a configuration is refused for, once each of its keys is right.
    @discardableResult
    static func check(_ configuration: ServiceConfiguration) throws -> MonitorAPI.ListenerConfiguration {
        _ = try RelaySettings(configuration, port: configuration.listener.port)
        return try MonitorAPI.ListenerConfiguration(configuration.listener)
    }

    private func start(
        _ listener: MonitorAPI.ListenerConfiguration, _ reloading: Reloading?,
        _ beforeMigration: @escaping @Sendable (Database) async throws -> Void,
        _ further: @escaping @Sendable (Database) async throws -> [any Service],
        _ onListening: @escaping @Sendable (Int) async -> Void
    ) async throws {
        let database = try await Database.openForService(running.configuration, logger: logger)
        let watch = EvaluationWatch()
        let clock = ServiceClock(client: database.client, clock: clock, logger: logger)
        let (ports, bound) = AsyncStream.makeStream(of: Int.self)
        var services: [any Service] = []
        if let embedded = database.embedded { services.append(EmbeddedPostgresService(server: embedded)) }
        if role.includes(.api) {
            services.append(
                listenerService(listener, database, watch, clock) { port in
                    bound.yield(port)
                    await onListening(port)
                })
        } else {
            bound.yield(running.configuration.listener.port)
        }
        if let reloading {
            services.append(ConfigurationReloader(reloading: reloading, running: running, client: database.client, logger: logger))
        }
        services.append(
            StartedServices(
                start: {
                    try await waitForDatabase(database)
                    try await beforeMigration(database)
                    try await migrate(database)
                    let further = try await further(database)
                    try await begin(database)
                    return further + ownServices(database, ports, watch, clock)
                }, group: group))
        do {
            try await runUntilCancelled(group(services))
        } catch {
            await database.close()
            throw error
        }
        await database.close()
    }

    /// A service starts when its database is not up yet: it waits, and says so. A password that is put right meanwhile is taken by
    /// whoever reads the configuration again.
    private func waitForDatabase(_ database: Database) async throws {
        var attempt = 0
        while true {
            do {
                try await database.client.query("SELECT 1", timeout: .seconds(5))
                return
            } catch let error as PostgresError where error.isRetryable {
                attempt += 1
                logger.warning(
                    "There is no connection to the database; it is tried again",
                    metadata: ["error": "\(error)", "attempt": "\(attempt)"])
                try await Task.sleep(for: .seconds(min(attempt, 10)))
            }
        }
    }

    private func migrate(_ database: Database) async throws {
        let report = try await SchemaMigrator(client: database.client).migrate()
        if !report.applied.isEmpty { logger.info("The schema was brought up to date", metadata: ["files": "\(report.applied.count)"]) }
        for advice in report.advice { logger.warning("The schema needs a hand", metadata: ["advice": "\(advice)"]) }
    }

    /// By the configuration as it is by now, which may have been read again since the process began.
    private func begin(_ database: Database) async throws {
        while true {
            let configuration = running.configuration
            let keys = try await LinkKeyStore(client: database.client).keys(configured: configuration.listener.linkKey?.reveal())
            let signer = LinkSigner(keys: keys)
            _ = try Self.listenerChange(.init(configuration: configuration, signer: signer))
            // Who detects says by what: a listener with another file must not change it.
            if role.includes(.worker) {
                try await MonitoringEngine(client: database.client)
                    .writeSettings(configuration.detection.settingsJSON, writtenBy: ProcessIdentity.current)
            }
            if running.start(configuration, signer: signer) { return }
        }
    }

    /// It answers everything once the configuration is told of with keys for links.
    private func listenerService(
        _ listener: MonitorAPI.ListenerConfiguration, _ database: Database, _ watch: EvaluationWatch, _ clock: ServiceClock,
        onListening: @escaping @Sendable (Int) async -> Void
    ) -> ListenerService {
        let server = MonitorServer(
            configuration: listener, client: database.client, linkSigner: nil, logger: logger,
            evaluations: role.includes(.worker) ? watch : nil,
            testReceiver: { name in
                let outcome = try await testReceiver(named: name)
                if outcome.delivered { try await ReceiverRepository(client: database.client).worksAgain(name) }
                return outcome
            },
            slackUpdates: SlackUpdates { await updateSlackMessage($0, body: $1) }, metrics: ProcessMetrics.registry,
            changes: listenerChanges(), clock: { clock.now })
        return ListenerService(server: server) { port in
            logger.info("Listening", metadata: ["host": "\(running.configuration.listener.host)", "port": "\(port)"])
            await onListening(port)
        }
    }

    /// What needs the database.
    private func ownServices(
        _ database: Database, _ ports: AsyncStream<Int>, _ watch: EvaluationWatch, _ clock: ServiceClock
    ) -> [any Service] {
        var services: [any Service] = []
        if role.includes(.api) { services.append(ClockKeeper(clock: clock)) }
        let wake = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        if role.includes(.dispatcher) {
            services.append(
                DispatcherService(
                    ports: ports, wakes: wake.stream, running: running, client: database.client, logger: logger))
        }
        if role.includes(.worker) {
            services.append(
                RelayKeeper(client: database.client, clock: clock, logger: logger, onTransitions: { wake.continuation.yield() }))
            let evaluations = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
            services.append(
                HeartbeatService(evaluations: evaluations.stream, running: running, client: database.client, logger: logger))
            services.append(
                Worker(
                    client: database.client, running: running, process: ProcessIdentity.current, clock: clock,
                    logger: logger, watch: watch,
                    onTransitions: { wake.continuation.yield() },
                    onEvaluation: { evaluations.continuation.yield() }))
        }
        return services
    }

    /// What the listener hears of configurations; they have been checked.
    private func listenerChanges() -> some AsyncSequence<ListenerChange, Never> & Sendable {
        running.snapshots().compactMap { try? Self.listenerChange($0) }
    }

    /// nil before the service has started.
    private static func listenerChange(_ snapshot: RunningConfiguration.Snapshot) throws -> ListenerChange? {
        guard let signer = snapshot.signer else { return nil }
        let relay = try RelaySettings(snapshot.configuration, port: snapshot.configuration.listener.port)
        return ListenerChange(
            configuration: try check(snapshot.configuration), linkSigner: signer,
            receivers: relay.notifications?.receivers.mapValues(\.kind) ?? [:], relay: relay)
    }

    private func group(_ services: [any Service]) -> ServiceGroup {
        var configuration = ServiceGroupConfiguration(
            services: services.map {
                .init(
                    service: $0, successTerminationBehavior: .gracefullyShutdownGroup,
                    failureTerminationBehavior: .gracefullyShutdownGroup,
                    // Not its description: that goes through all that it holds, and costs a tenth of the start.
                    serviceName: "\(type(of: $0))")
            }, logger: quiet)
        configuration.maximumGracefulShutdownDuration = .seconds(20)
        return ServiceGroup(configuration: configuration)
    }

    /// The service group tells of every step at info; only what goes wrong is of interest.
    private var quiet: Logger {
        var logger = logger
        logger.logLevel = max(.warning, logger.logLevel)
        return logger
    }
}
