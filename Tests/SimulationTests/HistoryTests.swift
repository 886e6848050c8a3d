import Foundation
import Testing

@testable import Simulation

@Suite("Simulation: histories")
struct HistoryTests {
    private func week(_ rate: Double, seed: UInt64 = 7, shape: WeeklyShape = WeeklyShape(), _ incidents: [Incident] = []) -> Scenario {
        var scenario = Scenario(seed: seed, eventsPerHour: rate, days: 7)
        scenario.shape = shape
        scenario.incidents = incidents
        return scenario
    }

    private func moment(_ hours: Double) -> Date { Scenario.monday.addingTimeInterval(hours * 3600) }

    /// Whether a count lies within five standard deviations of a share of the events.
    private func isNear(_ count: Int, _ share: Double, of total: Int) -> Bool {
        abs(Double(count) - share * Double(total)) <= 5 * (share * (1 - share) * Double(total)).squareRoot()
    }

    @Test("the same scenario gives the same events, another seed others")
    func deterministic() {
        let events = Array(EventHistory(week(20)))
        #expect(events == Array(EventHistory(week(20))))
        #expect(events != Array(EventHistory(week(20, seed: 8))))
        #expect(Set(events.map { [$0.identityHigh, $0.identityLow] }).count == events.count)
    }

    @Test("events come in the order of their time and within the scenario's, and any stretch can be drawn alone")
    func order() {
        let scenario = week(20)
        let events = Array(EventHistory(scenario))
        #expect(zip(events, events.dropFirst()).allSatisfy { $0.occurredAt <= $1.occurredAt })
        let start = Int(scenario.start.timeIntervalSince1970) * 1000
        #expect(events.allSatisfy { (start..<start + 7 * 86_400_000).contains($0.occurredAt) })
        let part = events.filter { (start + 86_400_000..<start + 2 * 86_400_000).contains($0.occurredAt) }
        #expect(Array(EventHistory(scenario, buckets: 288..<576)) == part)
    }

