import Foundation
import Testing

@testable import Demo

@Suite struct EventGeneratorTests {
    let start = Date(timeIntervalSince1970: 1_771_632_000)  // 2026-02-21T00:00:00Z

    @Test func givesTheSameEventsHoweverTheRangeIsCut() {
        let generator = EventGenerator(seed: 7)
        let whole = generator.events(from: start, to: start.addingTimeInterval(3600))
        let cuts = [0, 17.25, 60, 61.5, 900, 3599.9, 3600]
        let pieces = zip(cuts, cuts.dropFirst()).flatMap { from, to in
            generator.events(from: start.addingTimeInterval(from), to: start.addingTimeInterval(to))
        }
        #expect(!whole.isEmpty)
        #expect(pieces == whole)
    }

    @Test func differsBySeed() {
        let one = EventGenerator(seed: 1).events(from: start, to: start.addingTimeInterval(600))
        let two = EventGenerator(seed: 2).events(from: start, to: start.addingTimeInterval(600))
        #expect(Set(one.map(\.eventID)).isDisjoint(with: two.map(\.eventID)))
    }

    @Test func followsTheTrafficShape() {
        let generator = EventGenerator(seed: 3, traffic: TrafficShape(eventsPerHour: 600, dailySwing: 0.5, weekend: 1))
        let night = generator.events(from: start.addingTimeInterval(1.5 * 3600), to: start.addingTimeInterval(2.5 * 3600)).count
        let day = generator.events(from: start.addingTimeInterval(13.5 * 3600), to: start.addingTimeInterval(14.5 * 3600)).count
        // 300 and 900 expected; five standard deviations are 87 and 150.
        #expect(abs(night - 300) < 90)
        #expect(abs(day - 900) < 150)
    }

    @Test func writesTheConsolesDocument() throws {
        let generator = EventGenerator(seed: 5, malformedShare: 0)
        for event in generator.events(from: start, to: start.addingTimeInterval(3600)) {
            let document = try #require(try JSONSerialization.jsonObject(with: Data(event.eventData.utf8)) as? [String: Any])
            #expect(
                Set(document.keys) == [
                    "session_id", "user_query", "agent_response", "reward", "duration_ms", "model", "backend", "telemetry",
                ])
            let telemetry = try #require(document["telemetry"] as? [String: Any])
            let chain = try #require(telemetry["request_chain"] as? [[String: Any]])
            let backend = try #require(document["backend"] as? String)
            #expect(chain.map { $0["service"] as? String } == (backend == "vercel" ? ["vercel", "railway"] : ["railway"]))
            #expect(
                Set(chain[0].keys) == [
                    "service", "git_sha", "version", "started_at", "ended_at", "latency_ms", "model_used", "streaming_attempted",
                    "streaming_success", "fallback_reason", "timestamp",
                ])
            #expect((300...8200).contains((document["agent_response"] as? String ?? "").utf8.count))
            #expect(event.eventID.count == 32)
        }
    }

    @Test func everyFlawIsStillADocument() throws {
        let events = EventGenerator(seed: 11, malformedShare: 1).events(from: start, to: start.addingTimeInterval(4 * 3600))
        #expect(events.count > Flaw.allCases.count * 5)
        for event in events {
            #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(event.eventData.utf8)) }
        }
        for needle in [
            #""reward": "n/a""#, #""duration_ms": "2.3s""#, #""telemetry": "unavailable""#, "<!channel>", #""request_chain": []"#,
        ] {
            #expect(events.contains { $0.eventData.contains(needle) }, "no event with \(needle)")
        }
    }

    @Test func anIncidentChangesOnlyWhatItAffects() {
        let incident = Incident(
            model: "claude-sonnet-4-6", start: start.addingTimeInterval(600), end: start.addingTimeInterval(1800), fallbackProbability: 0.8,
            reason: "provider_5xx")
        let calm = EventGenerator(seed: 9).events(from: start, to: start.addingTimeInterval(3600))
        let ill = EventGenerator(seed: 9, incidents: [incident]).events(from: start, to: start.addingTimeInterval(3600))
        #expect(calm.count == ill.count)
        let changed = zip(calm, ill).filter { $0 != $1 }.map(\.1)
        #expect(!changed.isEmpty)
        for event in changed {
            #expect(event.occurredAt >= incident.start && event.occurredAt < incident.end)
            #expect(event.eventData.contains(#""model": "claude-sonnet-4-6""#))
            #expect(event.eventData.contains(#""fallback_reason": "provider_5xx""#))
        }
    }

    @Test func escapesACopyRow() {
        let event = DemoEvent(
            eventID: "e", occurredAt: Date(timeIntervalSince1970: 951_827_696.789), eventType: "t", category: "c",
            sourceAgent: "a\tb\\c\nd",
            traceID: "t", sessionID: "s", duplicateCount: 2, eventData: #"{"a": "\n"}"#)
        var buffer: [UInt8] = []
        event.appendCopyRow(to: &buffer, ingestedAt: event.occurredAt)
        #expect(
            String(decoding: buffer, as: UTF8.self)
                == "e\t2000-02-29T12:34:56.789Z\tt\tc\ta\\tb\\\\c\\nd\tt\tt\ts\t2\t{\"a\": \"\\\\n\"}\t2000-02-29T12:34:56.789Z\t2000-02-29T12:34:56.789Z\n"
        )
    }
}
