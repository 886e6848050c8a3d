import Foundation

/// What can come of one event.
struct EventChances: Sendable, Hashable {
    var fallback: Double
    var failed: Double
    var duplicate: Double
    var mediocre: Double
    /// Milliseconds.
    var medianLatency: Double
    /// How many standard deviations (of the logarithm) the durations are moved by noise.
    var latencyShift = 0.0

    /// Applies an incident that the event lies in.
    mutating func apply(_ incident: Incident, factor: Double) {
        switch incident.kind {
        case .fallback: fallback = min(0.97, fallback * factor)
        case .error: failed = min(0.97, failed * factor)
        case .duplicates: duplicate = min(0.97, duplicate * factor)
        case .health: mediocre = min(0.97, mediocre * factor)
        case .latency: medianLatency *= factor
        case .mix, .gap, .surge, .rollout: break
        }
    }
}

extension Scenario {
    /// The chances of an event with these values when all is well.
    func normalChances(model: Population.Member, backend: Population.Member, agent: Population.Member, version: Population.Member)
        -> EventChances
    {
        let badness = model.badness * backend.badness * agent.badness * version.badness
        let slowness = model.slowness * backend.slowness * agent.slowness * version.slowness
        return EventChances(
            fallback: normal.fallback * badness, failed: normal.failed * badness, duplicate: normal.duplicate * badness,
            mediocre: normal.mediocre * badness, medianLatency: normal.medianLatency * slowness)
    }

    /// The same for an event's names; those of a version that is new are the others' mean.
    func normalChances(of event: SimulatedEvent) -> EventChances {
        let backend = population.backends.firstIndex { $0.name == event.backend } ?? 0
        return normalChances(
            model: population.models.first { $0.name == event.model } ?? Population.Member(event.model, share: 0),
            backend: population.backends[backend],
            agent: population.agents.first { $0.name == event.agent } ?? Population.Member(event.agent, share: 0),
            version: population.versions[backend].first { $0.name == event.version } ?? Population.Member(event.version, share: 0))
    }
}
