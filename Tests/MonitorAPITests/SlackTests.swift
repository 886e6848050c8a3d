import Foundation
import Monitoring
import Notifications
import Postgres
import Synchronization
import TestSupport
import Testing

@testable import MonitorAPI

/// Slack's signature, and what is remembered of requests.
struct SlackSignatureTests {
    private static let secret = "8f742231b10e8888abcd99yyyzzz85a5"
    private static let signature = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    private static let body =
        "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar"
        + "&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
        + "&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
        + "&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"

    @Test("the documentation's own request is taken, within five minutes to either side")
    func vector() {
        for (offset, isTaken) in [(0.0, true), (300, true), (-300, true), (301, false), (-301, false)] {
            let moment = Date(timeIntervalSince1970: 1_531_420_618 + offset)
            let taken: Void? = try? SlackSignature.verify(
                signature: Self.signature, timestamp: "1531420618", body: Array(Self.body.utf8), secret: Self.secret, now: moment)
            #expect((taken != nil) == isTaken, "\(offset)")
        }
    }

    @Test(
        "anything else is refused",
        arguments: [
            (nil, "1531420618", .malformed), (signature, nil, .malformed), (signature, "x", .malformed), (signature, "-1", .malformed),
            (signature, "1531420618.0", .malformed), (signature, "", .malformed), (signature, "99999999999999999999", .malformed),
            ("v1" + signature.dropFirst(2), "1531420618", .malformed), (String(signature.dropLast()), "1531420618", .malformed),
            (signature.uppercased(), "1531420618", .malformed), (String(signature.dropLast()) + "4", "1531420618", .mismatch),
            (signature, "1531420619", .mismatch),
        ] as [(String?, String?, SlackSignature.Refusal)])
    func refusals(signature: String?, timestamp: String?, refusal: SlackSignature.Refusal) {
        #expect(throws: refusal) {
            try SlackSignature.verify(
                signature: signature, timestamp: timestamp, body: Array(Self.body.utf8), secret: Self.secret,
                now: Date(timeIntervalSince1970: 1_531_420_618))
        }
    }

    @Test("a change of the body is a mismatch")
    func body() {
        #expect(throws: SlackSignature.Refusal.mismatch) {
            try SlackSignature.verify(
                signature: Self.signature, timestamp: "1531420618", body: Array((Self.body + "&").utf8), secret: Self.secret,
                now: Date(timeIntervalSince1970: 1_531_420_618))
        }
    }

    @Test("what was accepted is remembered for its time, and no more than so much")
    func memory() {
        let memory = ReplayMemory(limit: 2)
        let now = Date(timeIntervalSince1970: 1000)
        #expect(memory.accept("a", until: now + 10, now: now) == .fresh)
        #expect(memory.accept("a", until: now + 10, now: now + 9) == .replayed)
        #expect(memory.accept("b", until: now + 20, now: now) == .fresh)
        #expect(memory.accept("c", until: now + 20, now: now + 9) == .full)
        #expect(memory.accept("c", until: now + 20, now: now + 10) == .fresh)
        #expect(memory.accept("b", until: now + 20, now: now + 10) == .replayed)
    }

    @Test(
        "an address leads to Slack's host, or nowhere",
        arguments: [
            ("https://hooks.slack.com/actions/T1/2/x", true), ("https://HOOKS.slack.com/actions", true),
            ("http://hooks.slack.com/actions", false), ("https://hooks.slack.com.evil.example/", false),
            ("https://evil.example/?hooks.slack.com", false), ("https://hooks.slack.com@evil.example/", false),
            ("https://user@hooks.slack.com/", false), ("https://hooks.slack.com:8443/", false),
            ("https://hooks.slack.com\\@evil.example/", false),
            ("https://evil.example\\hooks.slack.com/", false), ("//hooks.slack.com/", false), ("", false),
            ("https://169.254.169.254/", false),
        ])
    func addresses(address: String, isAllowed: Bool) {
        #expect(SlackUpdates { _, _ in }.allows(address) == isAllowed)
    }
}

/// Buttons of messages in Slack, from the request to the changed message.
@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint))
struct SlackTests {
    private static let responseURL = "https://hooks.slack.com/actions/T1/2/x"

