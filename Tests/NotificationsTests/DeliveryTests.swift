import Foundation
import Testing

@testable import Notifications

@Suite struct DeliveryTests {
    @Test(arguments: [(1, 2.0), (2, 6), (3, 18), (4, 54), (5, 162), (6, 486), (7, 1458), (8, 3600), (9, 3600), (1000, 3600)])
    func waitsAsItsTableSays(failures: Int, seconds: Double) throws {
        let wait = try #require(Backoff().wait(afterFailures: failures, timeLeft: .seconds(86_400), unit: 0.5))
        #expect(abs(wait.seconds - seconds) < 1e-6)
    }

    @Test func jitterIsAFifthEitherWay() throws {
        let least = try #require(Backoff().wait(afterFailures: 3, timeLeft: .seconds(86_400), unit: 0))
        let most = try #require(Backoff().wait(afterFailures: 3, timeLeft: .seconds(86_400), unit: 1))
        #expect(abs(least.seconds - 14.4) < 1e-6 && abs(most.seconds - 21.6) < 1e-6)
    }

    @Test func theLastTryComesAtTheEndOfTheDay() {
        #expect(Backoff().wait(afterFailures: 30, timeLeft: .seconds(60), unit: 0.5) == .seconds(60))
        #expect(Backoff().wait(afterFailures: 31, timeLeft: .zero, unit: 0.5) == nil)
        var (failures, spent) = (0, Duration.zero)
        while let wait = Backoff().wait(afterFailures: failures + 1, timeLeft: .seconds(86_400) - spent, unit: 0.5) {
            failures += 1
            spent += wait
        }
        #expect(failures + 1 == 32 && spent == .seconds(86_400))
    }

    @Test(arguments: [
        ("1", 1.0), ("3", 3), ("0", 1), ("1.5", 1.5), ("7200", 3600), (" 30 ", 30), ("Sat, 21 Feb 2026 02:26:05 GMT", 5),
        ("Saturday, 21-Feb-26 02:26:05 GMT", 5), ("Sat Feb 21 02:26:05 2026", 5), ("Sat, 21 Feb 2026 02:00:00 GMT", 1),
        ("Sun, 22 Feb 2026 02:26:05 GMT", 3600),
    ])
    func readsRetryAfter(text: String, seconds: Double) throws {
        let wait = try #require(RetryAfter.duration(text, at: Fixtures.now))
        #expect(abs(wait.seconds - seconds) < 0.002)
    }

    @Test(arguments: ["", "soon", "-5", "Sat, 99", String(repeating: "9", count: 100)])
    func ignoresOtherRetryAfter(text: String) {
        #expect(RetryAfter.duration(text, at: Fixtures.now) == nil)
    }

