import Foundation

/// Draws the events of a scenario, bucket by bucket, in any order.
struct EventDraw: Sendable {
    private let bucketLength = 300_000
    private let scenario: Scenario
    private let noise: [[Double]]
    private let startMilliseconds: Int
    private let modelWeights: [Double]
    private let backendWeights: [Double]
    private let agentWeights: [Double]
    private let versionWeights: [[Double]]
    private var hour = 0
    /// The incidents that touch the bucket.
    private var present: [Incident] = []

    private static let reasons = ["timeout", "rate_limit", "provider_5xx", "circuit_open", "proxy_unreachable"]
    private static let reasonWeights = [0.45, 0.25, 0.15, 0.1, 0.05]
    private static let types = ["chat_interaction", "success", "improvement", "pattern", "failure", "drift"]
    private static let typeWeights = [0.92, 0.03, 0.02, 0.015, 0.01, 0.005]

    init(_ scenario: Scenario) {
        self.scenario = scenario
        noise = scenario.noise.factors(hours: scenario.days * 24, seed: scenario.seed)
        startMilliseconds = Int(scenario.start.timeIntervalSince1970 * 1000)
        modelWeights = scenario.population.models.map(\.share)
        backendWeights = scenario.population.backends.map(\.share)
        agentWeights = scenario.population.agents.map(\.share)
        versionWeights = scenario.population.versions.map { $0.map(\.share) }
    }

    /// Replaces `events` with those of a bucket, in the order of their time.
    mutating func events(ofBucket bucket: Int, into events: inout [SimulatedEvent]) {
        events.removeAll(keepingCapacity: true)
        hour = bucket / 12
        let start = startMilliseconds + bucket * bucketLength
        let seconds = Double(start) / 1000
        present = scenario.incidents.filter {
            $0.start.timeIntervalSince1970 < seconds + 300 && ($0.kind == .rollout || $0.end.timeIntervalSince1970 > seconds)
        }
        var random = Randomness(seed: scenario.seed, stream: UInt64(bucket))
        // As many as there may be at most; those that are too many at their moment are left out.
        let most = present.reduce(1) { $1.kind == .surge ? $0 * $1.factor : $0 }
        let expected = scenario.expectedEvents(at: seconds + 150, in: 300) * noise[Noise.Series.traffic.rawValue][hour] * most
        let count = random.poisson(expected)
        var moments = (0..<count).map { _ in random.below(bucketLength) }
        moments.sort()
        for moment in moments {
            var own = Randomness(seed: random.next())
            let seconds = Double(start + moment) / 1000
            let kept = present.reduce(1 / most) {
                $1.kind == .surge || $1.kind == .gap ? $0 * $1.factor(at: seconds) : $0
            }
            if own.unit() < kept { events.append(event(at: start + moment, &own)) }
        }
    }

    private func event(at milliseconds: Int, _ random: inout Randomness) -> SimulatedEvent {
        let seconds = Double(milliseconds) / 1000
        let population = scenario.population
        let model = population.models[random.index(of: weightsOfModels(at: seconds))]
        let backendIndex = random.index(of: backendWeights)
        let backend = population.backends[backendIndex]
        let agent = population.agents[random.index(of: agentWeights)]
        let version = version(of: backendIndex, at: seconds, &random)
        var event = SimulatedEvent(
            occurredAt: milliseconds, identityHigh: random.next(), identityLow: random.next(),
            eventType: Self.types[random.index(of: Self.typeWeights)], model: model.name, backend: backend.name, agent: agent.name,
            version: version.name, isRewardText: false, duplicateCount: 1)

        var chances = scenario.normalChances(model: model, backend: backend, agent: agent, version: version)
        addNoise(to: &chances)
        for incident in present where incident.includes(event) { chances.apply(incident, factor: incident.factor(at: seconds)) }
        draw(&event, chances, &random)
        return event
    }

    private func addNoise(to chances: inout EventChances) {
        guard scenario.noise.share > 0 else { return }
        chances.fallback *= noise[Noise.Series.fallback.rawValue][hour]
        chances.failed *= noise[Noise.Series.failed.rawValue][hour]
        chances.duplicate *= noise[Noise.Series.duplicate.rawValue][hour]
        chances.mediocre *= noise[Noise.Series.mediocre.rawValue][hour]
        // At the p95 of a normal distribution the share above grows by e to 2.06 for each standard deviation.
        chances.latencyShift = log(noise[Noise.Series.latency.rawValue][hour]) / 2.06
    }

    /// Always the same number of draws, so that an incident changes what it is about and nothing else.
    private func draw(_ event: inout SimulatedEvent, _ chances: EventChances, _ random: inout Randomness) {
        let reason = Self.reasons[random.index(of: Self.reasonWeights)]
        if random.unit() < chances.fallback { event.fallbackReason = reason }
        let retries = 2 + random.below(2)
        if random.unit() < chances.duplicate { event.duplicateCount = retries }

        let place = random.unit()
        let level = random.unit()
        switch place {
        case ..<chances.failed: event.reward = Int(level * 31)
        case ..<(chances.failed + chances.mediocre): event.reward = 31 + Int(level * 20)
        case (1 - scenario.normal.unrewarded)...: event.reward = nil
        default: event.reward = 55 + Int(level * 46)
        }
        event.isRewardText = random.unit() < 0.02

        let deviation = random.normal() + chances.latencyShift
        let duration = chances.medianLatency * exp(scenario.normal.latencyScatter * deviation)
        event.duration = random.unit() < 0.01 ? nil : Int(min(3_600_000, max(1, duration)).rounded())
    }

    private func weightsOfModels(at seconds: Double) -> [Double] {
        guard let mix = present.first(where: { $0.kind == .mix }) else { return modelWeights }
        return scenario.modelWeights(in: mix, at: seconds)
    }

    private func version(of backend: Int, at seconds: Double, _ random: inout Randomness) -> Population.Member {
        let place = random.unit()
        let known = scenario.population.versions[backend][random.index(of: versionWeights[backend])]
        let prefix = scenario.population.backends[backend].name + ":"
        // The newest first: a canary takes its share of what was rolled out before.
        for incident in present.reversed() {
            guard let slice = incident.slice, slice.dimension == .version, slice.value.hasPrefix(prefix),
                seconds >= incident.start.timeIntervalSince1970
            else { continue }
            let share =
                incident.kind == .rollout
                ? min(1, (seconds - incident.start.timeIntervalSince1970) / incident.end.timeIntervalSince(incident.start))
                : seconds < incident.end.timeIntervalSince1970 ? incident.newVersionShare ?? 0 : 0
            if place < share { return Population.Member(slice.value, share: share) }
        }
        return known
    }
}

extension Incident {
    /// Whether an event is one of those it is about.
    func includes(_ event: SimulatedEvent) -> Bool {
        guard let slice else { return true }
        return event[slice.dimension] == slice.value
    }
}

extension Scenario {
    /// The models' weights at a moment of a mix shift.
    func modelWeights(in mix: Incident, at seconds: Double) -> [Double] {
        population.models.map { $0.name == mix.slice?.value ? $0.share * mix.factor(at: seconds) : $0.share }
    }
}
