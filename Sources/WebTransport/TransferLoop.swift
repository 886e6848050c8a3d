internal import Glibc

/// A thread with a multi handle of its own, and the mailbox that tells it what to do.
///
/// The thread starts with the first transfer and ends with `stop`.
final class TransferLoop: Sendable {
    enum Command: Sendable {
        case start(CallDesk.CallID, PreparedRequest)
        case abort(CallDesk.CallID)
    }

    private enum Life: Sendable {
        /// No thread yet. To: running, stopped.
        case idle
        /// The thread runs. To: stopping.
        case running
        /// The thread is told to end. To: stopped.
        case stopping
        /// No thread any more. Final.
        case stopped
    }

    private struct Mailbox: Sendable {
        var life = Life.idle
        var commands: [Command] = []
        /// What to wake; withdrawn before cleanup.
        var multi: MultiHandle?
        /// Whether the thread polls, or is about to, and looks at commands only when it is woken.
        var isPolling = false
        var waitingForEnd: [CheckedContinuation<Void, Never>] = []
    }

    private let configuration: WebTransportConfiguration
    private let policy: AddressPolicy
    private let mailbox = Locked(Mailbox())

    init(_ configuration: WebTransportConfiguration, policy: AddressPolicy) {
        self.configuration = configuration
        self.policy = policy
    }

    /// Hands over a transfer; the desk hears of its end. False when there is no thread to take it, and then the desk hears nothing.
    func start(_ id: CallDesk.CallID, _ request: PreparedRequest, desk: CallDesk) -> Bool {
        mailbox.withLock { mailbox in
            switch mailbox.life {
            case .idle:
                // Under the lock, so that a second caller finds the thread. Thread and handle are made once in a transport's life.
                guard let multi = MultiHandle(keptConnections: configuration.maxConnections) else { return false }
                guard startThread(multi, desk) else {
                    multi.cleanup()
                    return false
                }
                mailbox.multi = multi
                mailbox.life = .running
            case .running: break
            case .stopping, .stopped: return false
            }
            post(.start(id, request), to: &mailbox)
            return true
        }
    }

    /// Ends a transfer, if it is still there.
    func abort(_ id: CallDesk.CallID) {
        mailbox.withLock { mailbox in
            if mailbox.life == .running { post(.abort(id), to: &mailbox) }
        }
    }

    /// Tells the thread to end every transfer and itself.
    func stop() {
        mailbox.withLock { mailbox in
            switch mailbox.life {
            case .idle: mailbox.life = .stopped
            case .running:
                mailbox.life = .stopping
                wake(&mailbox)
            case .stopping, .stopped: break
            }
        }
    }

    /// Returns when the thread is gone; `stop` comes first. Bounded, as nothing that the thread does can block it.
    func stopped() async {
        await withCheckedContinuation { continuation in
            let isOver = mailbox.withLock { mailbox in
                if mailbox.life == .stopped { return true }
                mailbox.waitingForEnd.append(continuation)
                return false
            }
            if isOver { continuation.resume() }
        }
    }

    private func post(_ command: Command, to mailbox: inout Mailbox) {
        mailbox.commands.append(command)
        wake(&mailbox)
    }

    /// One wake-up is enough for all that is posted before the thread looks; none is needed while it does not poll.
    private func wake(_ mailbox: inout Mailbox) {
        guard mailbox.isPolling else { return }
        mailbox.isPolling = false
        mailbox.multi?.wakeUp()
    }

    /// False when there is something to be done at once. A wake-up between this and the poll is kept by libcurl.
    private func mayPoll() -> Bool {
        mailbox.withLock { mailbox in
            mailbox.isPolling = mailbox.commands.isEmpty && mailbox.life == .running
            return mailbox.isPolling
        }
    }

    // MARK: The thread

    private func startThread(_ multi: MultiHandle, _ desk: CallDesk) -> Bool {
        LoopThread.start { self.run(multi, desk) }
    }

    private func run(_ multi: MultiHandle, _ desk: CallDesk) {
        let driver = TransferDriver(multi, configuration, policy, desk)
        while true {
            let (commands, isStopping) = mailbox.withLock { mailbox in
                let commands = mailbox.commands
                mailbox.commands = []
                mailbox.isPolling = false
                return (commands, mailbox.life == .stopping)
            }
            for command in commands {
                switch command {
                case .start(let id, let request): driver.start(id, request)
                case .abort(let id): driver.abort(id)
                }
            }
            if isStopping { break }
            driver.perform()
            desk.expireWaiting()
            if mayPoll() { multi.poll(milliseconds: driver.isIdle ? 60_000 : 1_000) }
        }
        driver.end()
        mailbox.withLock { mailbox in mailbox.multi = nil }
        multi.cleanup()
        let waiting = mailbox.withLock { mailbox in
            mailbox.life = .stopped
            let waiting = mailbox.waitingForEnd
            mailbox.waitingForEnd = []
            return waiting
        }
        for continuation in waiting { continuation.resume() }
    }
}
