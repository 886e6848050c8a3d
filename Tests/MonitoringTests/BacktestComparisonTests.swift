import Foundation
import Testing

@testable import Monitoring

/// 24 hours from 2026-02-21 00:00 UTC.
@Suite struct BacktestComparisonTests {
    private static let start = Date(timeIntervalSince1970: 1_771_632_000)

    private static func hour(_ hours: Double) -> Date { start.addingTimeInterval(hours * 3600) }

    private static func alert(
        _ from: Double, _ until: Double?, _ severity: Severity, model: String? = nil, worse: (at: Double, Severity)? = nil
    ) -> BacktestAlert {
        var steps = [BacktestAlert.Step(at: hour(from), transition: .opened, severity: severity)]
        if let worse { steps.append(.init(at: hour(worse.at), transition: .escalated, severity: worse.1)) }
        let last = worse?.1 ?? severity
        if let until { steps.append(.init(at: hour(until), transition: .resolved, severity: last)) }
        return BacktestAlert(
            alertType: "error_spike", severity: last, metricName: "error_rate", openedAt: hour(from), resolvedAt: until.map(hour),
            peakSeverity: last, affected: .init(model: model), transitions: steps)
    }

    private static func comparison(_ sets: [[BacktestAlert]]) -> BacktestComparison {
        BacktestComparison(
            sets.enumerated().map { number, alerts in
                .init(
                    name: "set \(number)", thresholds: nil,
                    report: BacktestReport(from: start, to: hour(24), stepSeconds: 300, evaluations: 288, alerts: alerts))
            })
    }

    @Test func whatOverlapsIsOneIncidentAndWhatDoesNotIsAnother() {
        let incidents = Self.comparison([
            [Self.alert(2, 6, .low), Self.alert(20, nil, .high)],
            [Self.alert(3, 4, .medium), Self.alert(5, 8, .medium), Self.alert(3, 4, .low, model: "m")],
        ]).incidents
        #expect(incidents.count == 3)
        #expect(incidents[0].openedAt == Self.hour(2) && incidents[0].resolvedAt == Self.hour(8))
        #expect(incidents[0].alerts.map(\.count) == [1, 2])
        #expect(incidents[1].affected.model == "m" && incidents[1].alerts.map(\.count) == [0, 1])
        #expect(incidents[2].resolvedAt == nil && incidents[2].alerts.map(\.count) == [1, 0])
    }

    @Test func aCourseShowsTheWorstThatStoodOpen() {
        let courses = Self.comparison([
            [Self.alert(2, 5.5, .low, worse: (4, .critical)), Self.alert(5, 7.5, .medium)], [Self.alert(22, nil, .high)], [],
        ]).courses(columns: 24)
        var first = [Severity?](repeating: nil, count: 24)
        (first[2], first[3], first[4], first[5], first[6], first[7]) = (.low, .low, .critical, .critical, .medium, .medium)
        #expect(courses[0] == first)
        #expect(courses[1].enumerated().filter { $0.element != nil }.map(\.offset) == [22, 23])
        #expect(courses[2].allSatisfy { $0 == nil })
    }

    @Test func forMachinesEachSetHasItsReport() throws {
        let text = String(decoding: try MonitoringJSON.encode(Self.comparison([[], [Self.alert(1, 2, .low)]])), as: UTF8.self)
        let sets = try #require(try JSONValue(parsing: text)["sets"]?.array)
        #expect(sets.count == 2 && sets[1]["report"]?["alerts"]?.array?.count == 1 && sets[0]["name"]?.string == "set 0")
    }
}
