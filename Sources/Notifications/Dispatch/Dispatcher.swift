import Foundation
public import Logging
import Monitoring
public import Postgres
public import WebTransport

/// Tells receivers of transitions: routes them into the outbox, and sends what the outbox holds. At least once, each with the
/// same id and body, in order for one alert and receiver. Any number of processes may run one on the same database.
public final class Dispatcher: Sendable {
    private let client: PostgresClient
    private let router: TransitionRouter
    private let outbox: Outbox
    private let lanes: [ReceiverLane]
    private let composer: MessageComposer
    private let held = HoldLimit(HoldLimit.Share(messages: 8000, bytes: 24 << 20))
    private let settings: DeliverySettings
    private let logger: Logger
    private let signal = Signal()
    private let hearing: Hearing
    private let fallbackReceiver: String?

    /// - Parameters:
    ///   - linkSigner: Signs the links in messages.
    ///   - process: A name for people, such as the host's; a random part is added, so that two processes may share it.
    public init(
        client: PostgresClient, transport: WebTransport, configuration: NotificationConfiguration, linkSigner: LinkSigner, process: String,
        logger: Logger
    ) {
        self.client = client
        self.logger = logger
        settings = configuration.delivery
        let chance = UInt32.random(in: .min ... .max)
        let outbox = Outbox(
            client: client, process: "\(process.prefix(64))/\(String(chance, radix: 16))", settings: configuration.delivery)
        self.outbox = outbox
        hearing = Hearing(process: outbox.process)
        fallbackReceiver = configuration.fallbackReceiver
        router = TransitionRouter(client: client, configuration: configuration, logger: logger)
        let inFlight = InFlightLimit(configuration.delivery.maximumInFlight)
        composer = MessageComposer(
            configuration: configuration, signer: linkSigner, history: MetricHistory(client: client, logger: logger), logger: logger)
        lanes = configuration.receivers.values.sorted { $0.name < $1.name }.map { [composer, held, router] receiver in
            ReceiverLane(
                courier: Courier(receiver: receiver, transport: transport, settings: configuration.delivery, logger: logger),
                outbox: outbox, router: router, composer: composer, inFlight: inFlight, held: held, settings: configuration.delivery,
                logger: logger)
        }
    }

    /// There may be a new transition: looks at once instead of at the next poll.
    public func wake() {
        signal.raise()
    }