    @Test("a press acknowledges under the user's name, is answered at once, and the message says who has it")
    func acknowledging() async throws {
        let sent = Sent()
        try await withSlack(sent) { listener in
            let token = listener.signer.token(for: try listener.claim(.acknowledge, Fixture.alert))
            let answer = try await listener.press(token)
            #expect(answer.status == 200 && answer.text.isEmpty)
            #expect(
                try await listener.value(
                    "SELECT actor || '/' || credential FROM monitoring_alert_transitions WHERE transition = 'acknowledged'")
                    == "ana <b> (U2CERLKJA)/slack")
            let (url, body) = try await sent.next()
            #expect(url == Self.responseURL)
            #expect(body.contains(#""replace_original":true"#) && !body.contains("response_type"))
            #expect(body.contains(#""text":"Fallback spike: :eyes: Acknowledged by ana &lt;b&gt; (U2CERLKJA).""#), "\(body)")
            #expect(body.contains(#""action_id":"resolve""#) && !body.contains(#""action_id":"acknowledge""#))
            #expect(body.contains(#""url":"https://monitor.example.com/a/"#))
            let second = try await listener.press(token, user: #"{"id": "U2", "username": "ben"}"#)
            #expect(second.status == 200)
            #expect(try await sent.next().body.contains("Acknowledged by ana &lt;b&gt; (U2CERLKJA)."))
            #expect(try await listener.value("SELECT count(*) FROM monitoring_alert_transitions WHERE transition = 'acknowledged'") == "1")
        }
    }

    @Test("what an alert from elsewhere is called becomes no link, mention or format in the message after a press")
    func inert() async throws {
        let sent = Sent()
        try await withSlack(sent) { listener in
            try await listener.run(
                """
                UPDATE monitoring_alerts SET origin = 'prometheus', summary = 'See https://evil.example, *now*',
                    labels = '{"alertname": "@channel _look_ at evil.example"}' WHERE id = '\(Fixture.alert)'
                """)
            let press = try await listener.press(listener.signer.token(for: try listener.claim(.acknowledge, Fixture.alert)))
            #expect(press.status == 200)
            let reply = try JSONValue(parsing: try await sent.next().body)
            let sections = try #require(reply["blocks"]?.array).filter { $0["type"] == .string("section") }
            #expect(sections.count == 2 && sections.allSatisfy { $0["text"]?["verbatim"] == .bool(true) })
            let name = "@\u{2060}channel ＿look＿ at evil.\u{2060}example"
            let summary = "See https:\u{2060}//evil.\u{2060}example, ∗now∗"
            #expect(sections[0]["text"]?["text"]?.string == "*HIGH · \(name)*\n\(summary)")
            #expect(reply["text"]?.string?.hasPrefix("\(name): :eyes: Acknowledged by ana") == true)
        }
    }

