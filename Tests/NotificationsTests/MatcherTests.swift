import Foundation
import Testing

@testable import Notifications

@Suite struct MatcherTests {
    @Test(arguments: [
        ("severity>=high", true), ("severity>=critical", false), ("severity >= low", true), ("severity=high", true),
        ("alert_type=~\"error_spike|fallback_spike\"", true), ("alert_type=~fallback", false), ("alert_type!~\"error.*\"", true),
        ("model=gpt-4o", true), ("model = \"gpt-4o\"", true), ("model!=gpt-4o", false), ("agent=", true), ("agent=\"\"", true),
        ("agent!=\"\"", false), ("status=open", true), ("metric_name=fallback_rate", true), ("version=~\".*\"", true),
    ])
    func matches(text: String, isMatch: Bool) throws {
        #expect(try Matcher(text).matches(Fixtures.labels()) == isMatch)
    }

    @Test(arguments: [
        ("alertname=HighLatency", true), ("alertname!=HighLatency", false), ("team=~\"in.*\"", true), ("region=", true),
        ("region!=eu", true),
        // Both the word that it came with and what that means here.
        ("severity=page", true), ("severity=critical", true), ("severity!=page", false), ("severity!=critical", false),
        ("severity>=high", true), ("severity=high", false), ("severity!~\"page|x\"", false),
        // Its own label, and not what is ours.
        ("model=t5", true), ("alert_type=relayed", true), ("status=open", true),
    ])
    func labelsFromElsewhereAreMatched(text: String, isMatch: Bool) throws {
        let labels = AlertLabels(
            [.alertType: "relayed", .severity: "critical", .metricName: "relayed", .status: "open"],
            foreign: ["alertname": "HighLatency", "team": "infra", "severity": "page", "model": "t5"])
        #expect(try Matcher(text).matches(labels) == isMatch)
    }

    /// An alert from elsewhere has the severity that its source says, or none, whatever it is taken for here.
    @Test(arguments: [
        ("severity=", true), ("severity=~.*", true), ("severity!=page", true), ("severity=~.+", false), ("severity=medium", false),
        ("severity!=\"\"", false), ("severity!~.+", true), ("severity!=medium", true), ("severity>=medium", true),
        ("severity>=high", false),
    ])
    func anAlertFromElsewhereWithoutASeverityHasNone(text: String, isMatch: Bool) throws {
        let labels = AlertLabels([.alertType: "relayed", .severity: "medium", .metricName: "relayed"], foreign: ["alertname": "Slow"])
        #expect(try Matcher(text).matches(labels) == isMatch)
    }

    /// What a generic source points at as the severity is the alert's own word, though no label: as one it would be part of what it is.
    @Test(arguments: [["source": "ci", "alertname": "Backup"], ["source": "ci", "check": "7"]])
    func aGenericSourcesSeverityIsMatched(foreign: [String: String]) throws {
        let labels = AlertLabels([.alertType: "relayed", .severity: "high", .metricName: "relayed"], foreign: foreign)
        #expect(try Matcher("severity=high").matches(labels) && !Matcher("severity=").matches(labels))
    }

    @Test func whatWasFoundHereIsCalledByItsType() throws {
        #expect(try Matcher("alertname=fallback_spike").matches(Fixtures.labels()))
    }

    @Test(arguments: [
        #"{"a": "b", "c": "d"}"#, "{}", #"{"a": "q\"uo\\te\n\t", "ü": "→"}"#, #"{"a": "\u0001"}"#, #"{"a":"b"}"#, #"{"a": ""}"#,
    ])
    func labelsAreReadAsPostgresWritesThem(text: String) throws {
        #expect(try TextObject.parse(text) == JSONDecoder().decode([String: String].self, from: Data(text.utf8)))
    }