    @Test(arguments: [
        (ReceiverKind.slack, 200, "ok", DeliveryVerdict.delivered), (.slack, 400, "invalid_payload", .refused(.badRequest)),
        (.slack, 400, "invalid_blocks", .refusedForm(.invalidBlocks)), (.slack, 400, "no_text", .refused(.badRequest)),
        (.slack, 403, "action_prohibited", .endpointGone(.channelGone)), (.slack, 404, "channel_not_found", .endpointGone(.channelGone)),
        (.slack, 410, "channel_is_archived", .endpointGone(.channelGone)), (.slack, 200, "no_service", .endpointGone(.channelGone)),
        (.slack, 500, "team_disabled\n", .endpointGone(.channelGone)), (.slack, 404, "<html>", .endpointGone(.notFound)),
        (.slack, 500, "rollup_error", .again(.serverError)), (.slack, 302, "", .again(.redirect)),
        (.slack, 429, #"{"ok":false}"#, .pause(.seconds(7), .rateLimited)), (.slack, 503, "", .pause(.seconds(7), .serverError)),
        (.webhook, 204, "no_service", .delivered), (.webhook, 302, "", .again(.redirect)), (.webhook, 400, "", .refused(.badRequest)),
        (.webhook, 401, "", .refused(.unauthorized)), (.webhook, 403, "", .refused(.forbidden)), (.webhook, 404, "", .refused(.notFound)),
        (.webhook, 405, "", .refused(.clientError)), (.webhook, 413, "", .refused(.payloadTooLarge)),
        (.webhook, 422, "", .refused(.badRequest)),
        (.webhook, 408, "", .again(.clientError)), (.webhook, 409, "", .again(.clientError)), (.webhook, 410, "", .endpointGone(.gone)),
        (.webhook, 429, "", .pause(.seconds(7), .rateLimited)), (.webhook, 500, "", .again(.serverError)),
        (.webhook, 599, "", .again(.serverError)),
    ])
    func judgesAnswers(kind: ReceiverKind, status: Int, body: String, verdict: DeliveryVerdict) {
        let answer = DeliveryVerdict(kind: kind, status: status, retryAfter: "7", body: Array(body.utf8), at: Fixtures.now)
        #expect(answer == verdict)
    }

    @Test func a429WithoutItsHeaderRestsHalfAMinute() {
        let verdict = DeliveryVerdict(kind: .webhook, status: 429, retryAfter: nil, body: [], at: Fixtures.now)
        #expect(verdict == .pause(.seconds(30), .rateLimited))
    }

    private func machine(failures: Int = 0, isPlain: Bool = false) -> DeliveryMachine {
        var machine = DeliveryMachine(failures: failures, isPlain: isPlain, settings: DeliverySettings())
        _ = machine.bodyFrozen()
        return machine
    }

    @Test(arguments: [
        (DeliveryVerdict.delivered, DeliveryMachine.Action.deliver), (.again(.serverError), .retry(after: .seconds(18), .serverError)),
        (.pause(.seconds(3), .rateLimited), .retryAndPause(for: .seconds(3), .rateLimited)), (.refused(.badRequest), .bury(.badRequest)),
        (.refusedForm(.invalidBlocks), .retryAsText(.invalidBlocks)), (.endpointGone(.gone), .retryAndDisable(for: .seconds(3600), .gone)),
    ])
    func actsOnVerdicts(verdict: DeliveryVerdict, action: DeliveryMachine.Action) {
        var machine = machine(failures: 2)
        #expect(machine.answered(verdict, timeLeft: .seconds(3000), unit: 0.5) == action)
    }

    @Test(arguments: [
        DeliveryVerdict.again(.serverError), .pause(.seconds(3), .serverError), .endpointGone(.serverError), .refused(.serverError),
    ])
    func withoutTimeLeftItIsDead(verdict: DeliveryVerdict) {
        var machine = machine(failures: 30)
        #expect(machine.answered(verdict, timeLeft: .zero, unit: 0.5) == .bury(.serverError))
    }

    @Test func textAloneIsNotRefusedForItsFormTwice() {
        var machine = machine(isPlain: true)
        #expect(machine.answered(.refusedForm(.invalidBlocks), timeLeft: .seconds(10), unit: 0.5) == .bury(.invalidBlocks))
    }

    @Test func aLateEventDoesNothing() {
        var machine = machine()
        #expect(machine.failed(.timeout, timeLeft: .seconds(10), unit: 0.5) == .retry(after: .seconds(2), .timeout))
        #expect(machine.answered(.delivered, timeLeft: .seconds(10), unit: 0.5) == .none)
        #expect(machine.cancelled() == .none)
        #expect(machine.bodyFrozen() == .none)
    }

    @Test func whatWasCancelledGoesBack() {
        var machine = machine()
        #expect(machine.cancelled() == .giveBack)
    }

    @Test func answersLoseTheirSecrets() throws {
        let receiver = try Receiver(
            name: "a", kind: .webhook, url: Secret("https://user:passw0rd@example.com/services/T000AAAA/B000/XXXXYYYY?key=K3Y-value"),
            signingSecrets: [SigningSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")])
        let scrubber = AnswerScrubber(receiver: receiver)
        let answer = """
            POST /services/T000AAAA/B000/XXXXYYYY?key=K3Y-value failed for XXXXYYYY, \\/services\\/T000AAAA\\/B000\\/XXXXYYYY, passw0rd, \
            MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\0
            """
        #expect(
            scrubber.scrub(Array(answer.utf8))
                == "POST [scrubbed]?[scrubbed] failed for [scrubbed], [scrubbed], [scrubbed], [scrubbed]\u{FFFD}")
        let long = scrubber.scrub(Array((String(repeating: "ä", count: 4000) + "XXXXYYYY").utf8))
        #expect(long == String(repeating: "ä", count: 2048))
        let token = LinkSigner(keys: [LinkKey(id: "k", secret: [UInt8](repeating: 7, count: 32))]).token(
            for: LinkClaim(
                action: .open, subject: .alert(UUID(uuidString: "00000000-0000-4000-8000-000000000001")!), receiver: "a",
                expiresAt: Date(timeIntervalSince1970: 1_800_000_000)))
        let basic = Data("user:passw0rd".utf8).base64EncodedString()
        #expect(
            scrubber.scrub(Array(#"Basic \#(basic), "https:\/\/m.example\/a\/\#(token)", \#(token.dropFirst(3))"#.utf8))
                == #"Basic [scrubbed], "https:\/\/m.example\/a\/[scrubbed]", [scrubbed]"#)
        let atTheEdge = scrubber.scrub(Array((String(repeating: "x", count: 4090) + "passw0rd").utf8))
        #expect(!atTheEdge.contains("passw"))
    }

    @Test func theBucketKeepsItsRate() throws {
        var bucket = TokenBucket(.onePerSecond, at: .zero)
        #expect(bucket.available(5, at: .zero) == 1)
        bucket.take(1, at: .zero)
        #expect(bucket.wait(at: .milliseconds(400)) > .milliseconds(599))
        #expect(bucket.available(5, at: .milliseconds(999)) == 0)
        #expect(bucket.available(5, at: .seconds(1)) == 1)
        #expect(bucket.available(5, at: .seconds(60)) == 1)
        var burst = TokenBucket(try RateLimit(parsing: "60/m"), at: .zero)
        burst.take(60, at: .zero)
        #expect(burst.available(60, at: .seconds(10)) == 10)
    }

    @Test func nobodyGetsAllOfTheRequests() {
        let limit = InFlightLimit(8)
        func take(_ wanted: Int) -> Int {
            var held = 0
            while held < wanted, limit.acquire(holding: held) { held += 1 }
            return held
        }
        let taken: [Int] = [take(32), take(32), take(32), take(32), take(1), take(1)]
        #expect(taken == [4, 2, 1, 1, 0, 0])
        for _ in 0..<8 { limit.release() }
        #expect(take(3) == 3)
    }

    @Test func aSignalRaisedBeforehandIsKept() async {
        let signal = Signal()
        signal.raise()
        signal.raise()
        #expect(await signal.wait(atMost: .seconds(60)))
        #expect(await !signal.wait(atMost: .milliseconds(1)))
    }

    @Test func aSignalWakesWhoWaits() async {
        let signal = Signal()
        async let woken = signal.wait(atMost: .seconds(60))
        signal.raise()
        #expect(await woken)
    }

    /// All waits share a timer.
    @Test func aWaitEndsInItsOwnTimeWhateverWaitsWereBefore() async {
        let signal = Signal()
        signal.raise()
        #expect(await signal.wait(atMost: .seconds(3600)))
        async let woken = signal.wait(atMost: .seconds(3600))
        signal.raise()
        #expect(await woken)
        for milliseconds in [30, 1, 0, 5] {
            let began = ContinuousClock.now
            #expect(await !signal.wait(atMost: .milliseconds(milliseconds)))
            #expect(began.duration(to: .now) >= .milliseconds(milliseconds))
        }
        // Longer than the one that the timer still stands for, most times: a wait that is raised before it begins sets none.
        for _ in 0..<5 {
            let short = Task { await signal.wait(atMost: .milliseconds(30)) }
            for _ in 0..<1000 { await Task.yield() }
            signal.raise()
            // On a machine that is busy it may have ended before: then what was raised is kept.
            if await !short.value { #expect(await signal.wait(atMost: .seconds(60))) }
            let began = ContinuousClock.now
            #expect(await !signal.wait(atMost: .milliseconds(60)))
            #expect(began.duration(to: .now) >= .milliseconds(60))
        }
    }

    @Test func aCancelledWaitEnds() async {
        let signal = Signal()
        let waiting = Task { await signal.wait(atMost: .seconds(3600)) }
        waiting.cancel()
        #expect(await !waiting.value)
        let late = Task {
            while !Task.isCancelled { await Task.yield() }
            return await signal.wait(atMost: .seconds(3600))
        }
        late.cancel()
        #expect(await !late.value)
        signal.raise()
        #expect(await signal.wait(atMost: .zero))
    }
}