    @Test("resolve and snooze, and what is too late")
    func others() async throws {
        let sent = Sent()
        try await withSlack(sent) { listener in
            let snooze = try await listener.press(listener.signer.token(for: try listener.claim(.snooze, Fixture.alert)))
            #expect(snooze.status == 200)
            #expect(try await sent.next().body.contains("Snoozed by ana &lt;b&gt; (U2CERLKJA) until 16:00 UTC."))
            #expect(
                try await listener.value("SELECT snoozed_until AT TIME ZONE 'UTC' FROM monitoring_alerts WHERE id = '\(Fixture.alert)'")
                    == "2026-03-10 16:00:00")
            _ = try await listener.press(listener.signer.token(for: try listener.claim(.resolve, Fixture.alert)))
            let resolved = try await sent.next().body
            #expect(resolved.contains("Resolved by ana &lt;b&gt; (U2CERLKJA).") && !resolved.contains(#""action_id":"resolve""#))
            _ = try await listener.press(listener.signer.token(for: try listener.claim(.acknowledge, Fixture.resolved)))
            #expect(try await sent.next().body.contains("Resolved by itself."))
        }
    }

    @Test("a message of many alerts is taken in hand by one press")
    func group() async throws {
        let sent = Sent()
        try await withSlack(sent) { listener in
            try await listener.run(GroupFixture.sql(40))
            #expect(try await listener.post("/api/monitor/alerts/\(GroupFixture.alert(9))/acknowledge", #"{"actor": "Ben"}"#).status == 200)
            #expect(try await listener.press(try listener.groupToken(.acknowledge)).status == 200)
            let body = try await sent.next().body
            #expect(body.contains("Error spike of model model-1 and 39 more"))
            #expect(body.contains(#":eyes: 39 acknowledged by ana &lt;b&gt; (U2CERLKJA).\n1 was already acknowledged by Ben."#), "\(body)")
            #expect(try await listener.value("SELECT count(*) FROM monitoring_alerts WHERE status = 'acknowledged'") == "40")
        }
    }

    @Test("a press that was answered is done, though the listener ends meanwhile")
    func ending() async throws {
        let sent = Sent()
        try await withSlack(sent) { listener in
            try await listener.database.client.transaction { connection async throws in
                try await connection.query("SELECT FROM monitoring_alerts FOR UPDATE")
                // Slack is answered in time, though the press has to wait: but for where a busy machine took the half second that is left.
                let token = listener.signer.token(for: try listener.claim(.acknowledge, Fixture.alert))
                let presses = Atomic(0)
                try await eventually("the press is answered", timeout: .seconds(60)) {
                    let user = #"{"id": "U2CERLKJA", "username": "ana", "press": \#(presses.add(1, ordering: .relaxed).newValue)}"#
                    return try await listener.press(token, user: user).status == 200
                }
                await listener.stop()
                try await eventually("it takes no connection any more") {
                    (try? await listener.send("GET", "/health")) == nil
                }
            }
            #expect(try await sent.next().body.contains("Acknowledged by ana"))
        }
    }

    @Test("hostile names ping nobody")
    func escaping() async throws {
        let sent = Sent()
        try await withSlack(sent) { listener in
            _ = try await listener.press(
                listener.signer.token(for: try listener.claim(.acknowledge, Fixture.hostile)), user: #"{"id": "U1", "username": "<!here>"}"#
            )
            let body = try await sent.next().body
            #expect(!body.contains("<!") && !body.contains("<script") && body.contains("&lt;!here&gt; (U1)"))
        }
    }

    @Test("a request that is unsigned, changed, old or seen before does nothing")
    func refusals() async throws {
        let sent = Sent()
        try await withSlack(sent) { listener in
            let before = try await listener.state()
            let token = listener.signer.token(for: try listener.claim(.acknowledge, Fixture.alert))
            let body = SlackPress.form(token)
            #expect(try await listener.submit("/slack/interactions", body).status == 401)
            #expect(try await listener.submit("/slack/interactions", body + "x", headers: Listener.signed(body)).status == 401)
            #expect(try await listener.submit("/slack/interactions", body, headers: Listener.signed(body, at: -301)).status == 401)
            #expect(try await listener.submit("/slack/interactions", body, headers: Listener.signed(body, secret: "other")).status == 401)
            let text = try await listener.send(
                "POST", "/slack/interactions", headers: [(name: "Content-Type", value: "application/json")] + Listener.signed("{}"),
                body: "{}")
            #expect(text.status == 415)
            #expect(try await listener.send("GET", "/slack/interactions").status == 405)
            #expect(try await listener.state() == before)
            let other = SlackPress.form(token, type: "view_submission")
            let refused = try await listener.submit("/slack/interactions", other, headers: Listener.signed(other))
            #expect(refused.status == 400 && refused.text.contains("The payload's type must be block_actions."))
            for faulty in ["payload=%7B", "x=1", "payload=" + String(repeating: "%5B", count: 100)] {
                #expect(try await listener.submit("/slack/interactions", faulty, headers: Listener.signed(faulty)).status == 400)
            }
            #expect(try await listener.submit("/slack/interactions", body, headers: Listener.signed(body)).status == 200)
            let replayed = try await listener.submit("/slack/interactions", body, headers: Listener.signed(body))
            #expect(replayed.status == 403 && replayed.text.contains("This request was received before."))
            // Nor by another process.
            let headers = Listener.signed(body)
            let extras = ListenerExtras(slackSecret: Listener.slackSecret, slackUpdates: SlackUpdates { _, _ in })
            try await withListener(over: listener.database, client: listener.database.client, extras: extras) { other in
                let replayed = try await other.submit("/slack/interactions", body, headers: headers)
                #expect(replayed.status == 403 && replayed.text.contains("This request was received before."))
            }
            #expect(try await listener.value("SELECT count(*) FROM monitoring_alert_transitions WHERE transition = 'acknowledged'") == "1")
        }
    }

    @Test("links in buttons get their 200, buttons that are old or not ours a word to whoever pressed, and nothing changes")
    func harmless() async throws {
        let sent = Sent()
        try await withSlack(sent) { listener in
            let before = try await listener.state()
            let token = listener.signer.token(for: try listener.claim(.acknowledge, Fixture.alert))
            let link = #"{"action_id": "acknowledge", "url": "https://monitor.example.com/a/x", "value": "\#(token)"}"#
            for action in [link, #"{"action_id": "open"}"#] {
                let body = SlackPress.form("", action: action)
                #expect(try await listener.submit("/slack/interactions", body, headers: Listener.signed(body)).status == 200)
            }
            #expect(try await listener.press(listener.signer.token(for: try listener.claim(.open, Fixture.alert))).status == 200)
            let old = listener.signer.token(for: try listener.claim(.acknowledge, Fixture.alert, validFor: -1))
            #expect(try await listener.press(old).status == 200)
            #expect(
                try await sent.next().body
                    == #"{"replace_original":false,"response_type":"ephemeral","text":"This button is no longer valid. Nothing was changed."}"#
            )
            #expect(try await listener.press("rubbish").status == 200)
            #expect(try await sent.next().body.contains("This button is not one of ours."))
            #expect(try await listener.press(listener.signer.token(for: try listener.claim(.acknowledge, Fixture.absent))).status == 200)
            #expect(try await sent.next().body.contains("no longer kept"))
            #expect(try await listener.state() == before)
        }
    }

    @Test("an address that is not Slack's is never called, and the press counts all the same")
    func foreignAddress() async throws {
        let sent = Sent()
        try await withSlack(sent) { listener in
            let token = listener.signer.token(for: try listener.claim(.acknowledge, Fixture.alert))
            #expect(try await listener.press(token, responseURL: "https://hooks.slack.com@evil.example/").status == 200)
            let next = listener.signer.token(for: try listener.claim(.acknowledge, Fixture.hostile))
            #expect(try await listener.press(next).status == 200)
            #expect(try await sent.next().url == Self.responseURL)
            #expect(sent.isEmpty)
            #expect(try await listener.value("SELECT count(*) FROM monitoring_alerts WHERE status = 'acknowledged'") == "2")
        }
    }

    @Test("without a signing secret it is not there")
    func unconfigured() async throws {
        try await withListener { listener in
            let body = SlackPress.form(listener.signer.token(for: try listener.claim(.acknowledge, Fixture.alert)))
            #expect(try await listener.submit("/slack/interactions", body, headers: Listener.signed(body)).status == 404)
        }
    }

    private func withSlack(_ sent: Sent, _ body: @escaping @Sendable (Listener) async throws -> Void) async throws {
        let updates = SlackUpdates { url, body in sent.add(url, String(decoding: body, as: UTF8.self)) }
        try await withListener(
            publicURL: "https://monitor.example.com", extras: ListenerExtras(slackSecret: Listener.slackSecret, slackUpdates: updates), body
        )
    }
}

/// What was sent to the addresses of presses.
private final class Sent: Sendable {
    private let messages = Mutex<[(url: String, body: String)]>([])

    func add(_ url: String, _ body: String) {
        messages.withLock { $0.append((url, body)) }
    }

    var isEmpty: Bool { messages.withLock { $0.isEmpty } }

    /// The next one, once it is there.
    func next() async throws -> (url: String, body: String) {
        try await eventually("a message is changed") { !self.isEmpty }
        return messages.withLock { $0.removeFirst() }
    }
}

extension Listener {
    static let slackSecret = "8f742231b10e8888abcd99yyyzzz85a5"

    static func signed(_ body: String, at offset: Int = 0, secret: String = slackSecret) -> [(name: String, value: String)] {
        SlackPress.headers(body, secret: secret, at: Int(now.timeIntervalSince1970) + offset)
    }

    func press(
        _ token: String, user: String = #"{"id": "U2CERLKJA", "username": "ana <b>"}"#,
        responseURL: String = "https://hooks.slack.com/actions/T1/2/x"
    ) async throws -> Answer {
        let body = SlackPress.form(token, user: user, responseURL: responseURL)
        return try await submit("/slack/interactions", body, headers: Self.signed(body))
    }
}
