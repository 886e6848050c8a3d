import Testing

@testable import Notifications

@Suite struct PulseTests {
    private let start = ContinuousClock.now

    private func at(_ seconds: Double) -> ContinuousClock.Instant {
        start + .seconds(seconds)
    }

    @Test func aProcessThatNeverSaidThatItLivesKnowsNothing() {
        #expect(Pulse(timeout: .seconds(10)).gaps(at: at(0)) == nil)
    }

    /// Moments at which heartbeats were sent, and what is known at one: how often there was a gap, or that there is one.
    @Test(
        arguments: [
            ([0], 8.9, 0), ([0], 9, nil), ([0, 3, 6], 14.9, 0), ([0, 3, 6], 15, nil), ([0, 8.9], 17, 0), ([0, 9], 9, 1), ([0, 20], 21, 1),
            ([0, 20, 23, 40], 41, 2), ([0, 20, 23], 33, nil),
            // One that was sent earlier and comes back later says nothing new.
            ([0, 3, 2], 11.9, 0), ([0, 3, 2], 12, nil),
        ] as [([Double], Double, Int?)])
    func whoWasSilentForTooLongKnowsIt(beats: [Double], moment: Double, gaps: Int?) {
        let pulse = Pulse(timeout: .seconds(10))
        for beat in beats { pulse.beat(at: at(beat)) }
        #expect(pulse.gaps(at: at(moment)) == gaps)
    }
}
