import Foundation
import Monitoring
import Testing

@testable import Notifications

@Suite struct TemplateTests {
    private func templates(_ title: String?, _ body: String? = nil) throws -> MessageTemplates {
        MessageTemplates(title: try title.map { try MessageTemplate($0) }, body: try body.map { try MessageTemplate($0) })
    }

    @Test func titleAndBodyAreReplaced() throws {
        let templates = try templates(
            "{{SEVERITY}}! {{metric}} {{value}} ({{ratio}} of {{baseline}}) on {{affected.model}}",
            "since {{since}}{{#environment}} in {{.}}{{/environment}}\n<{{links.open}}|look>".replacing("{{.}}", with: "{{environment}}"))
        let body = try Fixtures.json(try Fixtures.message(try Fixtures.transition()), .slack, templates: templates)
        #expect(body["blocks"]?.array?.first?["text"]?["text"] == .string("CRITICAL! Fallback rate 31.2 % (7.8× of 4.0 %) on gpt-4o"))
        #expect(body["text"] == .string("CRITICAL! Fallback rate 31.2 % (7.8× of 4.0 %) on gpt-4o"))
        let blocks = body["attachments"]?.array?.first?["blocks"]?.array ?? []
        #expect(
            blocks.first?["text"]?["text"] == .string("since 02:14 UTC (12 min) in production\n<https://m.example/a/OPEN|look>"))
        #expect(blocks.map { $0["type"]?.string } == ["section", "actions", "context"])
    }

    @Test func membersAreListed() throws {
        let templates = try templates(
            "{{count}} alerts", "{{#alerts}}{{severity}} {{condition}} {{links.open}};{{#alerts}}never{{/alerts}}{{/alerts}}")
        let text = try Fixtures.body(try Fixtures.group(3), .log, templates: templates)
        let first = "critical Fallback rate 31.2 % over the last hour, 7.8x the expected 4.0 % https://m.example/a/GOPEN;"
        let rest = (1...2).map { "critical Error rate of model model-\($0) 9.1 %, 4.5x the expected 2.0 % https://m.example/a/OPEN\($0);" }
        #expect(text == "3 alerts\n" + ([first] + rest).joined())
    }

    @Test(arguments: ReceiverKind.allCases.filter(\.takesTemplates))
    func valuesAreEscapedInTwoBracesAndInThree(kind: ReceiverKind) throws {
        let templates = try templates("{{condition}} {{{affected.model}}}", "{{summary}} {{&note}} {{{title}}}")
        let message = try GoldenTests.hostile(GoldenTests.hostileText)
        for isPlain in [false, true] where kind != .log {
            let body = try Fixtures.json(message, kind, isPlain: isPlain, templates: templates)
            #expect(FormatLimitTests.pings(kind, body) == [], "\(kind.rawValue)")
        }
        #expect(try !Fixtures.body(message, kind, templates: templates).contains("<!channel>") || kind == .log)
    }

    @Test(arguments: ReceiverKind.allCases.filter(\.takesTemplates))
    func whatGivesNothingOfUseFallsBack(kind: ReceiverKind) throws {
        let message = try Fixtures.message(try Fixtures.transition())
        let builtIn = try Fixtures.body(message, kind)
        let long = String(repeating: "{{summary}}", count: 40)
        for templates in [try templates("{{note}}", "{{note}}"), try templates(long, long), try templates(" {{! nothing }} ")] {
            let receiver = try Fixtures.receiver("r", kind, templates: templates)
            let rendered = try MessageRenderer.render(message, receiver: receiver, isPlain: false)
            #expect(rendered.body == builtIn && rendered.templateFailed, "\(kind.rawValue)")
        }
        let good = try Fixtures.receiver("r", kind, templates: try templates("{{title}}"))
        #expect(try !MessageRenderer.render(message, receiver: good, isPlain: false).templateFailed)
    }

    @Test(arguments: [
        ("{{titel}}", "no message has a 'titel'"), ("{{affected.modell}}", "no message has a 'affected.modell'"),
        ("{{#alerts}}{{.}}{{/alerts}}", "no message has a '.'"), ("{{uppercased(title)}}", "no message has a 'uppercased(title)'"),
        ("{{> partial}}", "a template has no partials, blocks or pragmas: {{> partial}}"),
        ("{{=<% %>=}}", "a template has no partials, blocks or pragmas: {{=<% %>=}}"),
        ("{{% CONTENT_TYPE:HTML}}", "a template has no partials, blocks or pragmas: {{% CONTENT_TYPE:HTML}}"),
        ("{{$ title}}x{{/title}}", "a template has no partials, blocks or pragmas: {{$ title}}"),
        ("{{#alerts}}", "a template's tags are {{name}}, {{#name}}…{{/name}} and {{^name}}…{{/name}}"),
        ("{{#alerts}}{{/title}}", "a template's tags are {{name}}, {{#name}}…{{/name}} and {{^name}}…{{/name}}"),
        ("{{links}}", "'links' is no text; did you mean links.open?"),
        ("{{{ affected }}}", "'affected' is no text; did you mean affected.model?"),
        ("{{#alerts}}{{& alerts}}{{/alerts}}", "'alerts' is no text; did you mean {{#alerts}}…{{/alerts}}?"),
        ("", "a template has 1 to 4,000 characters"),
    ])
    func faultyTemplatesAreRefused(text: String, words: String) {
        #expect(throws: NotificationConfigurationError(.invalidTemplate, words)) { try MessageTemplate(text) }
    }

    @Test func sectionsGoOverWhatIsNoText() throws {
        let templates = try templates(
            "{{# links }}{{links.open}}{{/links}}{{#affected}} {{affected.model}}{{/affected}}{{^alerts}}none{{/alerts}}{{! links }}")
        let body = try Fixtures.body(try Fixtures.message(try Fixtures.transition()), .log, templates: templates)
        #expect(body.hasPrefix("https://m.example/a/OPEN"), "\(body)")
    }

    @Test(arguments: [
        (Markup.markdown, #"CRITICAL · 2\*\*3 & \*4\* on `gpt-4o` in production"#),
        (.html, "CRITICAL · 2**3 &amp; *4* on gpt-4o in production"),
        (.slack, "CRITICAL · 2∗∗3 &amp; ∗4∗ on `gpt-4o` in production"), (.plain, "CRITICAL · 2**3 & *4* on gpt-4o in production"),
    ])
    func theBuiltInFirstLineIsEscapedAndWithoutStress(markup: Markup, title: String) throws {
        let message = try Fixtures.message(try Fixtures.transition()) { $0.contextData = .object(["headline": "2**3 & *4*"]) }
        let custom = try templates("{{title}}").render(message, MessageContent(message), title: markup, body: markup).custom
        #expect(custom.title == title)
    }

    @Test func everyNameIsKnownAndGivesSomething() throws {
        let text = MessageTemplate.names.filter { !["affected", "links", "alerts"].contains($0) }.map { "\($0)={{\($0)}};" }.joined()
        var message = try Fixtures.group(2)
        message.transition = try Fixtures.transition(.reopened, actor: "Dana", note: "n")
        message.alert.affectedBackend = "railway"
        let templates = try templates(nil, text)
        let shown = try Fixtures.body(message, .log, templates: templates)
        for expected in [
            "severity=critical;", "SEVERITY=CRITICAL;", "step=Back again;", "metric_name=fallback_rate;", "affected.backend=railway;",
            "links.snooze=https://m.example/a/GSNZ;", "count=2;", "more=1;", "is_group=true;", "actor=Dana;", "course=▂",
        ] {
            #expect(shown.contains(expected), "\(expected)")
        }
    }

    @Test func aTemplateIsBounded() throws {
        let text = "{{#alerts}}" + String(repeating: "{{summary}}", count: 300) + "{{/alerts}}"
        let templates = try templates(nil, text)
        let message = try Fixtures.group(1000)
        #expect(
            try MessageRenderer.render(message, receiver: Fixtures.receiver("r", .slack, templates: templates), isPlain: false)
                .templateFailed)
    }

    @Test func programsGetNoTemplates() throws {
        let templates = try templates("x")
        #expect(throws: NotificationConfigurationError(.invalidReceiver, "receiver 'r': type webhook takes no templates")) {
            try Fixtures.receiver("r", .webhook, templates: templates)
        }
    }
}
