import Foundation
import Monitoring
import Postgres
import TestSupport
import Testing

@Suite struct ReadmeExampleTests {
    /// The README's example: what stands there is what is compiled here.
    static func example() async throws {
        let detector = try makeDetector(databaseURL: "postgresql://monitor@db.example.com/console")
        let report = try await detector.checkAndAlert(date: Day("2026-02-21"), autoSave: true)
        for finding in report.firing {
            print(finding.alertType, finding.severity ?? .low, finding.ratio ?? 0)
        }

        let summary = try makeSummary(databaseURL: "postgresql://monitor@db.example.com/console")
        let status = try await summary.getSummary(windowDays: 7)
        print(status.metrics.totalEvents, status.alerts.totalOpen)
    }

    @Test func isTheOneThatIsCompiled() throws {
        let here = URL(filePath: #filePath)
        let readme = try String(contentsOf: here.deletingLastPathComponent().appending(path: "../../README.md"), encoding: .utf8)
        let source = try String(contentsOf: here, encoding: .utf8)
        let block = try #require(readme.split(separator: "```swift\n", maxSplits: 1).last?.split(separator: "\n```", maxSplits: 1).first)
        for line in block.split(separator: "\n") where !line.hasPrefix("import ") {
            #expect(source.contains("        \(line)\n"), "the README's line is not compiled: \(line)")
        }
    }
}

@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint)) struct DetectorTests {
    @Test func aPastDayIsReportedOnlyAndWithoutEventsThereIsNothingToReport() async throws {
        try await withTestDatabase(schema: true) { database in
            let now = Date(timeIntervalSince1970: 1_771_668_000)
            let detector = DriftDetector(client: database.client, clock: { now })
            let report = try await detector.checkAndAlert(date: Day("2026-02-20"))
            #expect(report.moment == Day("2026-02-20")?.end)
            #expect(report.firing.isEmpty && report.transitions.isEmpty && report.alerts.isEmpty)
            #expect(Set(report.evaluations.map(\.verdict)) == ["no_data", "not_armed"])
        }
    }

    @Test func aDayThatEndedAMinuteAgoIsReportedOnlyAndTodayIsThePresent() async throws {
        try await withTestDatabase(schema: true) { database in
            let fixture = EvaluationFixture(client: database.client)
            try await fixture.fill("2026-02-11T00:00:00Z", "2026-02-21T00:00:00Z")
            try await fixture.fill("2026-02-20T22:00:00Z", "2026-02-21T00:05:00Z", .init(fallback: 12))
            let now = try #require(Day("2026-02-20")?.end).addingTimeInterval(60)
            let detector = DriftDetector(client: database.client, clock: { now })
            let past = try await detector.checkAndAlert(date: Day("2026-02-20"))
            #expect(past.firing.map(\.alertType).contains("fallback_spike") && past.transitions == [])
            #expect(try await detector.checkAndAlert(date: Day("2026-02-21"), autoSave: false).transitions == [])
            #expect(try await detector.checkAndAlert(date: Day("2026-02-21")).transitions.map(\.transition) == [.opened])
        }
    }

    @Test func theFutureIsRefusedAndAppliesNothing() async throws {
        try await withTestDatabase(schema: true) { database in
            let now = Date(timeIntervalSince1970: 1_771_668_000)
            let detector = DriftDetector(client: database.client, clock: { now })
            for autoSave in [true, false] {
                await #expect(throws: MonitoringError(.invalidArgument, "a moment to check must not lie in the future")) {
                    try await detector.check(at: now.addingTimeInterval(601), autoSave: autoSave)
                }
            }
            await #expect(throws: MonitoringError(.invalidArgument, "a day to check must have begun")) {
                try await detector.checkAndAlert(date: Day("2026-02-22"))
            }
            let applied = try await database.client.query("SELECT applied_at::text AS line FROM monitoring_evaluation_state")
                .map { try $0.decode("line", as: String.self) }
            #expect(applied == ["-infinity"])
        }
    }

    @Test func aSummaryOfNothingIsWhole() async throws {
        try await withTestDatabase(schema: true) { database in
            let now = Date(timeIntervalSince1970: 1_771_668_000)
            let summary = try await MonitoringSummary(client: database.client, clock: { now }).getSummary(windowDays: 7)
            #expect(
                String(decoding: try MonitoringJSON.encode(summary), as: UTF8.self)
                    == #"{"alerts":{"by_severity":{},"recent":[],"total_open":0},"baseline":null,"generated_at":"2026-02-21T10:00:00Z","#
                    + #""metrics":{"avg_error_rate":null,"avg_fallback_rate":null,"avg_health_score":null,"latest":null,"total_events":0},"#
                    + #""trends":{"fallback_rate":"unknown","latency_p95":"unknown"},"window":{"days":0,"end_date":"2026-02-21","start_date":"2026-02-14"}}"#
            )
        }
    }

    @Test(arguments: [0, 91]) func aWindowOutOfRangeIsRefused(days: Int) async throws {
        try await withTestDatabase(schema: true) { database in
            await #expect(throws: MonitoringError(.invalidArgument, "a window is 1 to 90 days")) {
                try await MonitoringSummary(client: database.client).getSummary(windowDays: days)
            }
        }
    }
}
