import Foundation
import Testing

@testable import Monitoring

#if canImport(FoundationXML)
import FoundationXML
#endif

/// A day from 2026-02-21 00:00 UTC, drawn.
@Suite struct BacktestChartTests {
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

    private static func chart(_ sets: [(name: String, alerts: [BacktestAlert])], hours: Double = 24) -> BacktestChart {
        BacktestChart(
            BacktestComparison(
                sets.map { set in
                    .init(
                        name: set.name, thresholds: nil,
                        report: BacktestReport(from: start, to: hour(hours), stepSeconds: 300, evaluations: 288, alerts: set.alerts))
                }))
    }

    /// The text and the structure of the document.
    private final class Reading: NSObject, XMLParserDelegate {
        var elements: [(name: String, attributes: [String: String])] = []
        var text = ""

        init?(_ document: String) {
            super.init()
            let parser = XMLParser(data: Data(document.utf8))
            parser.delegate = self
            guard parser.parse() else { return nil }
        }

        func parser(
            _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?, attributes: [String: String]
        ) { elements.append((name, attributes)) }
        func parser(_ parser: XMLParser, foundCharacters string: String) { text += string }

        func bars(_ severity: String) -> [[String: String]] {
            elements.filter { $0.name == "rect" && $0.attributes["class"] == severity && $0.attributes["width"] != "14" }.map(\.attributes)
        }
    }

    @Test func eachSetHasALaneAndEachSeverityOfAnAlertAPieceOfItsBar() throws {
        let chart = Self.chart([
            ("settings", [Self.alert(6, 18, .low, worse: (12, .critical))]), ("low=3", [Self.alert(18, nil, .high)]),
        ])
        let reading = try #require(Reading(chart.svg))
        #expect(reading.text.contains("settings") && reading.text.contains("low=3"))
        #expect(reading.text.contains("1 alert, 12 h open") && reading.text.contains("1 alert, 6 h open"))
        #expect(reading.text.contains("Alerts from 2026-02-21 00:00 to 2026-02-22 00:00 UTC"))
        let span = BacktestChart.width - BacktestChart.left - BacktestChart.right
        func x(_ hours: Double) -> Double { BacktestChart.left + span * hours / 24 }
        let low = try #require(reading.bars("low").first), critical = try #require(reading.bars("critical").first)
        #expect(abs((Double(low["x"] ?? "") ?? 0) - x(6)) < 0.1 && abs((Double(critical["x"] ?? "") ?? 0) - x(12)) < 0.1)
        #expect(low["y"] == critical["y"])
        let high = try #require(reading.bars("high").first)
        #expect(abs((Double(high["x"] ?? "") ?? 0) + (Double(high["width"] ?? "") ?? 0) - x(24)) < 0.2)
        #expect((Double(high["y"] ?? "") ?? 0) > (Double(low["y"] ?? "") ?? 0))
    }

    @Test func alertsAtTheSameTimeHaveRowsOfTheirOwnAndLaterOnesTakeThemAgain() {
        let alerts = [
            Self.alert(1, 5, .low), Self.alert(2, 4, .high, model: "m"), Self.alert(4.5, 6, .low, model: "n"), Self.alert(7, 8, .low),
        ]
        let chart = Self.chart([("settings", alerts)])
        #expect(chart.bars(of: chart.comparison.entries[0]).map(\.row) == [0, 1, 1, 0])
    }

    @Test func moreThanFitShareTheLastRow() {
        let alerts = (0..<12).map { Self.alert(1, 5, .low, model: "m\($0)") }
        let chart = Self.chart([("settings", alerts)])
        #expect(chart.bars(of: chart.comparison.entries[0]).map(\.row).max() == BacktestChart.mostRows - 1)
    }

    @Test(arguments: [(1.0, 4), (24.0, 8), (24.0 * 30, 4), (24.0 * 200, 7)])
    func theAxisHasAFewRoundTimes(hours: Double, least: Int) {
        let ticks = Self.chart([("settings", [])], hours: hours).ticks
        #expect(ticks.count >= least && ticks.count <= 11)
        #expect(ticks.allSatisfy { $0.at >= Self.start && $0.at <= Self.hour(hours) })
        #expect(ticks.allSatisfy { Int($0.at.timeIntervalSince1970) % 900 == 0 })
    }

    @Test func aDayIsNamedAndAnHourIsToldInUTC() {
        let labels = Self.chart([("settings", [])]).ticks.map(\.label)
        #expect(labels.first == "21 Feb" && labels.contains("12:00") && labels.last == "22 Feb")
    }

    /// Names come from events, and may hold what XML has no place for.
    @Test func nothingInANameIsMarkup() throws {
        let name = "<script>alert(1)</script>\u{0}\u{1b}\u{FFFE}\"&'"
        let chart = Self.chart([("\(name)", [Self.alert(1, 20, .low, model: name)])])
        let reading = try #require(Reading(chart.svg))
        #expect(!reading.elements.contains { $0.name == "script" })
        #expect(reading.text.contains("error_spike · <script>alert(1)</script>\"&'"))
    }

    @Test func aSetWithoutAlertsAndNoSetAtAllAreDrawn() throws {
        #expect(try #require(Reading(Self.chart([("settings", [])]).svg)).text.contains("no alert"))
        #expect(Reading(Self.chart([]).svg) != nil)
    }

    /// Light and dark, and nothing from elsewhere.
    @Test func theDocumentStandsAlone() {
        let svg = Self.chart([("settings", [Self.alert(1, 2, .low)])]).svg
        #expect(svg.contains("prefers-color-scheme: dark"))
        #expect(!svg.contains("href") && !svg.contains("url(") && !svg.contains("@import"))
        #expect(svg == Self.chart([("settings", [Self.alert(1, 2, .low)])]).svg)
    }
}
