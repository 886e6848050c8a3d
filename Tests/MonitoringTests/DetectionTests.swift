import Foundation
import Monitoring
import Postgres
import Simulation
import TestSupport
import Testing

/// The detector on a simulated history: a short cut of what the detection benchmark measures at length.
@Suite("Detection on a simulated history", .enabled(if: TestDatabase.isAvailable, TestDatabase.hint))
struct DetectionTests {
    /// Sixteen days at 100 events an hour, the first eight quiet, then incidents of moderate strength, ten hours to two days apart.
    private static let scenario: Scenario = {
        var scenario = Scenario(seed: 4, eventsPerHour: 100, days: 16)
        func at(_ day: Int, _ hour: Int) -> Date { Scenario.monday.addingTimeInterval(Double(day * 24 + hour) * 3600) }
        scenario.incidents = [
            Incident(.fallback, factor: 4.5, start: at(8, 7), hours: 12, slice: Slice(.model, "claude-haiku-4-5")),
            Incident(.error, factor: 3.5, start: at(9, 8), hours: 12),
            Incident(.latency, factor: 1.7, start: at(10, 9), hours: 8),
            Incident(.mix, factor: 6, start: at(11, 8), hours: 12, slice: Slice(.model, "gpt-5-mini")),
            Incident(.duplicates, factor: 4, start: at(14, 7), hours: 12, slice: Slice(.backend, "vercel")),
            Incident(.gap, factor: 0, start: at(15, 9), hours: 5),
        ]
        return scenario
    }()

    /// Settings, and minutes between evaluations: for a comparison a coarse step does.
    private typealias Run = (settings: String, step: Int)

    /// One run after the other over the same history.
    private func scores(_ runs: [Run]) async throws -> [DetectionScore] {
        let scenario = Self.scenario
        let truth = scenario.truth()
        #expect(truth.filter { $0.oracleFoundAt == nil } == [])
        return try await withTestDatabase(schema: true) { database in
            try await EventHistory(scenario).load(into: database.client)
            var scores: [DetectionScore] = []
            for run in runs {
                try await MonitoringEngine(client: database.client).writeSettings(run.settings, writtenBy: "test")
                let report = try await Backtest(client: database.client) { scenario.end }
                    .run(from: scenario.start.addingTimeInterval(5 * 86_400), to: scenario.end, step: .seconds(run.step * 60))
                scores.append(DetectionScore(report, truth: truth, historyStart: scenario.start))
            }
            return scores
        }
    }

    private func recall(_ score: DetectionScore, of kinds: Set<Incident.Kind>) -> Double? {
        DetectionSummary([score]) { kinds.contains($0.kind) }.recall
    }

    @Test("finds what there is and nothing else; one that is too eager and one that is too timid score worse")
    func score() async throws {
        let scores = try await scores([
            ("{}", 30), (#"{"significance": 0.05}"#, 60), (#"{"significance": 1e-12, "least_bad_events": 60}"#, 60),
        ])
        let (standard, eager, timid) = (scores[0], scores[1], scores[2])
        let rates: Set<Incident.Kind> = [.fallback, .error, .latency, .duplicates]
        let summary = DetectionSummary([standard])

        #expect(standard.falseAlerts == [])
        #expect(recall(standard, of: rates) == 1)
        #expect(try #require(summary.delayRatio) < 3)
        #expect(try #require(summary.attribution) >= 0.8)
        #expect(try #require(summary.alertsPerIncident) < 1.2)
        #expect(try #require(summary.repeatShare) <= 0.2)
        #expect(standard.outcomes.filter { ($0.resolvedAfter ?? 0) > 8 * 3600 } == [])
        #expect(recall(standard, of: [.mix]) == 1)
        #expect(recall(standard, of: [.gap]) == 1)

        // Worse by far, so that a detector somewhat worse is seen as well.
        #expect(eager.falseAlerts.count >= standard.falseAlerts.count + 3)
        #expect(try #require(recall(timid, of: rates)) <= 0.75)
        #expect(timid.falseAlerts == [])
    }

    @Test("the same history comes by COPY and by import")
    func imported() async throws {
        let scenario = Scenario(seed: 3, eventsPerHour: 20, days: 2)
        try await withTestDatabase(schema: true) { database in
            let client = database.client
            let content = """
                SELECT count(*) || ' ' || md5(string_agg(concat_ws(' ', event_id, occurred_at, event_type, category, source_agent,
                    source_trace_id, trace_id, session_id, duplicate_count, event_data), ',' ORDER BY event_id)) AS content
                FROM learning_events
                """
            let count = try await EventHistory(scenario).load(into: client)
            let copied: String = try await client.query(content)[0].decode("content")
            try await client.query("TRUNCATE learning_events")
            var lines: [UInt8] = []
            for event in EventHistory(scenario) { event.appendJSONLine(to: &lines) }
            let (source, continuation) = AsyncStream.makeStream(of: [UInt8].self)
            continuation.yield(lines)
            continuation.finish()
            let report = try await EventImporter(client: client).run(source, strict: true)
            #expect(report.imported == count)
            let imported: String = try await client.query(content)[0].decode("content")
            #expect(imported == copied)
            #expect(count > 800)
        }
    }
}
