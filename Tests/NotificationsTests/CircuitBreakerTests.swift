import Testing

@testable import Notifications

@Suite struct CircuitBreakerTests {
    private static let settings = BreakerSettings(
        window: .seconds(60), leastFailures: 3, firstRest: .seconds(30), longestRest: .seconds(100))

    private func breaker(failures: Int) -> CircuitBreaker {
        var breaker = CircuitBreaker(Self.settings)
        for second in 0..<failures { _ = breaker.failed(at: .seconds(second)) }
        return breaker
    }

    @Test func itOpensAfterEnoughFailures() {
        var breaker = CircuitBreaker(Self.settings)
        #expect(breaker.failed(at: .zero) == nil)
        #expect(breaker.failed(at: .seconds(1)) == nil)
        #expect(breaker.failed(at: .seconds(2)) == .opened(rest: .seconds(30), openings: 1))
        #expect(breaker.openings > 0)
    }

    @Test func itStaysClosedWhileHalfSucceed() {
        var breaker = CircuitBreaker(Self.settings)
        for second in 0..<20 {
            #expect(breaker.succeeded(at: .seconds(second)) == nil)
            #expect(breaker.succeeded(at: .seconds(second)) == nil)
            #expect(breaker.failed(at: .seconds(second)) == nil)
        }
    }

    @Test func oldFailuresAreForgotten() {
        var breaker = breaker(failures: 2)
        #expect(breaker.failed(at: .seconds(100)) == nil)
        #expect(breaker.failed(at: .seconds(200)) == nil)
    }

    @Test func whatWasOnItsWayChangesNothing() {
        var breaker = breaker(failures: 3)
        #expect(breaker.failed(at: .seconds(3)) == nil && breaker.openings == 1)
    }

    @Test func aFailedTrialRestsTwiceAsLongAndASuccessCloses() {
        var breaker = breaker(failures: 3)
        breaker.mayHaveMoved(openings: 1)
        #expect(breaker.failed(at: .seconds(40)) == .opened(rest: .seconds(60), openings: 2))
        breaker.mayHaveMoved(openings: 2)
        #expect(breaker.succeeded(at: .seconds(120)) == .closed)
        #expect(breaker.openings == 0 && breaker.failed(at: .seconds(121)) == nil)
    }

    @Test func whatAnotherProcessFoundOutHolds() {
        var breaker = CircuitBreaker(Self.settings)
        breaker.mayHaveMoved(openings: 3)
        #expect(breaker.failed(at: .zero) == .opened(rest: .seconds(100), openings: 4))
        breaker.mayHaveMoved(openings: 0)
        #expect(breaker.openings == 0)
    }

    @Test(arguments: [(1, 30), (2, 60), (3, 100), (4, 100), (400, 100)])
    func rests(openings: Int, seconds: Int) {
        #expect(CircuitBreaker.rest(afterOpenings: openings, Self.settings) == .seconds(seconds))
    }

    /// What its documentation promises: 30 s, 1, 2, …, 128 min, then two and a quarter hours each.
    @Test func aWeekOfADeadEndpointIsFewRequests() {
        var breaker = CircuitBreaker()
        var (now, requests) = (Duration.zero, 0)
        while now < .seconds(7 * 86_400) {
            requests += 1
            guard case .opened(let rest, let openings) = breaker.failed(at: now) else {
                now += .seconds(5)
                continue
            }
            now += rest
            breaker.mayHaveMoved(openings: openings)
        }
        #expect(requests == 86)
    }
}