    @Test("rates, shares and durations are the scenario's")
    func rates() {
        let scenario = week(300)
        let events = Array(EventHistory(scenario))
        let total = events.count
        #expect(abs(Double(total) - 300 * 168) < 5 * (300.0 * 168).squareRoot())
        // The population's differences move the rates of all by a few hundredths.
        func share(_ isCounted: (SimulatedEvent) -> Bool) -> Double { Double(events.filter(isCounted).count) / Double(total) }
        #expect((0.036...0.044).contains(share { $0.fallbackReason != nil }))
        #expect((0.0085...0.0115).contains(share { ($0.reward ?? 100) <= 30 }))
        #expect((0.018...0.022).contains(share { $0.duplicateCount > 1 }))
        #expect((0.063...0.077).contains(share { (31...50).contains($0.reward ?? 100) }))
        #expect((0.027...0.033).contains(share { $0.reward == nil }))
        #expect(events.allSatisfy { (0...100).contains($0.reward ?? 0) })
        let durations = events.compactMap(\.duration).sorted()
        #expect(isNear(total - durations.count, 0.01, of: total))
        #expect((2400...2600).contains(durations[durations.count * 95 / 100]))
        for dimension in Slice.Dimension.allCases {
            let shares = scenario.population.shares(of: dimension)
            #expect(abs(shares.reduce(0) { $0 + $1.share } - 1) < 1e-9)
            for (name, share) in shares { #expect(isNear(events.filter { $0[dimension] == name }.count, share, of: total), "\(name)") }
        }
    }

    @Test(
        "the week's shape",
        arguments: [(2.0, 0.4667), (8.0, 1.1667), (14.0, 1.8667), (122.0, 0.2333), (134.0, 0.9333), (158.0, 0.9333), (182.0, 1.8667)])
    func shape(hour: Double, factor: Double) {
        let seconds = moment(hour).timeIntervalSince1970
        #expect(abs(WeeklyShape().factor(at: seconds) - factor) < 1e-4)
        #expect(WeeklyShape.flat.factor(at: seconds) == 1)
    }

    @Test("traffic follows the shape, and its mean over a week is the scenario's rate")
    func traffic() {
        let week = (0..<7 * 24).map { WeeklyShape().factor(at: moment(Double($0)).timeIntervalSince1970) }
        #expect(abs(week.reduce(0, +) / 168 - 1) < 1e-9)
        var counts = Array(repeating: 0, count: 168)
        for event in EventHistory(self.week(200)) {
            counts[event.occurredAt / 3_600_000 - Int(Scenario.monday.timeIntervalSince1970) / 3600] += 1
        }
        for hour in counts.indices {
            let expected = 200 * WeeklyShape().factor(at: moment(Double(hour) + 0.5).timeIntervalSince1970)
            #expect(abs(Double(counts[hour]) - expected) <= 5.5 * expected.squareRoot(), "hour \(hour)")
        }
    }

    @Test("an incident changes what it is about, and nothing before and after it")
    func pairs() {
        let slice = Slice(.model, "gpt-5-mini")
        let incident = Incident(.fallback, factor: 5, start: moment(30), hours: 10, slice: slice)
        let quiet = Array(EventHistory(week(100)))
        let hit = Array(EventHistory(week(100, [incident])))
        #expect(quiet.count == hit.count)
        let differing = zip(quiet, hit).filter { $0 != $1 }
        let unexpected = differing.filter { before, after in
            var repaired = after
            repaired.fallbackReason = nil
            let moment = Date(timeIntervalSince1970: Double(after.occurredAt) / 1000)
            return repaired != before || after.model != slice.value || !(incident.start..<incident.end).contains(moment)
        }
        #expect(unexpected.count == 0)
        #expect(differing.count > 10)
    }

    private static let kinds: [(Incident.Kind, Double, Slice?, Double)] = [
        (.fallback, 5, Slice(.model, "claude-haiku-4-5"), 0.18),
        (.error, 8, Slice(.backend, "vercel"), 0.088),
        (.duplicates, 6, Slice(.agent, "research_scout"), 0.132),
        (.health, 8, nil, 0.56),
        (.latency, 2, nil, 0.3983),
        (.mix, 9, Slice(.model, "llama-3.3-70b"), 0.5),
    ]

    @Test("what each kind of incident does to its slice", arguments: kinds)
    func effects(kind: Incident.Kind, factor: Double, slice: Slice?, share: Double) {
        let incident = Incident(kind, factor: factor, start: moment(24), hours: 48, slice: slice)
        var total = 0
        var bad = 0
        for event in EventHistory(week(400, [incident]), buckets: 288..<288 * 3) where kind == .mix || incident.includes(event) {
            total += 1
            switch kind {
            case .fallback: bad += event.fallbackReason == nil ? 0 : 1
            case .error: bad += (event.reward ?? 100) <= 30 ? 1 : 0
            case .duplicates: bad += event.duplicateCount > 1 ? 1 : 0
            case .health: bad += (31...50).contains(event.reward ?? 0) ? 1 : 0
            case .latency: bad += (event.duration ?? 0) > 2470 ? 1 : 0
            default: bad += event.model == slice?.value ? 1 : 0
            }
        }
        #expect(abs(Double(bad) / Double(total) / share - 1) < 0.12, "\(Double(bad) / Double(total)) for \(share)")
    }

    @Test("a gap and a surge change the traffic, a new version comes with its incident, a roll-out stays")
    func trafficAndVersions() {
        func count(_ history: EventHistory, _ isCounted: (SimulatedEvent) -> Bool = { _ in true }) -> Int {
            history.filter(isCounted).count
        }
        let flat = WeeklyShape.flat
        let day = 288..<576
        let gap = week(200, shape: flat, [Incident(.gap, factor: 0.1, start: moment(24), hours: 24)])
        #expect(abs(count(EventHistory(gap, buckets: day)) - 480) < 110)
        let surge = week(200, shape: flat, [Incident(.surge, factor: 3, start: moment(24), hours: 24)])
        #expect(abs(count(EventHistory(surge, buckets: day)) - 14_400) < 600)
        let slice = Slice(.version, "railway:2.0.0")
        let canary = week(100, [Incident(.error, factor: 5, start: moment(24), hours: 24, slice: slice, newVersionShare: 0.4)])
        let canaryDay = EventHistory(canary, buckets: day)
        #expect(isNear(count(canaryDay) { $0.version == slice.value }, 0.4 * 0.7, of: count(canaryDay)))
        #expect(count(EventHistory(canary)) { $0.version == slice.value } == count(canaryDay) { $0.version == slice.value })
        let rollout = week(100, [Incident(.rollout, factor: 1, start: moment(24), hours: 24, slice: slice)])
        let after = EventHistory(rollout, buckets: 576..<864)
        #expect(Set(after.filter { $0.backend == "railway" }.map(\.version)) == [slice.value])
        var both = canary
        both.incidents.insert(Incident(.rollout, factor: 1, start: moment(0), hours: 12, slice: Slice(.version, "railway:1.9.0")), at: 0)
        let railway = EventHistory(both, buckets: day).filter { $0.backend == "railway" }
        #expect(Set(railway.map(\.version)) == [slice.value, "railway:1.9.0"])
        #expect(isNear(railway.filter { $0.version == slice.value }.count, 0.4, of: railway.count))
    }

    @Test(
        "a drift grows evenly and then stays",
        arguments: [(-1.0, 1.0), (0.0, 1.0), (12.0, 1.5), (24.0, 2.0), (48.0, 3.0), (71.9, 3.0), (72.0, 1.0)])
    func drift(hours: Double, factor: Double) {
        let incident = Incident(.fallback, factor: 3, start: moment(0), hours: 72, rampHours: 48)
        #expect(abs(incident.factor(at: moment(hours).timeIntervalSince1970) - factor) < 1e-9)
        #expect(incident.isDrift)
    }

    @Test("noise has its share and its memory", arguments: [0.0, 0.6])
    func noise(autocorrelation: Double) {
        for factors in Noise(0.3, autocorrelation: autocorrelation).factors(hours: 20_000, seed: 3) {
            let mean = factors.reduce(0, +) / 20_000
            let variance = factors.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 20_000
            let products = zip(factors, factors.dropFirst()).reduce(0) { $0 + ($1.0 - mean) * ($1.1 - mean) } / 20_000
            #expect(abs(mean - 1) < 0.02)
            #expect(abs(variance.squareRoot() - 0.3) < 0.015)
            #expect(abs(products / variance - autocorrelation) < 0.04)
        }
        #expect(Noise.none.factors(hours: 10, seed: 3).allSatisfy { $0 == Array(repeating: 1, count: 10) })
    }

    @Test("incidents of chance are well apart, after the quiet days and within the history; in time there are all kinds")
    func random() {
        var kinds: Set<Incident.Kind> = []
        var drifts = 0
        var dimensions: Set<Slice.Dimension> = []
        for seed in 1...30 as ClosedRange<UInt64> {
            let scenario = Scenario.random(seed: seed, rate: 100)
            #expect(scenario == Scenario.random(seed: seed, rate: 100))
            #expect(scenario.incidents.count >= 6)
            #expect(scenario.incidents.allSatisfy { $0.start >= scenario.start.addingTimeInterval(8 * 86_400) && $0.end <= scenario.end })
            for (one, next) in zip(scenario.incidents, scenario.incidents.dropFirst()) {
                #expect(next.start.timeIntervalSince(one.end) >= 36 * 3600)
            }
            let oracle = scenario.truth().filter { !$0.incident.kind.isHarmless && $0.oracleFoundAt != nil }
            #expect(oracle.count >= scenario.incidents.filter { !$0.kind.isHarmless }.count - 1, "seed \(seed)")
            kinds.formUnion(scenario.incidents.map(\.kind))
            dimensions.formUnion(scenario.incidents.compactMap { $0.slice?.dimension })
            drifts += scenario.incidents.filter(\.isDrift).count
        }
        #expect(kinds == Set(Incident.Kind.allCases))
        #expect(dimensions == Set(Slice.Dimension.allCases))
        #expect(drifts > 5)
    }

    @Test("a row of COPY and a line of NDJSON hold what the event is")
    func rows() throws {
        var event = SimulatedEvent(
            occurredAt: 1_771_668_002_043, identityHigh: 1, identityLow: 255, eventType: "chat_interaction", model: "gpt-5-mini",
            backend: "vercel", agent: "prince_flowers", version: "vercel:2.3.1", fallbackReason: "timeout", reward: 7, isRewardText: false,
            duration: 2314, duplicateCount: 2)
        var buffer: [UInt8] = []
        event.appendJSONLine(to: &buffer)
        let line = try #require(try JSONSerialization.jsonObject(with: Data(buffer)) as? [String: Any])
        #expect(line["event_id"] as? String == "000000000000000100000000000000ff")
        #expect(line["occurred_at"] as? String == "2026-02-21T10:00:02.043Z")
        #expect(line["duplicate_count"] as? Int == 2)
        let data = try #require(line["event_data"] as? [String: Any])
        #expect(data["reward"] as? Double == 0.07)
        #expect(data["duration_ms"] as? Int == 2314)
        let chain = try #require((data["telemetry"] as? [String: Any])?["request_chain"] as? [[String: Any]])
        #expect(chain.map { $0["service"] as? String } == ["vercel", "railway"])
        #expect(chain[0]["version"] as? String == "2.3.1")
        #expect(chain[0]["fallback_reason"] as? String == "timeout")
        #expect(chain[1]["fallback_reason"] is NSNull)

        buffer = []
        event.reward = 100
        event.isRewardText = true
        event.duration = nil
        event.appendCopyRow(to: &buffer)
        let fields = String(decoding: buffer, as: UTF8.self).split(separator: "\t", omittingEmptySubsequences: false)
        #expect(fields.count == SimulatedEvent.columns.split(separator: ",").count)
        #expect(buffer.last == UInt8(ascii: "\n"))
        let copied = try #require(try JSONSerialization.jsonObject(with: Data(fields[9].utf8)) as? [String: Any])
        #expect(copied["reward"] as? String == "1.0")
        #expect(copied["duration_ms"] == nil)
    }
}
