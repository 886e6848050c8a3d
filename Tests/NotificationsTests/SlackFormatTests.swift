import Foundation
import Monitoring
import Testing

@testable import Notifications

@Suite struct SlackFormatTests {
    private func json(_ message: AlertMessage) throws -> JSONValue {
        try JSONValue(parsing: MessageRenderer.render(message, kind: .slack, isPlain: false).body)
    }

    @Test func anOpenedAlert() throws {
        let body = try json(Fixtures.message(try Fixtures.transition()))
        let expected = try JSONValue(
            parsing: """
                {"text": "CRITICAL: Fallback rate 7.8x its baseline on gpt-4o in production", "unfurl_links": false, "unfurl_media": false,
                 "blocks": [{"type": "section", "text": {"type": "mrkdwn",
                   "text": ":rotating_light: *CRITICAL · Fallback rate 7.8x its baseline* on `gpt-4o` in production"}}],
                 "attachments": [{"color": "#b3093c", "blocks": [
                   {"type": "section", "fields": [
                     {"type": "mrkdwn", "text": "*Now*\\n31.2 %"},
                     {"type": "mrkdwn", "text": "*Baseline*\\n4.0 % (7.8x)"},
                     {"type": "mrkdwn", "text": "*Since*\\n02:14 UTC (12 min)"},
                     {"type": "mrkdwn", "text": "*Sample*\\n376 of 1,204 events in 1 h"},
                     {"type": "mrkdwn", "text": "*Model*\\n`gpt-4o`"}]},
                   {"type": "section", "text": {"type": "mrkdwn", "text": "Fallback rate 31.2 % over the last hour."}},
                   {"type": "actions", "elements": [
                     {"type": "button", "action_id": "acknowledge", "style": "primary", "url": "https://m.example/a/ACK",
                      "text": {"type": "plain_text", "text": "Acknowledge"}},
                     {"type": "button", "action_id": "resolve", "url": "https://m.example/a/RES",
                      "text": {"type": "plain_text", "text": "Resolve"}},
                     {"type": "button", "action_id": "open", "url": "https://m.example/a/OPEN",
                      "text": {"type": "plain_text", "text": "Open"}}]},
                   {"type": "context", "elements": [
                     {"type": "mrkdwn", "text": "production"}, {"type": "mrkdwn", "text": "fallback_spike"},
                     {"type": "mrkdwn", "text": "alert 1f0c2d3e"}, {"type": "mrkdwn", "text": "step 1"}]}]}]}
                """)
        #expect(body == expected)
    }

    @Test func aResolvedAlertIsShort() throws {
        let transition = try Fixtures.transition(.resolved, sequence: 3)
        let body = try json(
            Fixtures.message(transition) { alert in
                alert.status = .resolved
                alert.severity = .low
                alert.resolvedAt = Fixtures.opened.addingTimeInterval(2543)
                alert.resolutionNote = "Calm since 02:50."
            })
        let expected = try JSONValue(
            parsing: """
                {"text": "Resolved: Fallback rate on gpt-4o in production, after 42 min", "unfurl_links": false, "unfurl_media": false,
                 "blocks": [{"type": "section", "text": {"type": "mrkdwn",
                   "text": ":white_check_mark: *Resolved: Fallback rate* on `gpt-4o` in production"}}],
                 "attachments": [{"color": "#2eb67d", "blocks": [
                   {"type": "section", "text": {"type": "mrkdwn",
                    "text": "Lasted 42 min, critical at its worst, resolved by itself. Calm since 02:50."}},
                   {"type": "context", "elements": [
                     {"type": "mrkdwn", "text": "production"}, {"type": "mrkdwn", "text": "fallback_spike"},
                     {"type": "mrkdwn", "text": "<https://m.example/a/OPEN|alert 1f0c2d3e>"},
                     {"type": "mrkdwn", "text": "step 3"}]}]}]}
                """)
        #expect(body == expected)
    }

    @Test func anAcknowledgedAlertNamesWhoHasIt() throws {
        let transition = try Fixtures.transition(.acknowledged, sequence: 2, actor: "Dana <!here>", note: "looking\nat it")
        let body = try json(Fixtures.message(transition, environment: nil) { $0.status = .acknowledged })
        let expected = try JSONValue(
            parsing: """
                {"text": "Acknowledged by Dana &lt;!here&gt;: Fallback rate 7.8x its baseline on gpt-4o",
                 "unfurl_links": false, "unfurl_media": false,
                 "blocks": [{"type": "section", "text": {"type": "mrkdwn",
                   "text": ":eyes: *In hand: Fallback rate 7.8x its baseline* on `gpt-4o`"}}],
                 "attachments": [{"color": "#36a2c9", "blocks": [
                   {"type": "section", "text": {"type": "mrkdwn",
                    "text": "Acknowledged by *Dana &lt;!here&gt;* after 12 min.\\n&gt; looking at it"}},
                   {"type": "context", "elements": [
                     {"type": "mrkdwn", "text": "fallback_spike"},
                     {"type": "mrkdwn", "text": "<https://m.example/a/OPEN|alert 1f0c2d3e>"},
                     {"type": "mrkdwn", "text": "step 2"}]}]}]}
                """)
        #expect(body == expected)
    }

