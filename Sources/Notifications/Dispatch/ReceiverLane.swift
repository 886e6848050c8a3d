import DequeModule
import Foundation
import Logging
import Monitoring
import Postgres
import Synchronization
import WebTransport

/// Sends what is due for one receiver: claims ahead, keeps so many requests under way, and records what came of them, all at the
/// same time. Each receiver has its own, so that none waits for another, and no message for a slower one before it.
actor ReceiverLane {
    nonisolated let receiver: Receiver
    private let outbox: Outbox
    private let router: TransitionRouter
    private let courier: Courier
    private let composer: MessageComposer
    private let inFlight: InFlightLimit
    private let held: HoldLimit
    private let settings: DeliverySettings
    private let logger: Logger
    /// Something can be claimed, or a place is free.
    private let signal = Signal()
    /// It was said that something may wait in the outbox.
    private nonisolated let isAnnounced = Atomic(false)
    /// Whether something may wait there: else a place that becomes free is no reason to ask.
    private var mayWait = true
    /// When it is asked all the same.
    private var asksAt = ContinuousClock.now
    /// In a row, though something was due.
    private var vainClaims = 0
    /// Something is ready, and perhaps nobody sends it.
    private let runnerSignal = Signal()
    /// There are results, or there will be none any more.
    private let resultSignal = Signal()
    private let started = ContinuousClock.now

    private var isStopping = false
    /// After the order to end: what is not recorded by then comes back with the end of its claim, and is sent again.
    private var recordsUntil: ContinuousClock.Instant?
    private static let recordsAfterStop = Duration.seconds(15)
    private var isRegistered = false
    private var breaker: CircuitBreaker
    /// Claimed, not yet sent.
    private var ready: Deque<ClaimedMessage> = []
    /// Claimed, and not to be sent: it goes back, if it has not done so already. Nothing is claimed before that is known.
    private var returning: [ClaimedMessage] = []
    private var sending = 0
    private var runners = 0
    /// Answered, not yet recorded.
    private var results: [AttemptResult] = []
    private var recording = 0
    private var change: CircuitBreaker.Change?
    /// It has taken something that its row does not tell of.
    private var hasNews = false
    private var notedAt = ContinuousClock.now
    /// What is under way is to show whether the receiver works.
    private var isTrial = false
    /// Nothing is begun before; what all processes are told comes a little later.
    private var restsUntil: ContinuousClock.Instant?
    /// Counts them.
    private var rests = 0
    /// Whether the database knows of the rest as well: whoever finds out that the receiver works may end it there.
    private var restIsKnown = false
    /// Of a request, smoothed; nil before the first answer.
    private var latency: Duration?
    /// At first it is not known to be short.
    private static let assumedLatency = Duration.milliseconds(100)
    /// Claims whose transaction failed, perhaps after it was committed.
    private var unsettled: [UUID] = []
    /// How often this process had been silent for too long when it last knew that what is ready is still its own; nil: it does not know.
    private var gaps: Int? = 0
    private var figures: AttemptFigures

    init(
        courier: Courier, outbox: Outbox, router: TransitionRouter, composer: MessageComposer, inFlight: InFlightLimit, held: HoldLimit,
        settings: DeliverySettings, logger: Logger
    ) {
        receiver = courier.receiver
        self.courier = courier
        self.outbox = outbox
        self.router = router
        self.composer = composer
        self.inFlight = inFlight
        self.held = held
        self.settings = settings
        self.logger = logger
        breaker = CircuitBreaker(settings.breaker)
        figures = AttemptFigures(receiver: courier.receiver.name)
    }

    /// There may be something new.
    nonisolated func wake() {
        isAnnounced.store(true, ordering: .releasing)
        signal.raise()
    }

    /// Works until its task is cancelled. Then nothing new is begun, what has not been sent goes back, and what is under way is seen
    /// through and recorded.
    func run() async {
        await withTaskCancellationHandler {
            await Task { await PostgresClient.$patience.withValue(Outbox.patience) { await work() } }.value
        } onCancel: {
            Task { await stop() }
        }
    }

    private func stop() {
        isStopping = true
        recordsUntil = .now + Self.recordsAfterStop
        signal.raise()
        runnerSignal.raise()
    }

    /// What is ready goes out whatever the database does meanwhile.
    private func work() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.record() }
            group.addTask { await self.keepClaiming() }
            var wasBlocked = false
            while !isStopping {
                while mayBegin, begin() {
                    group.addTask { await self.send() }
                }
                // What may not be sent is given back.
                let isBlocked = !ready.isEmpty && !canSend
                if isBlocked, !wasBlocked { signal.raise() }
                wasBlocked = isBlocked
                // A place that another lane gives back is not told of.
                _ = await runnerSignal.wait(atMost: ready.isEmpty || runners > 0 ? .seconds(3600) : .milliseconds(50))
            }
        }
    }

    private func keepClaiming() async {
        var pausing = PausingAfterErrors()
        var isWoken = true
        while !isStopping {
            do {
                var wait = try await step(looksFirst: !isWoken)
                pausing.succeeded()
                if canSend { runnerSignal.raise() } else if !ready.isEmpty { wait = min(wait, settings.pollInterval) }
                isWoken = wait == .zero
                if !isWoken, !isStopping { isWoken = await signal.wait(atMost: wait) }
            } catch {
                logger.warning("outbox cannot be reached", metadata: ["receiver": "\(receiver.name)", "error": "\(error)"])
                if canSend { runnerSignal.raise() }
                await pause(pausing.failed())
                isWoken = true
            }
        }
        do {
            try await PostgresClient.$patience.withValue(Outbox.lastPatience) { try await giveBackReady() }
        } catch {
            logger.warning("outbox cannot be reached", metadata: ["receiver": "\(receiver.name)", "error": "\(error)"])
        }
        resultSignal.raise()
    }

    /// Whatever can be claimed meanwhile.
    private func pause(_ time: Duration) async {
        let end = ContinuousClock.now + time
        while !isStopping, ContinuousClock.now < end {
            _ = await signal.wait(atMost: ContinuousClock.now.duration(to: end))
        }
    }

    // What is claimed as it is routed

    /// How many messages it takes now: what four seconds see gone, at the latency that its requests have; before the first answer, as many
    /// as if that were short, since all lanes together hold no more than their limit. None while it rests or is tried, and none where a
    /// rate limit spaces them.
    var directRoom: Int {
        guard isRegistered, !isStopping, restsUntil == nil, !isTrial, unsettled.isEmpty, returning.isEmpty, holdsItsOwn(),
            receiver.rateLimit == nil
        else { return 0 }
        let expected = latency.map { max(0.001, $0.seconds) } ?? 0.05
        return max(0, Int(Double(receiver.maximumInFlight) * 4 / expected) - ready.count - sending)
    }

    /// Sends messages that were claimed for it.
    func take(_ messages: [ClaimedMessage]) {
        ready.append(contentsOf: messages)
        runnerSignal.raise()
    }

    /// A claim whose transaction failed, perhaps after it was committed.
    func disown(_ claimID: UUID) {
        unsettled.append(claimID)
        signal.raise()
    }

    // Claiming

    /// Claims what there is room for.
    ///
    /// - Parameter looksFirst: Whether to ask for the next due time before a claim is tried.
    /// - Returns: How long to wait before the next; zero: not at all.
    private func step(looksFirst: Bool) async throws -> Duration {
        // First, since it is kept until there is a place.
        if isAnnounced.exchange(false, ordering: .acquiring) { mayWait = true }
        if !isRegistered {
            try await outbox.register(receiver)
            isRegistered = true
        }
        if !unsettled.isEmpty {
            let claims = unsettled
            try await outbox.giveBack(claims)
            mayWait = true
            // Others may have come meanwhile, behind them.
            unsettled.removeFirst(claims.count)
        }
        if !holdsItsOwn() {
            // What others have taken is theirs, the rest is claimed anew.
            guard let present = outbox.pulse.gaps() else { return settings.pollInterval }
            try await giveBackReady()
            guard ready.isEmpty else { return .zero }
            gaps = present
        }
        if let rest = restsUntil.map({ ContinuousClock.now.duration(to: $0) }), rest > .zero {
            try await giveBackReady()
            guard ready.isEmpty else { return .zero }
            guard restIsKnown else { return rest }
            // The database says when it is over: until a claim has brought something, nothing goes out.
        } else {
            restsUntil = nil
        }
        if !returning.isEmpty || ready.first.map(isTooOld) == true { try await giveBackReady() }
        let room = self.room
        // A place that becomes free wakes this up.
        guard room > 0 else { return ready.isEmpty || runners > 0 ? settings.pollInterval : .milliseconds(50) }
        let untilAsked = ContinuousClock.now.duration(to: asksAt)
        guard mayWait || untilAsked <= .zero else { return untilAsked }
        if looksFirst, ready.isEmpty, let wait = try await waitForNext(), wait > .zero { return waiting(wait) }
        await composer.prepare()
        let startBy = ContinuousClock.now + .seconds(settings.claimSeconds) - settings.requestTimeout
        let restsBefore = rests
        let claim = try await claim(atMost: room)
        guard claim.isRegistered else {
            isRegistered = false
            mayWait = true
            return settings.pollInterval
        }
        // A rest that was asked for while it was claimed goes on.
        if !claim.messages.isEmpty || claim.wait == nil, rests == restsBefore { restsUntil = nil }
        if !claim.messages.isEmpty || claim.openings == 0 { breaker.mayHaveMoved(openings: claim.openings) }
        if claim.isTrial { isTrial = true }
        for var message in claim.messages {
            message.startBy = startBy
            ready.append(message)
        }
        mayWait = true
        if !claim.messages.isEmpty {
            vainClaims = 0
            return .zero
        }
        if let wait = claim.wait { return wait > .zero ? waiting(min(wait, settings.idleInterval)) : .zero }
        if let wait = try await waitForNext() { return waiting(wait) }
        // Due, and yet not to be had: it has become due since, another process has it, or an earlier step of its alert is under way or
        // waits for its next attempt.
        let later = try await outbox.nextDue(receiver: receiver.name, isLater: true) ?? settings.pollInterval
        vainClaims += 1
        return min(settings.pollInterval, max(.milliseconds(1), later), .milliseconds(5 << min(vainClaims, 10)))
    }

    /// Nothing is to be had for a time, unless it is said that there is.
    private func waiting(_ time: Duration) -> Duration {
        mayWait = false
        vainClaims = 0
        asksAt = .now + time
        return time
    }

    private func claim(atMost room: Int) async throws -> Claim {
        let id = UUID()
        do {
            return try await outbox.claim(id, receiver: receiver, limit: room, router: router) { [composer, receiver] message in
                composer.render(message, for: receiver)
            }
        } catch {
            unsettled.append(id)
            throw error
        }
    }

    /// How many messages may be claimed: as many as can be sent at once, and those besides that a second sees gone. Not one by one, since
    /// a claim has its price.
    private var room: Int {
        let ahead = ahead
        let free = receiver.maximumInFlight + ahead - ready.count - sending - results.count - recording
        let least = min(max(8, ahead / 4), receiver.maximumInFlight)
        return ready.count <= ahead / 2 && free >= least || ready.isEmpty && sending == 0 ? max(0, free) : 0
    }

    /// How many messages wait here for their turn, claimed.
    private var ahead: Int {
        switch latency ?? Self.assumedLatency {
        case ..<Duration.milliseconds(50): 4 * receiver.maximumInFlight
        case ..<Duration.milliseconds(250): receiver.maximumInFlight
        default: 0
        }
    }

    /// Until the next is due; nil: it is due now. The dispatcher looks for all lanes at once, and wakes those that have something, so
    /// that none need ask for itself while nothing waits.
    private func waitForNext() async throws -> Duration? {
        guard let due = try await outbox.nextDue(receiver: receiver.name) else { return .seconds(3600) }
        return due <= .zero ? nil : min(settings.idleInterval, max(.milliseconds(1), due))
    }

    /// Gives back what is ready, and what an earlier try left. Where it fails, it may have gone back all the same: nothing of it is sent.
    private func giveBackReady() async throws {
        returning += ready
        ready.removeAll()
        let messages = returning
        guard !messages.isEmpty else { return }
        do {
            try await outbox.release(messages)
            mayWait = true
        } catch {
            // What is too old by now comes back with the end of its claim.
            returning.filter(isTooOld).forEach(forget)
            returning.removeAll(where: isTooOld)
            throw error
        }
        messages.forEach(forget)
        returning.removeFirst(messages.count)
    }

    // Sending

    /// Whether a further runner would find something to send.
    private var mayBegin: Bool {
        runners < min(receiver.maximumInFlight, sending + ready.count) && canSend
    }

    /// Whether the first that is ready may be sent.
    private var canSend: Bool {
        guard !isStopping, restsUntil == nil, let message = ready.first else { return false }
        return !isTooOld(message) && holdsItsOwn()
    }

    /// A place for a runner.
    private func begin() -> Bool {
        guard inFlight.acquire(holding: runners) else { return false }
        runners += 1
        return true
    }

    /// Sends one message after another while there are any.
    private func send() async {
        while let message = next() {
            let began = ContinuousClock.now
            let result = await courier.deliver(message, unit: Double.random(in: 0..<1))
            finish(result, took: began.duration(to: .now))
        }
        runners -= 1
        inFlight.release()
        signal.raise()
        runnerSignal.raise()
        resultSignal.raise()
    }

    /// Whether nobody else can have taken what is ready; once that is in doubt it stays so until it was given back.
    private func holdsItsOwn() -> Bool {
        if gaps != outbox.pulse.gaps() { gaps = nil }
        return gaps != nil
    }

    private func next() -> ClaimedMessage? {
        guard canSend, let message = ready.popFirst() else { return nil }
        forget(message)
        sending += 1
        return message
    }

    /// It waits here no longer.
    private func forget(_ message: ClaimedMessage) {
        if let share = message.held { held.release(share) }
    }

    /// Whether its claim may end before its request does, so that somebody else would send it too.
    private func isTooOld(_ message: ClaimedMessage) -> Bool {
        message.startBy.map { $0 < .now } ?? false
    }

    private func finish(_ result: AttemptResult, took: Duration) {
        sending -= 1
        latency = ((latency ?? Self.assumedLatency) * 7 + took) / 8
        let now = started.duration(to: .now)
        var change: CircuitBreaker.Change?
        if result.outcome == "delivered" {
            change = breaker.succeeded(at: now)
        } else if let reason = result.reason.flatMap(FailureReason.init(rawValue:)), reason.isOfEndpoint, !result.givenBack {
            change = breaker.failed(at: now)
        }
        if case .opened(let rest, _) = change { self.rest(rest) }
        if let change { self.change = change }
        if let pause = result.pauseSeconds { rest(.seconds(pause)) }
        results.append(result)
        resultSignal.raise()
        if mayWait, ready.count <= ahead / 2 { signal.raise() }
    }

    private func rest(_ time: Duration) {
        restsUntil = max(restsUntil ?? .now, .now + time)
        rests += 1
        restIsKnown = false
        signal.raise()
    }

    // Recording

    private var patience: Duration { isStopping ? Outbox.lastPatience : Outbox.patience }

    /// Records what comes back, everything that is there at a time, until there will be nothing any more.
    private func record() async {
        while true {
            if results.isEmpty {
                let isOver = isStopping && runners == 0
                // Once nothing more comes: it needs a statement of its own.
                if hasNews, isOver ? true : !(await resultSignal.wait(atMost: .milliseconds(50))) { await noteDelivery() }
                if isOver { return }
                if results.isEmpty, !hasNews { _ = await resultSignal.wait(atMost: .seconds(1)) }
                continue
            }
            await gather()
            let batch = results
            let change = self.change
            let rests = self.rests
            results = []
            self.change = nil
            let wasTrial = isTrial
            recording = batch.count
            let isRecorded = await record(batch, change)
            recording = 0
            if isRecorded, rests == self.rests, change != nil || batch.contains(where: { $0.pauseSeconds != nil }) { restIsKnown = true }
            // Something is due again; and what waited for a receiver to work need not wait any longer. Said aloud, since a claim may be
            // on its way that does not know of it.
            if wasTrial || batch.contains(where: { $0.status != "delivered" }) { wake() } else { signal.raise() }
            guard isRecorded, batch.contains(where: { $0.status == "delivered" }) else { continue }
            hasNews = true
            if notedAt.duration(to: .now) > .seconds(5) { await noteDelivery() }
        }
    }

    /// Lets a few more come, which are recorded at the same price; many, while many are under way.
    private func gather() async {
        if mayWait {
            for _ in 0..<4 where sending > 0 && results.count < (ready.isEmpty ? 1 : 4) * receiver.maximumInFlight / 2 {
                try? await Task.sleep(for: .milliseconds(5))
                if ready.isEmpty { break }
            }
            return
        }
        // What was claimed as it was routed: nothing waits for the places that these have.
        for _ in 0..<10 where sending + ready.count > 0 && results.count < 8 * receiver.maximumInFlight {
            let before = results.count
            try? await Task.sleep(for: .milliseconds(10))
            if results.count == before { break }
        }
    }

    private func noteDelivery() async {
        // What fails is tried again with the next delivery.
        hasNews = false
        notedAt = .now
        do {
            try await PostgresClient.$patience.withValue(patience) { try await outbox.noteDelivery(receiver.name) }
        } catch {
            logger.warning("the last delivery cannot be noted", metadata: ["receiver": "\(receiver.name)", "error": "\(error)"])
        }
    }

    /// Tries as long as the claims last, and for a while after the order to end: what is known and not written down would be sent again.
    ///
    /// - Returns: Whether it is written down.
    private func record(_ batch: [AttemptResult], _ change: CircuitBreaker.Change?) async -> Bool {
        var pausing = PausingAfterErrors()
        let began = ContinuousClock.now
        let deadline = began + .seconds(settings.claimSeconds)
        while true {
            do {
                try await PostgresClient.$patience.withValue(patience) {
                    _ = try await outbox.record(batch, receiver: receiver.name, change: change, isTrial: isTrial)
                }
                if isTrial, batch.contains(where: { $0.status == "delivered" }) { isTrial = false }
                break
            } catch {
                logger.warning(
                    "results cannot be recorded",
                    metadata: [
                        "alert_id": AlertIDs.metadata(batch.flatMap(\.alerts)), "receiver": "\(receiver.name)", "error": "\(error)",
                    ])
                // They come back by themselves then.
                guard ContinuousClock.now < min(deadline, recordsUntil.map { max($0, began + Outbox.lastPatience) } ?? deadline) else {
                    return false
                }
                try? await Task.sleep(for: pausing.failed())
            }
        }
        for result in batch where !result.givenBack { tell(result) }
        if let result = batch.first(where: \.disables) {
            logger.error(
                "receiver is switched off for a time: it says that it is gone",
                metadata: [
                    "receiver": "\(receiver.name)", "reason": "\(result.reason ?? "")", "status": "\(result.httpStatus ?? 0)",
                    "seconds": "\(Int(result.pauseSeconds ?? 0))",
                ])
        }
        if case .opened(let rest, let openings) = change {
            logger.warning(
                "receiver does not work, and rests",
                metadata: ["receiver": "\(receiver.name)", "seconds": "\(Int(rest.seconds))", "openings": "\(openings)"])
        } else if change == .closed {
            logger.notice("receiver works again", metadata: ["receiver": "\(receiver.name)"])
        }
        return true
    }

    private func tell(_ result: AttemptResult) {
        figures.count(result)
        guard result.outcome != "delivered" else {
            logger.debug(
                "notification was delivered",
                metadata: [
                    "alert_id": AlertIDs.metadata(result.alerts), "receiver": "\(receiver.name)",
                    "notification": "\(result.id.uuidString.lowercased())",
                    "attempt": "\(result.attempt)",
                ])
            return
        }
        logger.warning(
            result.status == "dead" ? "notification is dead" : "notification was not delivered",
            metadata: [
                "alert_id": AlertIDs.metadata(result.alerts), "receiver": "\(receiver.name)",
                "notification": "\(result.id.uuidString.lowercased())",
                "reason": "\(result.reason ?? "")",
                "attempt": "\(result.attempt)", "status": "\(result.httpStatus ?? 0)",
            ])
    }
}
