import Foundation
import Testing

@testable import Simulation

@Suite("Simulation: the oracle")
struct OracleTests {
    private func delay(_ rate: Double, _ kind: Incident.Kind, _ factor: Double, ramp: Double = 0, _ slice: Slice? = nil, seed: UInt64 = 5)
        -> Double?
    {
        var scenario = Scenario(seed: seed, eventsPerHour: rate, days: 4)
        scenario.shape = .flat
        let incident = Incident(
            kind, factor: factor, start: scenario.start.addingTimeInterval(30 * 3600), hours: 24, rampHours: ramp, slice: slice)
        scenario.incidents = [incident]
        return Oracle.findsAt(incident, in: scenario).map { $0.timeIntervalSince(incident.start) / 60 }
    }

    /// 9.21 are needed; five minutes without any event give 0.98 for each event expected.
    @Test("a full gap, in minutes", arguments: [(1200.0, 5.0), (600.0, 5.0), (100.0, 10.0), (50.0, 15.0), (20.0, 30.0)])
    func gap(rate: Double, minutes: Double) {
        #expect(delay(rate, .gap, 0) == minutes)
    }

    @Test("what is stronger or has more events is found sooner, what is harmless or too weak is not")
    func order() throws {
        func median(_ rate: Double, _ kind: Incident.Kind, _ factor: Double, _ slice: Slice? = nil) -> Double? {
            let delays = (1...9).map { delay(rate, kind, factor, slice, seed: $0) ?? .infinity }.sorted()
            return delays[4].isFinite ? delays[4] : nil
        }
        let strong = try #require(median(100, .fallback, 6))
        let weak = try #require(median(100, .fallback, 3))
        let rare = try #require(median(20, .fallback, 6))
        #expect(strong < weak)
        #expect(strong < rare)
        // facts/detection.md: 1.5 h at 100 events an hour for 4 % and a factor of 3.
        #expect((60...130).contains(weak))
        #expect(median(100, .error, 1.1) == nil)
        #expect(median(100, .fallback, 6, Slice(.model, "llama-3.3-70b")) ?? 0 > strong)
        #expect(delay(1000, .surge, 4) == nil)
        #expect(delay(1000, .rollout, 1, Slice(.version, "railway:1.9.0")) == nil)
        #expect(try #require(delay(1000, .latency, 2)) <= 15)
        #expect(try #require(delay(1000, .mix, 8, Slice(.model, "llama-3.3-70b"))) <= 10)
        #expect(try #require(delay(1000, .health, 8)) <= 10)
        #expect(try #require(delay(1000, .duplicates, 5)) <= 15)
        let drift = try #require(delay(1000, .fallback, 4, ramp: 20))
        #expect(drift > 60)
    }
}
