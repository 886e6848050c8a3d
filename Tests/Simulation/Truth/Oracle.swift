public import Foundation

/// A detector that knows everything but when: the rates of all events, normal and in the incident, five minutes by five minutes,
/// and which slice it is about. No detector can be much faster, so that delay and recall are measured against it.
///
/// It sums the log-likelihood ratio of what happened, never falling below 0 (Page's CUSUM), and has found the incident at the end of
/// the first bucket in which the sum reaches ln 10^4. What happened is
/// - for fallbacks, errors, duplicates and mediocre rewards the bad events of the slice, of latency its events above their normal p95:
///   Poisson, `x ln(λ1/λ0) − (λ1 − λ0)` with the sums λ0 and λ1 of the chances of its events;
/// - for a mix shift the models of all events: multinomial, the sum of `ln(q1/q0)`;
/// - for a gap the number of events, Poisson, with at least 2 % of them still expected.
public enum Oracle {
    static let level = log(1e4)

    /// When it finds an incident of a scenario; nil where it does not before the end, and for what is harmless.
    public static func findsAt(_ incident: Incident, in scenario: Scenario) -> Date? {
        guard !incident.kind.isHarmless else { return nil }
        let origin = scenario.start.timeIntervalSince1970
        let first = Int(((incident.start.timeIntervalSince1970 - origin) / 300).rounded(.down))
        let end = Int(((incident.end.timeIntervalSince1970 - origin) / 300).rounded(.up))
        guard first >= 0, end > first else { return nil }
        var buckets = Array(repeating: Evidence(), count: end - first)
        for event in EventHistory(scenario, buckets: first..<end) {
            let seconds = Double(event.occurredAt) / 1000
            let factor = incident.factor(at: seconds)
            guard seconds >= incident.start.timeIntervalSince1970, seconds < incident.end.timeIntervalSince1970 else { continue }
            buckets[Int((seconds - origin) / 300) - first].add(event, incident, factor: factor, scenario)
        }
        var sum = 0.0
        for (index, bucket) in buckets.enumerated() {
            let ends = min(origin + Double(first + index + 1) * 300, incident.end.timeIntervalSince1970)
            let starts = max(origin + Double(first + index) * 300, incident.start.timeIntervalSince1970)
            sum = max(0, sum + bucket.ratio(incident, from: starts, to: ends, scenario))
            if sum >= level { return Date(timeIntervalSince1970: ends) }
        }
        return nil
    }

    /// What a bucket holds.
    private struct Evidence {
        /// Events, or bad ones.
        var count = 0
        /// How many were to be expected.
        var normal = 0.0
        /// How many in the incident.
        var abnormal = 0.0
        /// Of the mix.
        var mix = 0.0

        mutating func add(_ event: SimulatedEvent, _ incident: Incident, factor: Double, _ scenario: Scenario) {
            switch incident.kind {
            case .gap: count += 1
            case .mix: addModel(event, incident, scenario)
            case .surge, .rollout: break
            case .fallback, .error, .duplicates, .latency, .health:
                guard incident.includes(event) else { return }
                let chances = scenario.normalChances(of: event)
                var changed = chances
                changed.apply(incident, factor: factor)
                switch incident.kind {
                case .fallback: add(event.fallbackReason != nil, chances.fallback, changed.fallback)
                case .error: add((event.reward ?? 100) <= 30, chances.failed, changed.failed)
                case .duplicates: add(event.duplicateCount > 1, chances.duplicate, changed.duplicate)
                case .health: add((31...50).contains(event.reward ?? 100), chances.mediocre, changed.mediocre)
                default: addDuration(event, chances, factor: factor, scenario)
                }
            }
        }

        private mutating func add(_ isBad: Bool, _ normal: Double, _ abnormal: Double) {
            if isBad { count += 1 }
            self.normal += normal
            self.abnormal += abnormal
        }

        private mutating func addDuration(_ event: SimulatedEvent, _ chances: EventChances, factor: Double, _ scenario: Scenario) {
            guard let duration = event.duration else { return }
            let scatter = scenario.normal.latencyScatter
            let isSlow = log(Double(duration) / chances.medianLatency) > scatter * NormalDistribution.p95
            add(isSlow, 0.05, NormalDistribution.above(NormalDistribution.p95 - log(factor) / scatter))
        }

        private mutating func addModel(_ event: SimulatedEvent, _ incident: Incident, _ scenario: Scenario) {
            guard let index = scenario.population.models.firstIndex(where: { $0.name == event.model }) else { return }
            let before = scenario.population.models.map(\.share)
            let after = scenario.modelWeights(in: incident, at: Double(event.occurredAt) / 1000)
            mix += log(after[index] / after.reduce(0, +)) - log(before[index] / before.reduce(0, +))
        }

        /// The log-likelihood ratio of the incident against all being well.
        func ratio(_ incident: Incident, from: Double, to: Double, _ scenario: Scenario) -> Double {
            switch incident.kind {
            case .mix: return mix
            case .gap:
                let normal = scenario.expectedEvents(at: (from + to) / 2, in: to - from)
                let factor = max(0.02, incident.factor(at: (from + to) / 2))
                return Double(count) * log(factor) + normal * (1 - factor)
            default:
                guard normal > 0, abnormal > 0 else { return 0 }
                return Double(count) * log(abnormal / normal) - (abnormal - normal)
            }
        }
    }
}
