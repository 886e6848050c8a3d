import Foundation
import HTTPTypes
import Monitoring
import Notifications
import Testing

@testable import MonitorAPI

/// The listener's parts that need no socket.
struct UnitTests {
    @Test(
        "a host that others can reach needs tokens",
        arguments: [
            ("127.0.0.1", true), ("127.8.9.10", true), ("localhost", true), ("::1", true), ("[::1]", true), ("0.0.0.0", false),
            ("::", false),
            ("127.0.0.1.example.com", false), ("127.0.0.256", false), ("10.0.0.1", false), ("", false),
        ])
    func binding(host: String, isAllowed: Bool) throws {
        let token = try ListenerToken(name: "a", secret: "12345678", scope: .read)
        #expect(((try? ListenerConfiguration(host: host)) != nil) == isAllowed)
        #expect((try? ListenerConfiguration(host: host, tokens: [token])) != nil)
    }

    @Test("no description of a token shows its secret")
    func secrets() throws {
        let token = try ListenerToken(name: "oncall", secret: "very-secret-word", scope: .write)
        let configuration = try ListenerConfiguration(tokens: [token])
        for shown in ["\(token)", String(reflecting: token), "\(configuration)", String(reflecting: configuration)] {
            #expect(!shown.contains("very-secret-word"))
        }
        #expect(throws: ListenerConfigurationError.self) { try ListenerToken(name: "x", secret: "short", scope: .read) }
        #expect(throws: ListenerConfigurationError.self) { try ListenerToken(name: "x", secret: "with a space in it", scope: .read) }
    }

    @Test(
        "windows",
        arguments: [("24h", 1), ("1d", 1), ("7d", 7), ("90d", 90), ("0d", nil), ("91d", nil), ("007d", nil), ("+7d", nil), ("7 d", nil)]
            as [(String, Int?)])
    func windows(text: String, days: Int?) {
        #expect(Window(text)?.days == days)
    }

    @Test("a quote stays escaped when a combining mark follows it")
    func escaping() {
        #expect(HTMLText.escape("\"\u{301}<\u{338}a>&'") == "&quot;\u{301}&lt;\u{338}a&gt;&amp;&#39;")
    }

