import Crypto
import Foundation
import Monitoring
import Notifications
import TestSupport
import Testing

@testable import MonitorAPI

/// Webhooks of other systems.
@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint))
struct RelayWebhookTests {
    private static let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

    private static func extras() throws -> ListenerExtras {
        var extras = ListenerExtras()
        func pointer(_ text: String) -> JSONPointer { JSONPointer(text)! }
        let ci = GenericRelayFormat(
            title: pointer("/check/name"), summary: pointer("/text"), severity: pointer("/level"), status: pointer("/state"),
            identity: [pointer("/check/id")], link: pointer("/url"))
        extras.relay.sources = [
            RelaySource(name: "am", format: .alertmanager),
            RelaySource(
                name: "grafana", format: .grafana,
                proof: .token(try ListenerToken(name: "grafana", secret: "grafanas-token", scope: .ingest))),
            RelaySource(name: "ci", format: .generic(ci), proof: .standardWebhooks(try SigningSecret(secret))),
            RelaySource(name: "chat", format: .generic(ci), proof: .slack(Secret("a-signing-secret-of-slack"))),
        ]
        return extras
    }

    private static func alertmanager(_ status: String) -> String {
        """
        {"version": "4", "groupKey": "g", "status": "\(status)", "receiver": "r", "groupLabels": {}, "commonLabels": {},
         "commonAnnotations": {}, "externalURL": "http://am", "alerts": [{"status": "\(status)",
         "labels": {"alertname": "HighLatency", "severity": "warning"}, "annotations": {"summary": "slow"},
         "startsAt": "2026-03-10T11:00:00.123Z", "endsAt": "\(status == "firing" ? "0001-01-01T00:00:00Z" : "2026-03-10T11:59:00Z")",
         "generatorURL": "http://p/graph", "fingerprint": "f"}]}
        """
    }

