import Foundation
import Monitoring
import Testing

@testable import Notifications

@Suite struct SlackFormatTests {
    private func json(_ message: AlertMessage) throws -> JSONValue {
        try Fixtures.json(message, .slack)
    }

    @Test func anOpenedAlert() throws {
        let body = try json(Fixtures.message(try Fixtures.transition()))
        let expected = try JSONValue(
            parsing: """
                {"text": "CRITICAL: Fallback rate 31.2 % over the last hour, 7.8x the expected 4.0 % on gpt-4o in production", "unfurl_links": false, "unfurl_media": false,
                 "blocks": [{"type": "section", "text": {"type": "mrkdwn", "verbatim": true,
                   "text": ":rotating_light: *CRITICAL · Fallback rate 31.2 % over the last hour, 7.8x the expected 4.0 %* on `gpt-4o` in production"}}],
                 "attachments": [{"color": "#b3093c", "blocks": [
                   {"type": "section", "fields": [
                     {"type": "mrkdwn", "verbatim": true, "text": "*Now*\\n31.2 %"},
                     {"type": "mrkdwn", "verbatim": true, "text": "*Expected*\\n4.0 % (7.8×)"},
                     {"type": "mrkdwn", "verbatim": true, "text": "*Since*\\n02:14 UTC (12 min)"},
                     {"type": "mrkdwn", "verbatim": true, "text": "*Sample*\\n376 of 1,204 events in 1 h, 48 expected"},
                     {"type": "mrkdwn", "verbatim": true, "text": "*Model*\\n`gpt-4o`"}]},
                   {"type": "actions", "elements": [
                     {"type": "button", "action_id": "acknowledge", "style": "primary", "url": "https://m.example/a/ACK",
                      "text": {"type": "plain_text", "text": "Acknowledge"}},
                     {"type": "button", "action_id": "resolve", "url": "https://m.example/a/RES",
                      "text": {"type": "plain_text", "text": "Resolve"}},
                     {"type": "button", "action_id": "open", "url": "https://m.example/a/OPEN",
                      "text": {"type": "plain_text", "text": "Open"}}]},
                   {"type": "context", "elements": [
                     {"type": "mrkdwn", "verbatim": true, "text": "production"}, {"type": "mrkdwn", "verbatim": true, "text": "fallback_spike"},
                     {"type": "mrkdwn", "verbatim": true, "text": "alert 1f0c2d3e"}, {"type": "mrkdwn", "verbatim": true, "text": "step 1"}]}]}]}
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
                 "blocks": [{"type": "section", "text": {"type": "mrkdwn", "verbatim": true,
                   "text": ":white_check_mark: *Resolved: Fallback rate* on `gpt-4o` in production"}}],
                 "attachments": [{"color": "#2eb67d", "blocks": [
                   {"type": "section", "text": {"type": "mrkdwn", "verbatim": true,
                    "text": "Lasted 42 min, critical at its worst, resolved by itself.\\n&gt; Calm since 02:50."}},
                   {"type": "context", "elements": [
                     {"type": "mrkdwn", "verbatim": true, "text": "production"}, {"type": "mrkdwn", "verbatim": true, "text": "fallback_spike"},
                     {"type": "mrkdwn", "verbatim": true, "text": "<https://m.example/a/OPEN|alert 1f0c2d3e>"},
                     {"type": "mrkdwn", "verbatim": true, "text": "step 3"}]}]}]}
                """)
        #expect(body == expected)
    }

    @Test func anAcknowledgedAlertNamesWhoHasIt() throws {
        let transition = try Fixtures.transition(.acknowledged, sequence: 2, actor: "Dana <!here>", note: "looking\nat it")
        let body = try json(Fixtures.message(transition, environment: nil) { $0.status = .acknowledged })
        let expected = try JSONValue(
            parsing: """
                {"text": "Acknowledged by Dana &lt;!here&gt;: Fallback rate 31.2 % over the last hour, 7.8x the expected 4.0 % on gpt-4o",
                 "unfurl_links": false, "unfurl_media": false,
                 "blocks": [{"type": "section", "text": {"type": "mrkdwn", "verbatim": true,
                   "text": ":eyes: *In hand: Fallback rate 31.2 % over the last hour, 7.8x the expected 4.0 %* on `gpt-4o`"}}],
                 "attachments": [{"color": "#36a2c9", "blocks": [
                   {"type": "section", "text": {"type": "mrkdwn", "verbatim": true,
                    "text": "Acknowledged by Dana &lt;!here&gt; after 12 min.\\n&gt; looking at it"}},
                   {"type": "context", "elements": [
                     {"type": "mrkdwn", "verbatim": true, "text": "fallback_spike"},
                     {"type": "mrkdwn", "verbatim": true, "text": "<https://m.example/a/OPEN|alert 1f0c2d3e>"},
                     {"type": "mrkdwn", "verbatim": true, "text": "step 2"}]}]}]}
                """)
        #expect(body == expected)
    }

