public import Foundation

extension Scenario {
    /// A history in which things happen: after `quietDays` one incident after the other, of all kinds, some of them harmless, at
    /// least 36 hours from the end of one to the start of the next (two days and a half after a drift), until the time is over.
    ///
    /// | kind | lasts | factor | which events |
    /// | --- | --- | --- | --- |
    /// | fallback | 8 to 24 h | 2.5 to 5 | all, or a slice with 4 to 8 |
    /// | error, duplicates | 8 to 24 h | 3 to 6 | all, or a slice with 5 to 10 |
    /// | latency | 8 to 24 h | 1.7 to 3 | all, or a slice with 2.5 to 4 |
    /// | health | 8 to 24 h | 8 to 10 | all |
    /// | mix | 12 to 24 h | 5 to 9 | a model with at most a third of the events |
    /// | drift of fallbacks, errors, duplicates or latency | 4 days, growing for 3 | 2.5 to 4 (latency 2 to 2.5) | all |
    /// | gap | 6 to 12 h | 0, or up to 0.2 | all |
    /// | surge (harmless) | 6 to 12 h | 2 to 4 | all |
    /// | rollout (harmless) | 6 to 24 h, and stays | 1 | a new version |
    ///
    /// Slices hold at least 10 % of the events, half of the versions are new and hold 20 to 50 % of their backend's.
    ///
    /// - Parameters:
    ///   - start: Midnight; the seed moves it by up to six days, so that weekends fall elsewhere.
    public static func random(
        seed: UInt64, rate eventsPerHour: Double, start: Date = Scenario.monday, days: Int = 28, quietDays: Int = 8, noise: Noise = .none
    ) -> Scenario {
        let start = start.addingTimeInterval(Double(seed % 7) * 86_400)
        var scenario = Scenario(seed: seed, eventsPerHour: eventsPerHour, start: start, days: days)
        scenario.noise = noise
        var random = Randomness(seed: seed, stream: 0x1ACD_E475)
        var incidents: [Incident] = []
        // Hours that are left for all incidents and the calm after each.
        var rest = Double(days - quietDays) * 24
        var plans = Plan.shuffled(&random)
        while let plan = plans.popLast() {
            let incident = plan.incident(in: scenario.population, &random)
            let needed = incident.end.timeIntervalSince(incident.start) / 3600 + plan.calmHours
            guard needed <= rest else { continue }
            rest -= needed
            incidents.append(incident)
        }
        // What is left of the time is shared out by chance.
        let cuts = incidents.map { _ in random.unit() * rest }.sorted()
        var moment = start.addingTimeInterval(Double(quietDays) * 86_400)
        for index in incidents.indices {
            let duration = incidents[index].end.timeIntervalSince(incidents[index].start)
            incidents[index].start = moment.addingTimeInterval((cuts[index] * 3600).rounded())
            incidents[index].end = incidents[index].start.addingTimeInterval(duration)
            moment += duration + (incidents[index].isDrift ? 60 : 36) * 3600
        }
        scenario.incidents = incidents
        scenario.moveToRolledOutVersions()
        return scenario
    }

    /// Of a version that a roll-out has replaced there are no events: what would happen to it happens to the new one.
    private mutating func moveToRolledOutVersions() {
        for (index, incident) in incidents.enumerated() where incident.slice?.dimension == .version && incident.newVersionShare == nil {
            let rolledOut = incidents[..<index].last { $0.kind == .rollout }?.slice
            if let rolledOut, rolledOut.value.prefix(while: { $0 != ":" }) == incident.slice?.value.prefix(while: { $0 != ":" }) {
                incidents[index].slice = rolledOut
            }
        }
    }

    /// What kind of incident there is to be.
    private enum Plan: CaseIterable {
        case fallback, error, duplicates, latency, mix, gap, health, fallbackSlice, errorSlice, duplicatesSlice, latencySlice
        case fallbackDrift, errorDrift, duplicatesDrift, latencyDrift, surge, rollout

        /// All of them in an order of chance, and one of the drifts, which take long, in two of three histories.
        static func shuffled(_ random: inout Randomness) -> [Plan] {
            var plans = allCases.filter { !$0.isDrift }
            if random.unit() < 0.67 { plans.append(random.pick(allCases.filter(\.isDrift))) }
            plans.shuffle(using: &random)
            return plans
        }

        var isDrift: Bool {
            switch self {
            case .fallbackDrift, .errorDrift, .duplicatesDrift, .latencyDrift: true
            default: false
            }
        }

        var calmHours: Double { isDrift ? 60 : 36 }

        func incident(in population: Population, _ random: inout Randomness) -> Incident {
            let hours = random.even(8...24)
            let start = Date(timeIntervalSince1970: 0)
            func whole(_ kind: Incident.Kind, _ factors: ClosedRange<Double>) -> Incident {
                Incident(kind, factor: random.even(factors), start: start, hours: hours)
            }
            func sliced(_ kind: Incident.Kind, _ factors: ClosedRange<Double>) -> Incident {
                let (slice, share) = Plan.slice(of: population, &random)
                return Incident(kind, factor: random.even(factors), start: start, hours: hours, slice: slice, newVersionShare: share)
            }
            func drift(_ kind: Incident.Kind, _ factors: ClosedRange<Double>) -> Incident {
                Incident(kind, factor: random.even(factors), start: start, hours: 96, rampHours: 72)
            }
            switch self {
            case .fallback: return whole(.fallback, 2.5...5)
            case .error: return whole(.error, 3...6)
            case .duplicates: return whole(.duplicates, 3...6)
            case .latency: return whole(.latency, 1.7...3)
            case .health: return whole(.health, 8...10)
            case .fallbackSlice: return sliced(.fallback, 4...8)
            case .errorSlice: return sliced(.error, 5...10)
            case .duplicatesSlice: return sliced(.duplicates, 5...10)
            case .latencySlice: return sliced(.latency, 2.5...4)
            case .fallbackDrift: return drift(.fallback, 2.5...4)
            case .errorDrift: return drift(.error, 2.5...4)
            case .duplicatesDrift: return drift(.duplicates, 2.5...4)
            case .latencyDrift: return drift(.latency, 2...2.5)
            case .gap: return Incident(.gap, factor: max(0, random.even(-0.2...0.2)), start: start, hours: random.even(6...12))
            case .surge: return Incident(.surge, factor: random.even(2...4), start: start, hours: random.even(6...12))
            case .mix:
                let model = random.pick(population.models.filter { $0.share <= 0.34 })
                let hours = random.even(12...24)
                return Incident(.mix, factor: random.even(5...9), start: start, hours: hours, slice: Slice(.model, model.name))
            case .rollout:
                let backend = random.pick(population.backends)
                return Incident(
                    .rollout, factor: 1, start: start, hours: random.even(6...24), slice: Slice(.version, backend.name + ":1.9.0"))
            }
        }

        /// A slice of at least a tenth, and the share of its backend's events where it is a new version.
        static func slice(of population: Population, _ random: inout Randomness) -> (Slice, Double?) {
            let dimension = random.pick(Slice.Dimension.allCases)
            if dimension == .version, random.unit() < 0.5 {
                let backend = random.pick(population.backends)
                return (Slice(.version, backend.name + ":1.8.0"), random.even(max(0.2, 0.1 / backend.share)...0.5))
            }
            let name = random.pick(population.shares(of: dimension).filter { $0.share >= 0.0999 }).name
            return (Slice(dimension, name), nil)
        }
    }
}