    /// Works until its task is cancelled. Then nothing new is taken, requests under way finish within their timeout and are
    /// recorded, and what is left goes back to the outbox. Errors of the database are logged and tried again; none ends it.
    public func run() async {
        await announce()
        // Not a child: while the last requests finish, this process must still be seen to live.
        let heart = Task { await beat() }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.listen() }
            group.addTask { await self.route() }
            group.addTask { await self.publish() }
            for lane in lanes { group.addTask { await lane.run() } }
        }
        heart.cancel()
        await heart.value
        do {
            try await shielded { [outbox] in
                try await PostgresClient.$patience.withValue(Outbox.lastPatience) {
                    try await outbox.leave()
                    try await outbox.bumpDataVersion()
                }
            }
        } catch {
            logger.warning("claims could not be given back", metadata: ["error": "\(error)"])
        }
    }

    /// Nothing is claimed before others can see that this process lives: they would take its claims for those of a dead one.
    private func announce() async {
        var pausing = PausingAfterErrors()
        while !Task.isCancelled {
            do {
                try await outbox.beat()
                return
            } catch {
                logger.warning("heartbeat failed", metadata: ["error": "\(error)"])
                try? await Task.sleep(for: pausing.failed())
            }
        }
    }

    private func beat() async {
        var pausing = PausingAfterErrors()
        var beats = 0
        while !Task.isCancelled {
            do {
                try await Task.sleep(for: settings.heartbeatInterval)
                try await outbox.beat()
                let returned = try await outbox.takeLost()
                if returned > 0 {
                    logger.warning("claims of a dead process came back", metadata: ["count": "\(returned)"])
                    for lane in lanes { lane.wake() }
                }
                if beats % 30 == 0 {
                    try await outbox.forgetDead()
                    let buried = try await outbox.buryUndefined(known: lanes.map(\.receiver.name))
                    if buried > 0 { logger.error("notifications for undefined receivers are dead", metadata: ["count": "\(buried)"]) }
                    let overdue = try await outbox.buryOverdue()
                    if overdue > 0 { logger.error("notifications for receivers that rest are dead", metadata: ["count": "\(overdue)"]) }
                }
                beats += 1
                pausing.succeeded()
            } catch is CancellationError {
                return
            } catch {
                if Task.isCancelled { return }
                logger.warning("heartbeat failed", metadata: ["error": "\(error)"])
                try? await Task.sleep(for: pausing.failed())
            }
        }
    }

    private func listen() async {
        let notices = client.notifications(on: "monitoring_transitions") { [logger, hearing] error, failures in
            hearing.lost()
            // Until it is back, transitions are found by polling: once is worth a warning.
            logger.log(
                level: failures == 1 ? .warning : .debug, "notices of transitions are not heard",
                metadata: ["error": "\(error)", "failures": "\(failures)"])
        }
        for await notice in notices {
            if case .received(let payload) = notice, !hearing.received(payload) { continue }
            signal.raise()
            if Task.isCancelled { return }
        }
    }

    /// Raises the data version after changes, a few times a second at most, and apart from the lanes: it may have to wait for an
    /// evaluation.
    private func publish() async {
        var pausing = PausingAfterErrors()
        while !Task.isCancelled {
            guard await outbox.changed.wait(atMost: .seconds(60)) else { continue }
            do {
                try await outbox.bumpDataVersion()
                pausing.succeeded()
                try await Task.sleep(for: .milliseconds(200))
            } catch {
                if Task.isCancelled { return }
                logger.warning("data version cannot be raised", metadata: ["error": "\(error)"])
                outbox.changed.raise()
                try? await Task.sleep(for: pausing.failed())
            }
        }
    }

    /// They have something new.
    private func wakeLanes(of receivers: Set<String>) {
        guard !receivers.isEmpty else { return }
        outbox.changed.raise()
        for lane in lanes where receivers.contains(lane.receiver.name) { lane.wake() }
    }

    private func route() async {
        var pausing = PausingAfterErrors()
        var nextLook = ContinuousClock.now
        var nextQuestion = ContinuousClock.now
        while !Task.isCancelled {
            var wait: Duration
            do {
                // What a notice tells of is there: it need not be looked for first.
                let routed = ContinuousClock.now < nextLook ? try await routeAll() : 0
                if routed == 0 {
                    let asks = ContinuousClock.now >= nextQuestion
                    if asks { nextQuestion = .now + settings.idleInterval }
                    nextLook = .now + (try await look(asks: asks))
                } else {
                    // Reminders may have been ordered.
                    nextLook = min(nextLook, .now + settings.pollInterval)
                }
                wait = ContinuousClock.now.duration(to: nextLook)
                pausing.succeeded()
            } catch {
                if Task.isCancelled { return }
                wait = pausing.failed()
                logger.warning("transitions cannot be routed", metadata: ["error": "\(error)"])
            }
            _ = await signal.wait(atMost: wait)
        }
    }

    /// - Returns: How many transitions were routed.
    private func routeAll() async throws -> Int {
        let first = try await routeBatch().routed.count
        // A burst: while the bodies of one batch are made, the database is at the next.
        guard first >= TransitionRouter.batchSize else { return first == 0 ? 0 : first + (try await routeRest()) }
        return try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<2 { group.addTask { try await self.routeRest() } }
            return try await group.reduce(first, +)
        }
    }

    private func routeRest() async throws -> Int {
        var all = 0
        while !Task.isCancelled {
            let routed = try await routeBatch().routed.count
            if routed == 0 { break }
            all += routed
        }
        return all
    }

    /// Routes a batch, and gives lanes that have room what could be claimed with it.
    private func routeBatch() async throws -> TransitionRouter.Batch {
        guard let direct = await directClaim() else {
            let batch = try await router.routeBatch()
            wakeLanes(of: batch.receivers)
            return batch
        }
        var unused = direct.share
        defer { held.release(unused) }
        // Before its transaction ends, as claims last from then on.
        let startBy = ContinuousClock.now + .seconds(settings.claimSeconds) - settings.requestTimeout
        do {
            let batch = try await router.routeBatch(direct: direct)
            for lane in lanes {
                guard var messages = batch.claimed[lane.receiver.name] else { continue }
                for index in messages.indices { messages[index].startBy = startBy }
                for share in messages.compactMap(\.held) { unused -= share }
                await lane.take(messages)
            }
            wakeLanes(of: batch.receivers)
            if !batch.claimed.isEmpty { outbox.changed.raise() }
            return batch
        } catch {
            for lane in lanes where direct.offers[lane.receiver.name] != nil { await lane.disown(direct.id) }
            throw error
        }
    }

    /// nil where no lane has room.
    private func directClaim() async -> DirectClaim? {
        var offers: [String: (receiver: Receiver, room: Int)] = [:]
        for lane in lanes {
            let room = await lane.directRoom
            if room > 0 { offers[lane.receiver.name] = (lane.receiver, room) }
        }
        guard !offers.isEmpty else { return nil }
        await composer.prepare()
        return DirectClaim(outbox: outbox, composer: composer, offers: offers, share: held.acquire(atMost: Self.directShare))
    }

    /// Of what lanes may hold, what one batch may take.
    private static let directShare = HoldLimit.Share(messages: TransitionRouter.batchSize, bytes: 4 << 20)

    /// Looks at everything that comes by itself, without a notice, and does it.
    ///
    /// - Parameter asks: Whether it is time to see again if notices are heard.
    /// - Returns: How long until the next look.
    private func look(asks: Bool) async throws -> Duration {
        let outlook = try await outbox.outlook(
            receivers: lanes.map(\.receiver.name), fallback: fallbackReceiver, notice: asks ? hearing.ask() : nil)
        if outlook.hasUnrouted { _ = try await routeAll() }
        if outlook.hasNewSilence, try await router.applySilences() > 0 { outbox.changed.raise() }
        if outlook.hasWithheld { wakeLanes(of: try await router.routeEnds()) }
        let hasReminders = outlook.untilReminder.map { $0 <= .zero } ?? false
        if hasReminders { wakeLanes(of: try await router.routeReminders()) }
        if outlook.hasUndelivered, let fallbackReceiver {
            let told = try await outbox.tellFallback(fallbackReceiver)
            if told > 0 {
                logger.warning("the fallback receiver is told what others could not be", metadata: ["count": "\(told)"])
                wakeLanes(of: [fallbackReceiver])
            }
        }
        let due = outlook.untilDue.filter { $0.value <= .zero }
        for lane in lanes where due[lane.receiver.name] != nil { lane.wake() }
        var next = hearing.isProven ? settings.idleInterval : settings.pollInterval
        // An end of quiet has no time that is known here, and what is left undone was locked by somebody.
        if outlook.hasWithheld { next = min(next, settings.pollInterval * 3) }
        // When the one after it is due is not known yet.
        if hasReminders { next = min(next, .milliseconds(100)) }
        // Once more, for what was being routed while it began.
        if outlook.hasUnrouted || outlook.hasNewSilence { next = min(next, settings.pollInterval) }
        return max(.milliseconds(10), min(next, outlook.untilNext ?? next))
    }
}