    @Test(arguments: [
        (
            AlertTransition.Kind.escalated, Severity.high,
            ":rotating_light: *CRITICAL · Escalated from high: Fallback rate 31.2 % over the last hour, 7.8x the expected 4.0 %* on `gpt-4o`"
        ),
        (
            .reopened, .high,
            ":rotating_light: *CRITICAL · Back again: Fallback rate 31.2 % over the last hour, 7.8x the expected 4.0 %* on `gpt-4o`"
        ),
    ])
    func theFirstLineSaysTheStep(kind: AlertTransition.Kind, from: Severity, headline: String) throws {
        let body = try json(Fixtures.message(try Fixtures.transition(kind, from: from), environment: nil))
        #expect(body["blocks"]?.array?.first?["text"]?["text"] == .string(headline))
    }

    /// With the engine's headline, and what is said where there is none.
    @Test(arguments: [
        (
            "health_score", "Health score 46.0 over the last hour, down from the expected 91.0",
            "Health score 46.0 over the last hour, down from the expected 91.0"
        ),
        ("health_score", "", "Health down to 46 of 100"),
        (
            "total_events", "Traffic fell to 12 events over the last hour; expected 96",
            "Traffic fell to 12 events over the last hour; expected 96"
        ),
        ("total_events", "", "Traffic dropped to 46 events (expected 1,200)"),
        ("model_mix", "Model mix moved: model haiku (beta) from 12 % to 48 %", "Model mix moved: model haiku (beta) from 12 % to 48 %"),
        ("model_mix", "", "Model mix shifted"),
        ("latency_p95", "", "Latency p95 46 ms, 7.8× the expected 1.2 s"),
    ])
    func everyMetricHasItsWords(metric: String, headline: String, words: String) throws {
        let message = try Fixtures.message(try Fixtures.transition(), environment: nil) { alert in
            alert.metricName = metric
            alert.contextData = .object(["headline": .string(headline)])
            alert.currentValue = 46
            alert.baselineValue = 1200
            alert.affectedModel = nil
        }
        #expect(try json(message)["blocks"]?.array?.first?["text"]?["text"] == .string(":rotating_light: *CRITICAL · \(words)*"))
    }

    @Test func anAlertOnOneSliceNamesItOnce() throws {
        func narrow(_ alert: inout Alert) {
            alert.metricName = "error_rate"
            alert.sliceDimension = "model"
            alert.sliceValue = "gpt-5-mini"
            alert.affectedModel = "gpt-5-mini"
            alert.contextData = .object(["headline": .string("Error rate of model gpt-5-mini 9.1 %, 4.5x the expected 2.0 %")])
        }
        let opened = try json(Fixtures.message(try Fixtures.transition(), narrow))
        #expect(
            opened["text"] == .string("CRITICAL: Error rate of model gpt-5-mini 9.1 %, 4.5x the expected 2.0 % in production"))
        let resolved = try json(Fixtures.message(try Fixtures.transition(.resolved), narrow))
        #expect(resolved["text"] == .string("Resolved: Error rate of model gpt-5-mini in production, after 12 min"))
    }

    @Test(arguments: [
        ("total_events", 12.0, 96.0, 8.0, "*Now*\n12 events", "*Expected*\n96 events (8.0× fewer)"),
        ("model_mix", 0.3142, 0.2, 1.571, "*Now*\n0.31", "*Threshold*\n0.20 (1.6×)"),
        ("health_score", 46.2, 91, 1.97, "*Now*\n46 of 100", "*Expected*\n91 of 100 (2.0× lower)"),
    ])
    func figuresAreInTheirUnits(metric: String, current: Double, baseline: Double, ratio: Double, now: String, expected: String) throws {
        let message = try Fixtures.message(try Fixtures.transition()) { alert in
            alert.metricName = metric
            alert.currentValue = current
            alert.baselineValue = baseline
            alert.deviationRatio = ratio
        }
        let fields = try json(message)["attachments"]?.array?.first?["blocks"]?.array?.first?["fields"]?.array ?? []
        #expect(fields.prefix(2).map { $0["text"] } == [.string(now), .string(expected)])
    }

    @Test func whatIsInHandHasNoAcknowledgeButton() throws {
        var message = try Fixtures.message(try Fixtures.transition()) { alert in
            alert.status = .acknowledged
            alert.acknowledgedBy = "Dana"
        }
        message.links.acknowledge = nil
        let text = try Fixtures.body(message, .slack)
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
            alert.contextData = .object(["headline": .string(String(hostile.prefix(600)))])
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
        let plain = try Fixtures.json(message, .slack, isPlain: true)
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