    @Test(arguments: ["", "[]", #"{"a": 1}"#, #"{"a": "b"} x"#, #"{"a" "b"}"#, #"{"a": "b""#, #"{"a": null}"#])
    func whatIsNoObjectOfTextsIsRefused(text: String) {
        #expect(throws: (any Error).self) { try TextObject.parse(text) }
    }

    @Test func quotedValuesKeepWhatIsEscaped() throws {
        #expect(try Matcher(#"model="a\"b\\c""#).matches(Fixtures.labels([.model: #"a"b\c"#])))
    }

    /// As Alertmanager 0.25 reads each of them.
    @Test(arguments: [
        ("team=ops", ["team=ops"]), ("team=ops,zone=eu", ["team=ops", "zone=eu"]), (#"team="a" , zone=b "#, [#"team="a""#, "zone=b"]),
        (#"{team="a"}"#, [#"team="a""#]), (#"{team=~"a|b",zone!=eu,}"#, [#"team=~"a|b""#, "zone!=eu"]), ("team=a, ", ["team=a"]),
        (#"a="x,y""#, [#"a="x,y""#]), (#"a="x\",y",b=c"#, [#"a="x\",y""#, "b=c"]), (#"a="x\\",b=c"#, [#"a="x\\""#, "b=c"]),
        (#"a=x\,b=c"#, [#"a=x\"#, "b=c"]), ("a=~x{2}", ["a=~x{2}"]),
    ])
    func anEntryOfAConfigurationGivesSeveral(text: String, matchers: [String]) throws {
        let list = try Matcher.list(text)
        #expect(list.map(\.description) == matchers)
        // Each of them is written as an entry of its own again.
        #expect(try list.flatMap { try Matcher.list($0.description) } == list)
    }

    @Test(arguments: ["", "{}", ",", "a=b,,c=d", ",a=b", "a=b,c", "{a=b", #"a="x,b=c"#, "a=~x{1,3}"])
    func anEntryThatGivesNoneOrAFaultyOneIsRefused(text: String) {
        #expect(throws: NotificationConfigurationError.self) { try Matcher.list(text) }
    }

    /// As Alertmanager 0.25 reads each of them: a backslash before anything else is itself, in quotes and without them.
    @Test(arguments: [
        (#"v=\n"#, "\n"), (#"v=\\n"#, #"\n"#), (#"v=a\\b"#, #"a\b"#), (#"v=\"a\""#, #""a""#), (#"v=a\b"#, #"a\b"#), (#"v=a\"#, #"a\"#),
        (#"v="a\b\\c\n""#, "a\\b\\c\n"),
    ])
    func backslashesEscapeWithoutQuotesToo(text: String, value: String) throws {
        #expect(try Matcher(text).word == value)
    }

    @Test func anUnquotedPatternIsUnescapedOnceAndThenRead() throws {
        for text in [#"host=~db\\.ex"#, #"host=~db\.ex"#] {
            let matcher = try Matcher(text)
            #expect(matcher.parts.value == #"db\.ex"#)
            #expect(matcher.matches(AlertLabels([:], foreign: ["host": "db.ex"])))
            #expect(!matcher.matches(AlertLabels([:], foreign: ["host": "dbxex"])))
        }
    }

    /// A letter that joins the one before it is one character with it, and the operator or the quote is there all the same.
    @Test(arguments: ["model=\u{301}x", "model=\"\u{301}x\"", "model=🏻x", "model=\"🏻x\"", "model=\"x\u{301}\""])
    func joiningLettersHideNothing(text: String) throws {
        let value = text.unicodeScalars.dropFirst(6).filter { $0 != "\"" }
        #expect(try Matcher(text).word == String(String.UnicodeScalarView(value)))
    }

    @Test(arguments: [
        ("severity", "matcher 'severity' has no operator"),
        ("model=x\"\u{301}", "matcher 'model=x\"\u{301}' has a quote in the middle of its value"),
        ("=red", "matcher '=red' names no label; a label is written in letters, digits and '_'"),
        ("2nd=red", "matcher '2nd=red' names no label; a label is written in letters, digits and '_'"),
        ("model>=4", "matcher 'model>=4' compares; only severity can be compared"),
        ("severity>=bad", "matcher 'severity>=bad' compares with no severity; they are low, medium, high and critical"),
        ("model=\"x", "matcher 'model=\"x' has no closing quote"),
        ("model=\"x\"y", "matcher 'model=\"x\"y' goes on after its closing quote"),
        ("model=x\"", "matcher 'model=x\"' has a quote in the middle of its value"),
        ("model=~\"(\"", "matcher 'model=~\"(\"' has a regular expression that has a '(' without its ')'"),
        ("model~x", "matcher 'model~x' has no operator; the operators are =, !=, =~, !~ and, for severity, >="),
    ])
    func saysWhatIsWrong(text: String, message: String) {
        #expect(throws: NotificationConfigurationError(.invalidMatcher, message)) { try Matcher(text) }
    }
}
