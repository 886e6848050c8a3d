import Foundation
import Monitoring
import Testing

@testable import Notifications

@Suite struct WordsTests {
    @Test(arguments: [
        (0.312, "fallback_rate", "31.2 %"), (0.0042, "error_rate", "0.42 %"), (0, "error_rate", "0 %"), (1, "error_rate", "100 %"),
        (840.4, "latency_p95", "840 ms"), (2437, "latency_p95", "2.4 s"), (3.14, "latency_p50", "3.1 ms"),
        (125_000, "latency_p99", "2 min"),
        (46.23, "health_score", "46 of 100"), (7, "health_score", "7 of 100"), (1_204_500, "total_events", "1,204,500 events"),
        (1, "total_events", "1 event"), (0.256, "model_mix", "0.26"), (Double.infinity, "error_rate", "–"),
    ])
    func figuresReadWell(value: Double, metric: String, text: String) {
        #expect(FigureText.value(value, of: metric) == text)
    }

    @Test(arguments: [
        (0.0, "0 s"), (59.4, "59 s"), (60, "1 min"), (2543, "42 min"), (3600, "1 h"), (11_100, "3 h 5 min"), (187_200, "2 d 4 h"),
        (-5, "0 s"),
    ])
    func spansReadWell(seconds: Double, text: String) {
        #expect(FigureText.span(seconds) == text)
    }

    @Test func timesNameTheDayWhereItIsAnother() {
        #expect(FigureText.moment(Fixtures.opened, now: Fixtures.now) == "02:14")
        #expect(FigureText.moment(Fixtures.opened, now: Fixtures.now.addingTimeInterval(86_400)) == "21 Feb, 02:14")
    }

    @Test(arguments: [(7.84, "7.8×"), (1, "1.0×"), (120.4, "120×")])
    func ratiosReadWell(ratio: Double, text: String) {
        #expect(FigureText.ratio(ratio) == text)
    }

    @Test(arguments: [
        ("<!channel> & <@U1>", "&lt;!channel&gt; &amp; &lt;@U1&gt;"), ("a\u{0}\u{1b}[31mb\tc", "a  [31mb c"), ("abc\u{202E}cba", "abccba"),
        ("&amp;", "&amp;amp;"),
    ])
    func escapes(text: String, escaped: String) {
        #expect(Mrkdwn.escape(text) == escaped)
    }

    @Test(arguments: [
        ("abcdef", 6, "abcdef"), ("abcdefg", 6, "abcde…"), ("abc&amp;def", 6, "abc…"), ("abc&amp;def", 9, "abc&amp;…"), ("👩‍👩‍👧‍👦👩‍👩‍👧‍👦", 12, "👩‍👩‍👧‍👦…"),
        ("&lt;", 3, "…"),
    ])
    func cutsBetweenCharactersAndEntities(text: String, limit: Int, cut: String) {
        #expect(Mrkdwn.truncate(text, to: limit) == cut)
    }

    @Test(arguments: [("gpt`4", "`gpt'4`"), ("a\nb", "`a b`"), ("<!here>", "`&lt;!here&gt;`"), ("", "_unnamed_"), ("  ", "_unnamed_")])
    func namesStayInTheirSpan(name: String, code: String) {
        #expect(Mrkdwn.code(name) == code)
    }
}
