import Foundation
import Logging
import Metrics
import Monitoring

/// Sends what is due for one receiver, in batches. Each receiver has its own, so that none waits for another.
actor ReceiverLane {
    nonisolated let receiver: Receiver
    private let outbox: Outbox
    private let courier: Courier
    private let configuration: NotificationConfiguration
    private let signer: LinkSigner
    private let inFlight: InFlightLimit
    private let logger: Logger
    private let signal = Signal()
    private let started = ContinuousClock.now
    private var bucket: TokenBucket?
    private var isRegistered = false
    /// Claims of which the database may still think that they are at work here.
    private var unsettled: [UUID] = []

    init(
        courier: Courier, outbox: Outbox, configuration: NotificationConfiguration, signer: LinkSigner, inFlight: InFlightLimit,
        logger: Logger
    ) {
        receiver = courier.receiver
        self.courier = courier
        self.outbox = outbox
        self.configuration = configuration
        self.signer = signer
        self.inFlight = inFlight
        self.logger = logger
        bucket = courier.receiver.rateLimit.map { TokenBucket($0, at: .zero) }
    }

    /// There may be something new.
    nonisolated func wake() {
        signal.raise()
    }

    /// Works until its task is cancelled; the batch that is under way then is finished and recorded.
    func run() async {
        var pausing = PausingAfterErrors()
        var isWoken = true
        while !Task.isCancelled {
            var wait: Duration
            do {
                let looksFirst = !isWoken
                wait = try await shielded { try await self.step(looksFirst: looksFirst) }
                pausing.succeeded()
            } catch {
                wait = pausing.failed()
                logger.warning("outbox cannot be reached", metadata: ["receiver": "\(receiver.name)", "error": "\(error)"])
            }
            // What has just been sent may have left something: look again at once.
            isWoken = wait == .zero
            if !isWoken { isWoken = await signal.wait(atMost: wait) }
        }
    }

    /// Claims a batch and sees it through.
    ///
    /// - Parameter looksFirst: Whether to ask for the next due time before a claim is tried.
    /// - Returns: How long to wait before the next; zero: not at all.
    private func step(looksFirst: Bool) async throws -> Duration {
        if !isRegistered {
            try await outbox.register(receiver)
            isRegistered = true
        }
        if !unsettled.isEmpty {
            try await outbox.giveBack(unsettled)
            unsettled = []
        }
        if looksFirst, let wait = try await waitForNext(), wait > .zero { return wait }
        let now = started.duration(to: .now)
        let allowed = bucket?.available(receiver.maximumInFlight, at: now) ?? receiver.maximumInFlight
        guard allowed > 0 else { return max(.milliseconds(1), bucket?.wait(at: now) ?? .zero) }
        let granted = inFlight.acquire(allowed)
        guard granted > 0 else { return .milliseconds(50) }
        defer { inFlight.release(granted) }
        let claimID = UUID()
        unsettled.append(claimID)
        let claimed = try await outbox.claim(claimID, receiver: receiver, limit: granted)
        if claimed.isEmpty {
            unsettled.removeAll()
            // Due, and yet not to be had: another process has it.
            return try await waitForNext() ?? configuration.delivery.pollInterval
        }
        bucket?.take(claimed.count, at: started.duration(to: .now))
        try await see(through: claimed, claimID: claimID)
        unsettled.removeAll()
        return .zero
    }

    /// Until the next is due, or the next poll; nil: it is due now.
    private func waitForNext() async throws -> Duration? {
        let poll = configuration.delivery.pollInterval
        guard let due = try await outbox.nextDue(receiver: receiver.name) else { return poll }
        return due <= .zero ? nil : min(poll, max(.milliseconds(1), due))
    }

    /// Makes the bodies, keeps them, sends them, records what came of it.
    private func see(through claimed: [ClaimedNotification], claimID: UUID) async throws {
        var results: [AttemptResult] = []
        var ready: [(notification: ClaimedNotification, message: RenderedMessage)] = []
        var fresh: [(id: UUID, message: RenderedMessage)] = []
        for notification in claimed {
            if let body = notification.body, let contentType = notification.contentType {
                ready.append((notification, RenderedMessage(body: body, contentType: contentType, isPlain: notification.isPlain)))
            } else if let message = render(notification) {
                ready.append((notification, message))
                fresh.append((notification.id, message))
            } else {
                var machine = DeliveryMachine(
                    failures: notification.failures, isPlain: notification.isPlain, settings: configuration.delivery)
                results.append(AttemptResult(notification, action: machine.renderingFailed(), startedAt: Date()))
            }
        }
        if !fresh.isEmpty {
            let kept = try await outbox.freeze(fresh, claimID: claimID)
            let lost = Set(fresh.map(\.id)).subtracting(kept)
            ready.removeAll { lost.contains($0.notification.id) }
        }
        results += await send(ready)
        try await record(results, claimID: claimID)
    }

    private func send(_ ready: [(notification: ClaimedNotification, message: RenderedMessage)]) async -> [AttemptResult] {
        await withTaskGroup(of: AttemptResult.self) { group in
            for (notification, message) in ready {
                let unit = Double.random(in: 0..<1)
                group.addTask { [courier] in await courier.deliver(notification, message, unit: unit) }
            }
            var results: [AttemptResult] = []
            for await result in group { results.append(result) }
            return results
        }
    }

    private func render(_ notification: ClaimedNotification) -> RenderedMessage? {
        let links = MessageLinks(
            alert: notification.alert, transition: notification.transition,
            since: notification.cause == .transition ? nil : notification.createdAt, receiver: receiver.name,
            configuration: configuration, signer: signer)
        let message = AlertMessage(
            id: notification.id, alert: notification.alert, transition: notification.transition, moment: Date(),
            environment: configuration.environment, links: links, cause: notification.cause)
        do {
            return try MessageRenderer.render(message, receiver: receiver, isPlain: notification.isPlain)
        } catch {
            logger.error("message cannot be made", metadata: ["notification": "\(notification.id)", "error": "\(error)"])
            return nil
        }
    }

    /// Records results, and keeps trying for twenty seconds: what is known and not written down would be sent again.
    private func record(_ results: [AttemptResult], claimID: UUID) async throws {
        guard !results.isEmpty else { return }
        var pausing = PausingAfterErrors()
        let deadline = ContinuousClock.now + .seconds(20)
        while true {
            do {
                _ = try await outbox.record(results, receiver: receiver.name, claimID: claimID)
                break
            } catch {
                guard ContinuousClock.now < deadline else { throw error }
                logger.warning("results cannot be recorded", metadata: ["receiver": "\(receiver.name)", "error": "\(error)"])
                try await Task.sleep(for: pausing.failed())
            }
        }
        for result in results where !result.givenBack {
            Counter(
                label: "monitor_delivery_attempts_total",
                dimensions: [("receiver", receiver.name), ("outcome", result.outcome), ("reason", result.reason ?? "")]
            ).increment()
            guard result.outcome != "delivered" else { continue }
            logger.warning(
                result.status == "dead" ? "notification is dead" : "notification was not delivered",
                metadata: [
                    "receiver": "\(receiver.name)", "notification": "\(result.id.uuidString.lowercased())",
                    "reason": "\(result.reason ?? "")",
                    "attempt": "\(result.attempt)", "status": "\(result.httpStatus ?? 0)",
                ])
        }
    }
}