    @Test("figures as people read them")
    func wording() {
        #expect(Wording.value(0.1234, of: "fallback_rate") == "12.3\u{A0}%")
        #expect(Wording.value(0.0045, of: "error_rate") == "0.45\u{A0}%")
        #expect(Wording.value(0, of: "error_rate") == "0\u{A0}%")
        #expect(Wording.value(814.4, of: "latency_p95") == "814\u{A0}ms")
        #expect(Wording.value(12_345, of: "latency_p95") == "12.3\u{A0}s")
        #expect(Wording.value(87.54, of: "health_score") == "88\u{A0}of\u{A0}100")
        #expect(Wording.value(1204, of: "total_events") == "1,204\u{A0}events")
        #expect(Wording.value(nil, of: "health_score") == "–")
        #expect(Wording.value(.infinity, of: "latency_p95") == "–")
        #expect(Wording.tick(0.2, of: "error_rate") == "20\u{A0}%")
        #expect(Wording.tick(2000, of: "latency_p95") == "2\u{A0}s")
        #expect(Wording.tick(100, of: "health_score") == "100")
        #expect(Wording.tick(1200, of: "total_events") == "1,200")
        #expect(Wording.count(-1_234_567) == "-1,234,567")
        #expect(
            [0, 59, 60, 3599, 3600, 12_000, 90_000].map { Wording.span($0) } == [
                "0\u{A0}s", "59\u{A0}s", "1\u{A0}min", "59\u{A0}min", "1\u{A0}h", "3\u{A0}h\u{A0}20\u{A0}min",
                "1\u{A0}d\u{A0}1\u{A0}h",
            ])
    }

    @Test("a chart has a gap where nothing was measured, and stays within its frame whatever the values")
    func chart() {
        let start = Date(timeIntervalSince1970: 0)
        let values: [Double?] = [0.01, nil, 0.02, 0.04]
        let points = values.enumerated().map { Chart.Point(at: start.addingTimeInterval(Double($0.offset) * 100), value: $0.element) }
        let chart = Chart(
            metric: "error_rate", start: start, end: start.addingTimeInterval(300), points: points, baseline: 0.02,
            spans: [.init(start: start.addingTimeInterval(-50), end: nil, severity: "high")], hasAxes: false)
        #expect(chart.ceiling == 0.05)
        #expect(
            chart.html == """
                <div class="chart small"><svg viewBox="0 0 600.0 160.0" preserveAspectRatio="none" role="img" aria-label="Error rate over 5\u{A0}min: \
                from 1.0\u{A0}% to 4.0\u{A0}%, last 4.0\u{A0}%; expected 2.0\u{A0}%; an alert stood once."><rect class="span high" x="0" y="0" width="600" \
                height="160"/><path class="area" d="M400 160L400 96L600 32L600 160Z"/><line class="baseline" x1="0" x2="600" y1="96" y2="96"/>\
                <path class="line" d="M0 128h0.01M400 96L600 32"/><path class="dot" d="M600 32h0.01"/></svg></div>
                """)
    }

    @Test(
        "a chart's scale names round moments, midnight by its day, and never more than six",
        arguments: [
            (1_767_571_200.0 + 2340, 86_400.0, ["06:00 0.22", "12:00 0.47", "18:00 0.72", "6\u{A0}Jan 0.97"]),
            (1_767_571_200, 25_200, ["5\u{A0}Jan 0.00", "02:00 0.29", "04:00 0.57", "06:00 0.86"]),
            (1_767_571_200, 86_400 * 7, ["5\u{A0}Jan 0.00", "7\u{A0}Jan 0.29", "9\u{A0}Jan 0.57", "11\u{A0}Jan 0.86"]),
            (1_767_571_200, 300, ["5\u{A0}Jan 0.00", "00:05 1.00"]), (1_767_571_200, 0, []),
        ] as [(Double, Double, [String])])
    func scale(start: Double, length: Double, ticks: [String]) {
        let chart = Chart(
            metric: "error_rate", start: Date(timeIntervalSince1970: start), end: Date(timeIntervalSince1970: start + length), points: [],
            hasAxes: true)
        #expect(chart.ticks.map { "\($0.label) \(Wording.number($0.share, places: 2))" } == ticks)
        for days in stride(from: 0.01, to: 120, by: 0.37) {
            let longer = Chart(metric: "error_rate", start: chart.start, end: chart.start + days * 86_400, points: [], hasAxes: true)
            #expect((2...6).contains(longer.ticks.count), "\(days) days")
            #expect(longer.ticks.allSatisfy { (0...1).contains($0.share) })
        }
    }

    @Test(
        "a matcher is taken where the description says so, and hardly anywhere else",
        arguments: [
            ("A=~", ""), ("A!~\"", "\""), ("A=", ""), ("A!=\"", "\""), ("A", ""), ("", "=a"), ("severity>=low", ""), ("A=~a*", ""),
            ("A=~\"a\\", "\""),
        ])
    func matchers(prefix: String, suffix: String) throws {
        let pattern = try NSRegularExpression(pattern: #require(Schema.matcher.json["pattern"]?.string))
        let letters = Array("a.|^$*?(]}\\\" ~=s\n2[-\u{E9}").map(String.init)
        let texts = ([""] + letters + letters.flatMap { first in letters.map { first + $0 } }).map { prefix + $0 + suffix }
        for text in texts where text.count >= 2 {
            let isDescribed = pattern.firstMatch(in: text, range: NSRange(text.startIndex..., in: text)) != nil
            let isTaken = (try? Matcher(text)) != nil
            // Groups and classes, anchors of alternatives, escapes of what begins them, of blanks, and of a backslash within quotes.
            let isBeyond = text.contains(/[(\[]|\|\^|\$\||\\\s/) || text.contains("\"") && text.contains(#"\\"#)
            #expect(isDescribed == isTaken || isTaken && isBeyond, "\(text.debugDescription): described \(isDescribed), taken \(isTaken)")
        }
    }

    @Test("traffic that stopped is nothing, not a gap; part of a step is not shown")
    func traffic() {
        let start = Date(timeIntervalSince1970: 300)
        let steps = [600.0, 1200].map { TrendQueries.Step(start: Date(timeIntervalSince1970: $0), totalEvents: 40) }
        let chart = Chart(
            metric: "total_events", steps: steps, from: start, until: start.addingTimeInterval(1500), seconds: 600, baseline: 48, marks: [],
            hasAxes: true)
        #expect(chart.points.map(\.value) == [nil, 40, 40])
        let stopped = Chart(
            metric: "total_events", steps: [], from: start, until: start.addingTimeInterval(1500), seconds: 600, baseline: 48, marks: [],
            hasAxes: true)
        #expect(stopped.points.map(\.value) == [nil, 0, 0])
        #expect(
            stopped.html.contains(
                "Traffic over 25\u{A0}min: from 0\u{A0}events to 0\u{A0}events, last 0\u{A0}events; expected 48\u{A0}events."))
    }

    @Test("a last step that has just begun is not shown, and one of which a third is over is")
    func lastStep() {
        let start = Date(timeIntervalSince1970: 1200)
        let steps = [1200.0, 1800].map {
            TrendQueries.Step(start: Date(timeIntervalSince1970: $0), totalEvents: 40, errorRate: $0 / 60_000)
        }
        for (seconds, values) in [(799.0, [0.02, nil]), (800, [0.02, 0.03])] as [(TimeInterval, [Double?])] {
            let chart = Chart(
                metric: "error_rate", steps: steps, from: start, until: start.addingTimeInterval(seconds), seconds: 600, baseline: nil,
                marks: [], hasAxes: true)
            #expect(chart.points.map(\.value) == values)
        }
    }

    @Test("every template renders")
    func templates() throws {
        let renderer = PageRenderer()
        for template in PageRenderer.Template.allCases {
            #expect(try !renderer.render(template, [String: String]()).isEmpty)
        }
    }

    @Test("a form's fields are decoded strictly")
    func forms() throws {
        #expect(try FormFields("a=1+2&b=%C3%A9&c").values == ["a": "1 2", "b": "é", "c": ""])
        for faulty in ["a=%", "a=%G0", "a=%ff", "a=%00", "a=1&a=2"] {
            #expect(throws: FormFieldsError.self) { try FormFields(faulty) }
        }
    }

    @Test(
        "hosts of a Host header",
        arguments: [
            ("localhost:8080", "localhost", 8080), ("LOCALHOST", "localhost", nil), ("[::1]:80", "[::1]", 80), ("a@b", nil, nil),
            ("a:b", nil, nil),
            ("", nil, nil), ("a:99999", nil, nil), ("[::1", nil, nil),
        ] as [(String, String?, Int?)])
    func authorities(text: String, host: String?, port: Int?) {
        #expect(Authority(text) == host.map { Authority(host: $0, port: port) })
    }
}