    @Test(arguments: [
        (
            AlertTransition.Kind.escalated, Severity.high,
            ":rotating_light: *CRITICAL · Escalated from high: Fallback rate 7.8x its baseline* on `gpt-4o`"
        ),
        (.reopened, .high, ":rotating_light: *CRITICAL · Back again: Fallback rate 7.8x its baseline* on `gpt-4o`"),
    ])
    func theFirstLineSaysTheStep(kind: AlertTransition.Kind, from: Severity, headline: String) throws {
        let body = try json(Fixtures.message(try Fixtures.transition(kind, from: from), environment: nil))
        #expect(body["blocks"]?.array?.first?["text"]?["text"] == .string(headline))
    }

    @Test(arguments: [
        ("health_decline", "health_score", "*CRITICAL · Health down to 46 of 100*"),
        ("traffic_drop", "total_events", "*CRITICAL · Traffic 7.8x below normal*"),
        ("model_drift", "model_mix", "*CRITICAL · The mix of models has shifted*"),
        ("latency_spike", "latency_p95", "*CRITICAL · Latency p95 7.8x its baseline*"),
    ])
    func everyTypeHasItsWords(type: String, metric: String, words: String) throws {
        let message = try Fixtures.message(try Fixtures.transition()) { alert in
            alert.alertType = type
            alert.metricName = metric
            alert.currentValue = 46
        }
        #expect(try json(message)["blocks"]?.array?.first?["text"]?["text"]?.string?.contains(words) == true)
    }

    @Test func whatIsInHandHasNoAcknowledgeButton() throws {
        var message = try Fixtures.message(try Fixtures.transition()) { alert in
            alert.status = .acknowledged
            alert.acknowledgedBy = "Dana"
        }
        message.links.acknowledge = nil
        let text = try MessageRenderer.render(message, kind: .slack, isPlain: false).body
        #expect(text.contains(":eyes: In hand: acknowledged by Dana") && !text.contains("\"Acknowledge\""))
    }

    @Test(arguments: AlertTransition.Kind.allCases)
    func hostileAlertsStayWithinTheLimitsAndPingNobody(kind: AlertTransition.Kind) throws {
        let hostile = String(repeating: "<!channel>&`*|\n\u{202E}👩‍👩‍👧‍👦", count: 2000)
        var message = try Fixtures.message(try Fixtures.transition(kind, from: .low, actor: hostile, note: hostile), environment: hostile) {
            alert in
            alert.alertType = hostile
            alert.metricName = hostile
            alert.summary = hostile
            alert.affectedModel = hostile
            alert.affectedBackend = hostile
            alert.affectedAgent = hostile
            alert.affectedVersion = hostile
            alert.acknowledgedBy = hostile
            alert.resolvedBy = hostile
            alert.resolutionNote = hostile
            alert.status = kind == .acknowledged ? .acknowledged : .open
            alert.currentValue = .greatestFiniteMagnitude
            alert.deviationRatio = .greatestFiniteMagnitude
        }
        message.links.runbook = "https://r.example/" + String(repeating: "x", count: 3000)
        let body = try json(message)
        check(body)
        let plain = try JSONValue(parsing: MessageRenderer.render(message, kind: .slack, isPlain: true).body)
        #expect(plain["blocks"] == nil && plain["attachments"] == nil)
        for text in texts(of: body) + texts(of: plain) {
            #expect(!text.contains("<!") && !text.contains("<@") && !text.contains("\u{202E}"))
            let entities = text.split(separator: "&", omittingEmptySubsequences: false).dropFirst()
            #expect(entities.allSatisfy { $0.hasPrefix("amp;") || $0.hasPrefix("lt;") || $0.hasPrefix("gt;") })
        }
    }

    /// Slack's limits, as its documentation has them.
    private func check(_ body: JSONValue) {
        let attached = body["attachments"]?.array?.first?["blocks"]?.array ?? []
        #expect((1...4000).contains(body["text"]?.string?.utf16.count ?? 0) && attached.count <= 50)
        for block in (body["blocks"]?.array ?? []) + attached {
            let fields = block["fields"]?.array ?? []
            let elements = block["elements"]?.array ?? []
            #expect(fields.count <= 10 && fields.allSatisfy { (1...2000).contains($0["text"]?.string?.utf16.count ?? 0) })
            #expect(elements.count <= (block["type"] == .string("context") ? 10 : 25))
            if block["type"] == .string("section"), fields.isEmpty {
                #expect((1...3000).contains(block["text"]?["text"]?.string?.utf16.count ?? 0))
            }
            #expect(elements.allSatisfy { ($0["url"]?.string?.utf16.count ?? 0) <= 3000 })
        }
    }

    private func texts(of value: JSONValue) -> [String] {
        switch value {
        case .string(let text): [text]
        case .array(let elements): elements.flatMap { texts(of: $0) }
        case .object(let members): members.values.flatMap { texts(of: $0) }
        default: []
        }
    }
}
