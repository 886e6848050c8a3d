/// Keeps requests from an endpoint that does not work, and tries it with one message at a time, ever more rarely.
///
/// It is closed while things go well. It opens when at least `leastFailures` requests, and at least half of all, failed within
/// `window`. After a rest it is half open: one message is tried; success closes it, failure opens it again for twice as long. With
/// the defaults the rests are 30 s, 1, 2, 4, 8, 16, 32, 64, 128 min, and then two and a quarter hours each: 86 requests in a week to an
/// endpoint that is dead.
///
/// It knows no clock: moments come in as durations on any clock that does not go back.
struct CircuitBreaker: Sendable, Hashable {
    private enum State: Hashable {
        /// → open
        case closed
        /// Nothing is sent. → halfOpen
        case open
        /// One message is on its way. → closed, open
        case halfOpen
    }

    /// What has to be made known to all processes.
    enum Change: Sendable, Hashable {
        /// It rests for so long.
        case opened(rest: Duration, openings: Int)
        case closed
    }

    private let settings: BreakerSettings
    private var state = State.closed
    /// Without a success in between; 0 while it is closed.
    private(set) var openings = 0
    /// This half of the window and the one before: a bounded memory of any number of requests.
    private var current = Tally()
    private var previous = Tally()
    private var currentBegan: Duration?

    private struct Tally: Hashable {
        var failures = 0
        var successes = 0
    }

    init(_ settings: BreakerSettings = BreakerSettings()) {
        self.settings = settings
    }

    /// What all processes know, at the moment when something may be sent.
    mutating func mayHaveMoved(openings: Int) {
        if openings > 0 {
            state = .halfOpen
        } else if self.openings > 0 {
            close()
        }
        self.openings = max(0, openings)
    }

    /// A request was answered as it should be.
    mutating func succeeded(at now: Duration) -> Change? {
        if openings > 0 {
            close()
            return .closed
        }
        turn(at: now)
        current.successes += 1
        return nil
    }

    /// A request failed in a way that lies with the endpoint.
    mutating func failed(at now: Duration) -> Change? {
        switch state {
        case .open:
            // It was on its way when the breaker opened.
            return nil
        case .halfOpen:
            return open()
        case .closed:
            turn(at: now)
            current.failures += 1
            let failures = current.failures + previous.failures
            let successes = current.successes + previous.successes
            return failures >= settings.leastFailures && failures >= successes ? open() : nil
        }
    }

    /// How long it rests after so many openings in a row.
    static func rest(afterOpenings openings: Int, _ settings: BreakerSettings) -> Duration {
        var rest = settings.firstRest
        for _ in 1..<max(2, openings) where openings > 1 && rest < settings.longestRest { rest *= 2 }
        return min(rest, settings.longestRest)
    }

    private mutating func open() -> Change {
        state = .open
        openings += 1
        (current, previous, currentBegan) = (Tally(), Tally(), nil)
        return .opened(rest: Self.rest(afterOpenings: openings, settings), openings: openings)
    }

    private mutating func close() {
        state = .closed
        openings = 0
        (current, previous, currentBegan) = (Tally(), Tally(), nil)
    }

    private mutating func turn(at now: Duration) {
        let half = settings.window / 2
        guard let began = currentBegan else {
            currentBegan = now
            return
        }
        guard now - began >= half else { return }
        previous = now - began >= settings.window ? Tally() : current
        current = Tally()
        currentBegan = now
    }
}
