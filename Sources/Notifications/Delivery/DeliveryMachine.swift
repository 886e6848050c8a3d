/// The life of one claimed message from its request to its record: takes what happened, says what follows.
///
/// It knows no clock and no chance: the time left and a number for the jitter come in.
struct DeliveryMachine: Sendable, Hashable {
    private enum State: Hashable {
        /// Claimed, nothing sent yet. → sending, done
        case claimed
        /// The request is on its way. → done
        case sending
        /// Decided. The end: a late event does nothing.
        case done
    }

    /// What is to be done about it.
    enum Action: Sendable, Hashable {
        /// Nothing: it had been decided before.
        case none
        /// The request may go out.
        case send
        /// It arrived.
        case deliver
        /// Due again after this wait.
        case retry(after: Duration, FailureReason)
        /// Due again after this wait, as all others of its receiver.
        case retryAndPause(for: Duration, FailureReason)
        /// Due again at once, as text alone.
        case retryAsText(FailureReason)
        /// Due again after this wait, as all others of its receiver, which is shown as disabled.
        case retryAndDisable(for: Duration, FailureReason)
        /// It will not be sent again by itself.
        case bury(FailureReason)
        /// Back to those that wait, as if it had not been claimed.
        case giveBack
    }

    private var state = State.claimed
    /// Failures in a row before this attempt.
    private let failures: Int
    private let isPlain: Bool
    private let settings: DeliverySettings

    /// - Parameters:
    ///   - failures: In a row, before this attempt; 0 for the first.
    ///   - isPlain: Whether it is text alone already.
    init(failures: Int, isPlain: Bool, settings: DeliverySettings) {
        self.failures = failures
        self.isPlain = isPlain
        self.settings = settings
    }

    /// A body has been made and kept.
    mutating func bodyFrozen() -> Action {
        guard state == .claimed else { return .none }
        state = .sending
        return .send
    }

    /// No body could be made of it.
    mutating func renderingFailed() -> Action {
        finish(.bury(.unrenderable))
    }

    /// An answer came.
    ///
    /// - Parameters:
    ///   - timeLeft: Until the message is given up.
    ///   - unit: Chance for the jitter, 0 to 1.
    mutating func answered(_ verdict: DeliveryVerdict, timeLeft: Duration, unit: Double) -> Action {
        switch verdict {
        case .delivered: finish(.deliver)
        case .again(let reason): finish(again(reason, timeLeft, unit))
        case .pause(let wait, let reason): finish(timeLeft > .zero ? .retryAndPause(for: wait, reason) : .bury(reason))
        case .refused(let reason): finish(.bury(reason))
        case .refusedForm(let reason): finish(isPlain ? .bury(reason) : .retryAsText(reason))
        case .endpointGone(let reason):
            finish(timeLeft > .zero ? .retryAndDisable(for: settings.disabledRest, reason) : .bury(reason))
        }
    }

    /// No answer came.
    mutating func failed(_ reason: FailureReason, timeLeft: Duration, unit: Double) -> Action {
        finish(again(reason, timeLeft, unit))
    }

    /// The process ends before there was an answer.
    mutating func cancelled() -> Action {
        finish(.giveBack)
    }

    private func again(_ reason: FailureReason, _ timeLeft: Duration, _ unit: Double) -> Action {
        settings.backoff.wait(afterFailures: failures + 1, timeLeft: timeLeft, unit: unit).map { .retry(after: $0, reason) }
            ?? .bury(reason)
    }

    private mutating func finish(_ action: Action) -> Action {
        guard state != .done else { return .none }
        state = .done
        return action
    }
}
