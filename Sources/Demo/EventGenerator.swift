import Crypto
public import Foundation

/// Makes learning events in exactly the shape the console's backend writes: large texts, both backends, several models and
/// agents, day and night, retries, and now and then a row that nothing validated.
///
/// Pure: the same seed gives the same events, whatever range is asked for and however it is cut into pieces. Each minute has
/// its own stream of random numbers.
public struct EventGenerator: Sendable {
    /// What all the random numbers follow from.
    public var seed: UInt64
    /// How many events an hour there are.
    public var traffic: TrafficShape
    /// What goes wrong, and when; of two that affect an event the first counts.
    public var incidents: [Incident]
    /// Share of events with a field that cannot be read, 0 to 1.
    public var malformedShare: Double

    /// - Parameter malformedShare: 0.004 is what a table in the wild has.
    public init(seed: UInt64 = 42, traffic: TrafficShape = TrafficShape(), incidents: [Incident] = [], malformedShare: Double = 0.004) {
        self.seed = seed
        self.traffic = traffic
        self.incidents = incidents
        self.malformedShare = malformedShare
    }

    /// The events with `from` <= occurredAt < `to`, in order of time.
    public func events(from: Date, to: Date) -> [DemoEvent] {
        var events: [DemoEvent] = []
        forEachMinute(from: from, to: to) { events.append(contentsOf: $0) }
        return events
    }

    /// Gives the events of one minute after the other, so that weeks of them need no memory.
    public func forEachMinute(from: Date, to: Date, _ body: ([DemoEvent]) throws -> Void) rethrows {
        var minute = Int((from.timeIntervalSince1970 / 60).rounded(.down))
        while Double(minute) * 60 < to.timeIntervalSince1970 {
            let events = events(ofMinute: minute).filter { $0.occurredAt >= from && $0.occurredAt < to }
            if !events.isEmpty { try body(events) }
            minute += 1
        }
    }

    private func events(ofMinute minute: Int) -> [DemoEvent] {
        let start = Date(timeIntervalSince1970: Double(minute) * 60)
        var random = SeededGenerator(seed: seed, stream: UInt64(bitPattern: Int64(minute)))
        let count = random.poisson(traffic.rate(at: start) / 60)
        let offsets = (0..<count).map { _ in (random.unit() * 60_000).rounded(.down) }.sorted()
        return offsets.map { event(at: start.addingTimeInterval($0 / 1000), using: &random) }
    }

    private func event(at moment: Date, using random: inout SeededGenerator) -> DemoEvent {
        let model = random.pick(Vocabulary.models)
        let backend = random.pick(Vocabulary.backends)
        let agent = random.pick(Vocabulary.agents)
        let type = random.pick(Vocabulary.eventTypes)
        let latency = Vocabulary.latency(of: model)
        let duration = max(40, Int(latency.median * exp(latency.sigma * random.normal())))
        let query = random.pick(Vocabulary.questions)
        let answer = answer(using: &random)
        let trace = hex(random.next()) + hex(random.next())
        let session = "s-\(random.below(9000) + 1000)"
        // Every draw is made whether or not it is used: an incident changes the events it affects and no other.
        let fallbackDraw = random.unit()
        let usualReason = random.pick(Vocabulary.fallbackReasons)
        let reward = reward(using: &random)
        let retries = random.chance(0.012) ? 2 + random.below(2) : 1
        let flaw = random.chance(malformedShare) ? random.pick(Flaw.allCases) : nil

        var fallbackReason = fallbackDraw < 0.015 ? usualReason : nil
        if let incident = incidents.first(where: { $0.affects(model: model, at: moment) }), fallbackDraw < incident.fallbackProbability {
            fallbackReason = incident.reason
        }
        var data = EventData(
            sessionID: session, query: query, answer: answer, reward: reward, duration: duration, model: model, backend: backend,
            trace: trace,
            fallbackReason: fallbackReason, occurredAt: moment)
        flaw?.apply(to: &data)
        return DemoEvent(
            eventID: identity(trace, type, agent, query, answer), occurredAt: moment, eventType: type,
            category: type == "chat_interaction" ? "learning" : random.pick(Vocabulary.categories), sourceAgent: agent, traceID: trace,
            sessionID: session, duplicateCount: retries, eventData: data.json)
    }

    /// Mostly good answers, few bad ones, some in between; to two decimals.
    private func reward(using random: inout SeededGenerator) -> String {
        let draw = random.unit()
        let value =
            switch draw {
            case ..<0.03: random.unit() * 0.3
            case ..<0.12: 0.31 + random.unit() * 0.19
            default: 0.55 + random.unit() * 0.45
            }
        return String((value * 100).rounded(.down) / 100)
    }

    /// 0.3 to 8 KB of sentences, most of them around 1.5 KB.
    private func answer(using random: inout SeededGenerator) -> String {
        let length = min(8000, max(300, Int(1500 * exp(0.7 * random.normal()))))
        var answer = ""
        answer.reserveCapacity(length + 120)
        while answer.utf8.count < length {
            if !answer.isEmpty { answer += random.chance(0.2) ? "\n\n" : " " }
            answer += random.pick(Vocabulary.sentences)
        }
        return answer
    }

    private func identity(_ parts: String...) -> String {
        var hash = SHA256()
        for part in parts {
            hash.update(data: Array(part.utf8))
            hash.update(data: [0])
        }
        return hash.finalize().prefix(16).map { hex($0) }.joined()
    }
}

/// Lower-case hex digits, all of the number's width.
func hex<Number: FixedWidthInteger>(_ number: Number) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: Number.bitWidth / 4 - digits.count) + digits
}
