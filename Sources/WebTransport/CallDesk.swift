internal import DequeModule

/// Keeps every call from `send` to its answer: who waits, who is next, and how many are under way.
///
/// The queue is here and not in libcurl, where the time that a transfer waits would count against its timeout.
final class CallDesk: Sendable {
    typealias Outcome = Result<WebResponse, WebTransportError>
    typealias Answer = CheckedContinuation<Outcome, Never>
    typealias CallID = UInt64

    /// Unchecked: touched under the desk's lock alone.
    private final class Call: @unchecked Sendable {
        var phase = CallPhase()
        var request: PreparedRequest?
        var answer: Answer?
    }

    private struct Waiting: Sendable {
        let id: CallID
        let until: ContinuousClock.Instant
    }

    private struct Desk: Sendable {
        var calls: [CallID: Call] = [:]
        /// Calls that left the queue early stay in it until they come to its head; `waiting` does not count them.
        var queue = Deque<Waiting>()
        var waiting = 0
        var running = 0
        var nextID: CallID = 0
        var isClosed = false
    }

    /// What is to be done once the lock is free again.
    private enum Effect: Sendable {
        case answer(Answer?, Outcome)
        case start(CallID, PreparedRequest)
        case abort(CallID, AddressPolicy)
    }

    private let configuration: WebTransportConfiguration
    private let desk = Locked(Desk())
    /// Connections under different policies must never meet: each policy has a loop, and so a connection pool, of its own.
    private let guardedLoop: TransferLoop
    private let openLoop: TransferLoop

    init(_ configuration: WebTransportConfiguration) {
        self.configuration = configuration
        guardedLoop = TransferLoop(configuration, policy: .publicOnly)
        openLoop = TransferLoop(configuration, policy: .any)
    }

    /// A new call, which can be cancelled from now on.
    func announce() -> CallID {
        desk.withLock { desk in
            desk.nextID += 1
            desk.calls[desk.nextID] = Call()
            return desk.nextID
        }
    }

    /// Somebody waits for the call's answer.
    func submit(_ id: CallID, _ request: PreparedRequest, _ answer: Answer) {
        let until = ContinuousClock.now + configuration.waitTimeout
        change { desk, effects in
            desk.calls[id]?.request = request
            desk.calls[id]?.answer = answer
            let place: CallPhase.Place =
                if desk.isClosed { .closed } else if desk.running < configuration.maxConnections {
                    .slot
                } else if desk.waiting
                    < configuration.maxWaiting
                { .queue } else { .none }
            step(&desk, id, until: until, &effects) { $0.submitted(place) }
        }
    }

    /// The task that waits for the call was cancelled.
    func cancel(_ id: CallID) {
        change { desk, effects in step(&desk, id, &effects) { $0.cancelled() } }
    }

    /// Whether anybody still waits for the transfer's result.
    func isWanted(_ id: CallID) -> Bool {
        desk.withLock { desk in desk.calls[id]?.phase.isWanted ?? false }
    }

    /// Transfers are over, one way or the other. Those that end together are best told together: one lock, one wake-up of the tasks.
    func transfersEnded(_ ended: [(id: CallID, outcome: Outcome)]) {
        change { desk, effects in
            for (id, outcome) in ended { step(&desk, id, outcome: outcome, &effects) { $0.transferEnded() } }
            fillSlots(&desk, &effects)
        }
    }

    /// Answers the calls that stood in the queue for too long.
    func expireWaiting() {
        change { desk, effects in
            guard !desk.queue.isEmpty else { return }
            let now = ContinuousClock.now
            while let first = desk.queue.first, first.until <= now {
                desk.queue.removeFirst()
                step(&desk, first.id, &effects) { $0.waitedTooLong() }
            }
        }
    }

    /// Answers every call with `.closed` and tells the threads to end.
    func stop() {
        change { desk, effects in
            desk.isClosed = true
            desk.queue.removeAll()
            for id in desk.calls.keys.sorted() { step(&desk, id, &effects) { $0.transportClosed() } }
        }
        guardedLoop.stop()
        openLoop.stop()
    }

    /// `stop`, and waits until the threads are gone.
    func close() async {
        stop()
        await guardedLoop.stopped()
        await openLoop.stopped()
    }

    // MARK: Under the lock

    private func step(
        _ desk: inout Desk, _ id: CallID, until: ContinuousClock.Instant? = nil, outcome: Outcome? = nil, _ effects: inout [Effect],
        _ event: (inout CallPhase) -> CallPhase.Action
    ) {
        guard let call = desk.calls[id] else { return }
        let wasWaiting = call.phase.isWaiting
        let action = event(&call.phase)
        if wasWaiting && !call.phase.isWaiting { desk.waiting -= 1 }
        switch action {
        case .none:
            break
        case .start:
            desk.running += 1
            if let request = call.request { effects.append(.start(id, request)) }
        case .enqueue:
            desk.waiting += 1
            if desk.queue.count > 2 * configuration.maxWaiting { desk.queue.removeAll { desk.calls[$0.id] == nil } }
            if let until { desk.queue.append(Waiting(id: id, until: until)) }
        case .fail(let code):
            effects.append(.answer(call.answer, .failure(WebTransportError(code))))
            call.answer = nil
        case .failAndAbort(let code):
            effects.append(.answer(call.answer, .failure(WebTransportError(code))))
            effects.append(.abort(id, call.request?.addresses ?? .publicOnly))
            call.answer = nil
        case .deliver:
            desk.running -= 1
            effects.append(.answer(call.answer, outcome ?? .failure(WebTransportError(.other))))
            call.answer = nil
        case .release:
            desk.running -= 1
        }
        if call.phase.isFinished { desk.calls[id] = nil }
    }

    private func fillSlots(_ desk: inout Desk, _ effects: inout [Effect]) {
        while desk.running < configuration.maxConnections, let next = desk.queue.popFirst() {
            step(&desk, next.id, &effects) { $0.slotFreed() }
        }
    }

    // MARK: Without the lock

    /// Changes the desk under the lock, and does what follows from it without.
    private func change(_ body: (inout Desk, inout [Effect]) -> Void) {
        var effects: [Effect] = []
        desk.withLock { body(&$0, &effects) }
        for effect in effects {
            switch effect {
            case .answer(let answer, let outcome):
                answer?.resume(returning: outcome)
            case .start(let id, let request):
                if !loop(request.addresses).start(id, request, desk: self) {
                    transfersEnded([(id, .failure(WebTransportError(.other)))])
                }
            case .abort(let id, let policy):
                loop(policy).abort(id)
            }
        }
    }

    private func loop(_ policy: AddressPolicy) -> TransferLoop {
        switch policy {
        case .publicOnly: guardedLoop
        case .any: openLoop
        }
    }
}