    @Test("Alertmanager's webhook opens and ends alerts, the same as its API does")
    func alertmanager() async throws {
        try await withListener(fixture: false, extras: try Self.extras()) { listener in
            let answer = try await listener.post("/relay/am", Self.alertmanager("firing"))
            #expect(answer.status == 200 && answer.text == #"{"alerts":1,"opened":1,"reopened":0,"resolved":0}"#, "\(answer.text)")
            let kept = try await listener.value(
                "SELECT origin || ' ' || severity || ' ' || (opened_at AT TIME ZONE 'UTC') FROM monitoring_alerts")
            #expect(kept == "am medium 2026-03-10 11:00:00.123")
            // It stands until its source says otherwise.
            #expect(
                try await RelayedAlertRepository(client: listener.database.client).endSilent(at: Listener.now.addingTimeInterval(1e6)) == 0)
            let same = #"[{"labels": {"alertname": "HighLatency", "severity": "warning"}, "endsAt": "2026-03-10T11:59:00Z"}]"#
            #expect(try await listener.post("/api/v2/alerts", same).status == 200)
            #expect(try await listener.value("SELECT status FROM monitoring_alerts") == "resolved")
            #expect(try await listener.post("/relay/am", Self.alertmanager("resolved")).text.contains(#""resolved":0"#))
        }
    }

    @Test("more alerts than a request may bring are refused, all of them")
    func most() async throws {
        try await withListener(fixture: false, extras: try Self.extras()) { listener in
            let alert = #"{"status":"firing","labels":{"a":"b"}}"#
            let body = #"{"alerts":["# + Array(repeating: alert, count: 50_001).joined(separator: ",") + "]}"
            let answer = try await listener.post("/relay/am", body)
            #expect(answer.status == 400 && answer.text.contains("A request has at most 50000 alerts."), "\(answer.text)")
            #expect(try await listener.value("SELECT count(*) FROM monitoring_alerts") == "0")
        }
    }

    @Test("Grafana shows its token, and no other")
    func grafana() async throws {
        try await withListener(fixture: false, extras: try Self.extras()) { listener in
            let body = Self.alertmanager("firing").replacing(
                "\"fingerprint\": \"f\"", with: "\"panelURL\": \"http://g/d/1\", \"valueString\": \"[ A=4 ]\"")
            let token = [(name: "Authorization", value: "Bearer grafanas-token")]
            let refused = try await listener.post("/relay/grafana", body)
            #expect(refused.status == 401, "\(refused.text)")
            #expect(
                try await listener.post("/relay/grafana", body, headers: [(name: "Authorization", value: "Bearer other-token")]).status
                    == 401)
            #expect(try await listener.post("/relay/grafana", body, headers: token).status == 200)
            #expect(
                try await listener.value("SELECT generator_url || ' ' || (annotations ->> 'values') FROM monitoring_alerts")
                    == "http://g/d/1 [ A=4 ]")
            #expect(try await listener.post("/relay/nobody", body).status == 404)
        }
    }

    private static func signed(_ body: String, id: String = "msg_1", at moment: Date = Listener.now) throws -> [(
        name: String, value: String
    )] {
        let seconds = String(Int(moment.timeIntervalSince1970))
        let key = SymmetricKey(data: try #require(Data(base64Encoded: String(secret.dropFirst(6)))))
        let code = HMAC<SHA256>.authenticationCode(for: Data("\(id).\(seconds).\(body)".utf8), using: key)
        return [
            (name: "webhook-id", value: id), (name: "webhook-timestamp", value: seconds),
            (name: "webhook-signature", value: "v1,\(Data(code).base64EncodedString())"),
        ]
    }

    @Test("any JSON is read by pointers, signed as Standard Webhooks has it, and taken once")
    func generic() async throws {
        try await withListener(fixture: false, extras: try Self.extras()) { listener in
            let body =
                #"{"check": {"name": "Backup", "id": 4711}, "text": "disk is full", "level": "error", "state": "failing", "url": "https://ci/1"}"#
            let first = try await listener.post("/relay/ci", body, headers: try Self.signed(body))
            #expect(first.status == 200 && first.text.contains(#""opened":1"#), "\(first.text)")
            let again = try await listener.post("/relay/ci", body, headers: try Self.signed(body))
            #expect(again.text == first.text && again.header("Idempotency-Replayed") == "true")
            // A key that nobody signed makes no other request of it.
            let keyed = try Self.signed(body) + [(name: "Idempotency-Key", value: "mine")]
            #expect(try await listener.post("/relay/ci", body, headers: keyed).header("Idempotency-Replayed") == "true")
            let kept = try await listener.value(
                "SELECT severity || ' ' || labels::text || ' ' || (context_data ->> 'headline') FROM monitoring_alerts")
            #expect(kept == #"high {"id": "4711", "source": "ci"} Backup: disk is full"#)
            // The same in worse is not another.
            let worse = body.replacing("error", with: " fatal ")
            #expect(try await listener.post("/relay/ci", worse, headers: try Self.signed(worse, id: "msg_0")).status == 200)
            let steps = try await listener.value(
                "SELECT string_agg(transition || ' ' || to_severity, ', ' ORDER BY sequence) FROM monitoring_alert_transitions")
            #expect(steps == "opened high, escalated critical")
            let over = body.replacing("failing", with: " OK ")
            #expect(try await listener.post("/relay/ci", over, headers: try Self.signed(over, id: "msg_2")).text.contains(#""resolved":1"#))
            // Changed, old, unsigned, without what names it.
            #expect(try await listener.post("/relay/ci", over, headers: try Self.signed(body, id: "msg_3")).status == 401)
            #expect(
                try await listener.post("/relay/ci", body, headers: try Self.signed(body, at: Listener.now.addingTimeInterval(-301))).status
                    == 401)
            #expect(try await listener.post("/relay/ci", body).status == 401)
            let nameless = #"{"check": {"name": "Backup"}}"#
            let refused = try await listener.post("/relay/ci", nameless, headers: try Self.signed(nameless, id: "msg_4"))
            #expect(refused.status == 400 && refused.text.contains("has nothing at"), "\(refused.text)")
        }
    }

    @Test("a signature like Slack's is one, too")
    func slack() async throws {
        try await withListener(fixture: false, extras: try Self.extras()) { listener in
            let body = #"{"check": {"name": "Backup", "id": 1}}"#
            let seconds = String(Int(Listener.now.timeIntervalSince1970))
            let code = HMAC<SHA256>.authenticationCode(
                for: Data("v0:\(seconds):\(body)".utf8), using: SymmetricKey(data: Data("a-signing-secret-of-slack".utf8)))
            let hex = code.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
            let headers = [(name: "X-Slack-Request-Timestamp", value: seconds), (name: "X-Slack-Signature", value: "v0=\(hex)")]
            let taken = try await listener.post("/relay/chat", body, headers: headers)
            #expect(taken.status == 200, "\(taken.text)")
            #expect(try await listener.post("/relay/chat", body, headers: headers).header("Idempotency-Replayed") == "true")
            #expect(try await listener.post("/relay/chat", body.replacing("1", with: "2"), headers: headers).status == 401)
        }
    }

    /// A body is read before its signature can be looked at: those who have shown who they are do not wait for the others.
    @Test("who has shown nothing keeps nobody out who has")
    func room() async throws {
        let tokens = [try ListenerTokenFixture.token("prometheus", .ingest)]
        var extras = try Self.extras()
        extras.bodyDeadline = .seconds(120)
        try await withListener(tokens: tokens, fixture: false, extras: extras) { listener in
            let signed = try Self.signed("", id: "msg_1").map { "\($0.name): \($0.value)\r\n" }.joined()
            func held(_ path: String, _ headers: String, bytes: Int) throws -> RawConnection {
                let connection = try RawConnection(port: listener.port)
                let head = "POST \(path) HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                connection.send("\(head)\(headers)Content-Length: \(bytes)\r\n\r\n{")
                return connection
            }
            // Nothing shown, or nothing known: answered at once, with the body still to come.
            for path in ["/relay/nobody", "/relay/grafana", "/relay/ci", "/relay/chat"] {
                let answer = try await held(path, "", bytes: 900_000).read(within: 10) { $0.contains("\r\n\r\n") }
                #expect(answer.hasPrefix(path == "/relay/nobody" ? "HTTP/1.1 404 " : "HTTP/1.1 401 "), "\(answer)")
            }
            let tooLarge = try await held("/relay/ci", signed, bytes: 1 << 21).read(within: 10) { $0.contains("\r\n\r\n") }
            #expect(tooLarge.hasPrefix("HTTP/1.1 413 "), "\(tooLarge)")
            // What could be signed has four places of a network.
            var holders = try (0..<4).map { _ in try held("/relay/ci", signed, bytes: 1 << 20) }
            var refused = false
            for _ in 0..<8 where !refused {
                let further = try held("/relay/ci", signed, bytes: 1 << 20)
                refused = (try? await further.read(within: 2) { $0.contains("\r\n\r\n") })?.hasPrefix("HTTP/1.1 503 ") == true
                // It came before one of the others, and has that one's place.
                if !refused { holders.append(further) }
            }
            #expect(refused)
            let ingest = [(name: "Authorization", value: "Bearer secret-of-prometheus")]
            #expect(try await listener.post("/relay/am", Self.alertmanager("firing"), headers: ingest).status == 200)
            #expect(try await listener.post("/api/v2/alerts", "[\(AlertmanagerTests.latency)]", headers: ingest).status == 200)
            withExtendedLifetime(holders) {}
        }
    }

    @Test("one that is over is over, also where its source's clock is ahead")
    func clockAhead() async throws {
        try await withListener(fixture: false, extras: try Self.extras()) { listener in
            func body(_ status: String, _ end: String) -> String {
                Self.alertmanager(status).replacing("2026-03-10T11:00:00.123Z", with: "2026-03-10T12:01:00Z")
                    .replacing("2026-03-10T11:59:00Z", with: end)
            }
            #expect(try await listener.post("/relay/am", body("firing", "")).status == 200)
            let over = try await listener.post("/relay/am", body("resolved", "2026-03-10T12:01:10Z"))
            #expect(over.status == 200, "\(over.text)")
            #expect(try await listener.value("SELECT status FROM monitoring_alerts") == "resolved")
        }
    }

    @Test("who guesses from an address keeps nobody out whose secret cannot be guessed")
    func guesses() async throws {
        var extras = try Self.extras()
        let strong = "8c1f0e7ab3d94526e1f7a0b2c3d4958670a1b2c3d4e5f60718293a4b5c6d7e8f"
        extras.relay.sources.append(
            RelaySource(name: "strong", format: .alertmanager, proof: .token(try ListenerToken(name: "s", secret: strong, scope: .ingest))))
        try await withListener(fixture: false, extras: extras) { listener in
            func send(_ path: String, _ secret: String) async throws -> Int {
                let headers = [(name: "Authorization", value: "Bearer \(secret)")]
                return try await listener.post(path, Self.alertmanager("firing"), headers: headers).status
            }
            for _ in 0..<25 { _ = try await send("/relay/strong", "wrong-secret") }
            #expect(try await send("/relay/strong", "wrong-secret") == 429)
            #expect(try await send("/relay/strong", strong) == 200)
            let body = #"{"check": {"name": "Backup", "id": 1}}"#
            #expect(try await listener.post("/relay/ci", body, headers: try Self.signed(body, id: "msg_g")).status == 200)
        }
    }

    @Test("without a proof of its own a source needs a token of the listener, where there are any")
    func listenersToken() async throws {
        let tokens = [try ListenerTokenFixture.token("prometheus", .ingest), try ListenerTokenFixture.token("board", .read)]
        try await withListener(tokens: tokens, fixture: false, extras: try Self.extras()) { listener in
            let body = Self.alertmanager("firing")
            let refused = try await listener.post("/relay/am", body)
            #expect(refused.status == 401, "\(refused.text)")
            let ingest = [(name: "Authorization", value: "Bearer secret-of-prometheus")]
            #expect(try await listener.post("/relay/am", body, headers: ingest).status == 200)
        }
    }

    @Test(arguments: [("", "a"), ("/a~1b", "c"), ("/m~0n", "d"), ("/list/1", "f")])
    func pointersAreRFC6901s(text: String, value: String) throws {
        let document: JSONValue = text.isEmpty ? "a" : .object(["a/b": "c", "m~n": "d", "list": .array(["e", "f"])])
        #expect(JSONPointer(text)?.text(in: document) == value)
    }

    @Test(arguments: ["a", "/~", "/~2"])
    func whatIsNoPointerIsNone(text: String) {
        #expect(JSONPointer(text) == nil)
    }
}
