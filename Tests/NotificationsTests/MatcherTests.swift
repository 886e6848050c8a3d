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

    @Test func quotedValuesKeepWhatIsEscaped() throws {
        #expect(try Matcher(#"model="a\"b\\c""#).matches(Fixtures.labels([.model: #"a"b\c"#])))
    }

    @Test(arguments: [
        ("severity", "matcher 'severity' has no operator"),
        (
            "colour=red",
            "matcher 'colour=red' names no label; the labels are alert_type, severity, metric_name, model, backend, agent, version, status"
        ),
        ("model>=4", "matcher 'model>=4' compares; only severity can be compared"),
        ("severity>=bad", "matcher 'severity>=bad' names no severity; they are low, medium, high and critical"),
        ("severity=urgent", "matcher 'severity=urgent' names no severity; they are low, medium, high and critical"),
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
