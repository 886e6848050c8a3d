import Foundation
import Monitoring
import TestSupport
import Testing
import WebTransport

@testable import Notifications

@Suite struct ReceiverTestTests {
    private func run(_ kind: ReceiverKind, at url: String, isPrivate: Bool = true) async throws -> ReceiverTestOutcome {
        let receiver = try Receiver(
            name: "a", kind: kind, url: kind.hasEndpoint ? Secret(url) : nil,
            routingKey: kind == .pagerduty ? Secret("0123456789abcdef0123456789ABCDEF") : nil, allowPrivateNetwork: isPrivate)
        let transport = WebTransport()
        let settings = DeliverySettings(requestTimeout: .seconds(1))
        let test = ReceiverTest(
            configuration: try NotificationConfiguration(receivers: [receiver], environment: "staging", delivery: settings),
            transport: transport)
        do {
            let outcome = try await test.run(receiver: "a", at: Fixtures.now)
            await transport.close()
            return outcome
        } catch {
            await transport.close()
            throw error
        }
    }

    @Test(arguments: ReceiverKind.allCases.filter(\.hasEndpoint))
    func aMarkedMessageArrives(kind: ReceiverKind) async throws {
        let server = try HTTPFixture { _ in .answer(status: 200, body: Array("ok".utf8)) }
        defer { server.stop() }
        let outcome = try await run(kind, at: server.url("/services/T0/B0/s3cret-path"))
        #expect(outcome.delivered && outcome.httpStatus == 200 && outcome.reason == nil && outcome.remoteAddress == "127.0.0.1")
        #expect((outcome.totalMilliseconds ?? 0) > 0 && outcome.answer == "ok")
        let body = String(decoding: try #require(server.requests.first).body, as: UTF8.self)
        #expect(body.contains("Test") || body.contains("alert.test"), "\(body)")
        #expect(server.requests.count == (kind == .pagerduty ? 2 : 1))
    }

    @Test func pagerDutyIsLeftAsItWas() async throws {
        let server = try HTTPFixture { _ in .answer(status: 202) }
        defer { server.stop() }
        #expect(try await run(.pagerduty, at: server.url()).delivered)
        let events = try server.requests.map { try JSONValue(parsing: String(decoding: $0.body, as: UTF8.self)) }
        #expect(events.map { $0["event_action"]?.string } == ["trigger", "resolve"])
        #expect(Set(events.map { $0["dedup_key"]?.string }).count == 1)
        #expect(events.allSatisfy { $0["routing_key"] == .string("0123456789abcdef0123456789ABCDEF") })
        #expect(events.first?["payload"]?["severity"] == .string("info"))
    }

    @Test(
        arguments: [
            (HTTPFixture.Reply.answer(status: 404, body: Array("no_active_hooks".utf8)), "channel_gone", 404),
            (.answer(status: 500), "server_error", 500), (.hang, "timeout", nil), (.reset, "reset", nil),
        ] as [(HTTPFixture.Reply, String, Int?)])
    func aFailureHasItsReason(reply: HTTPFixture.Reply, reason: String, status: Int?) async throws {
        let server = try HTTPFixture { _ in reply }
        defer { server.stop() }
        let outcome = try await run(.slack, at: server.url())
        #expect(!outcome.delivered && outcome.reason == reason && outcome.httpStatus == status && outcome.advice != nil)
    }

    @Test func aPrivateAddressIsBlockedUnlessAllowed() async throws {
        let server = try HTTPFixture()
        defer { server.stop() }
        let outcome = try await run(.webhook, at: server.url(), isPrivate: false)
        #expect(outcome.reason == "blocked_address" && !outcome.delivered && server.requests.isEmpty)
    }

    @Test func nothingListens() async throws {
        let outcome = try await run(.teams, at: "http://127.0.0.1:\(try HTTPFixture.unusedPort())/")
        #expect(outcome.reason == "refused" && outcome.httpStatus == nil)
    }

    @Test func itHoldsNoSecretAndAllKeys() async throws {
        let server = try HTTPFixture { request in .answer(status: 400, body: Array("bad: \(request.target)".utf8)) }
        defer { server.stop() }
        let outcome = try await run(.webhook, at: server.url("/services/T0/s3cret-path"))
        let text = String(decoding: try MonitoringJSON.encode(outcome), as: UTF8.self)
        #expect(!text.contains("s3cret-path") && text.contains("[scrubbed]"))
        let json = try JSONValue(parsing: text)
        for key in [
            "receiver", "type", "delivered", "started_at", "http_status", "reason", "advice", "name_lookup_ms", "connect_ms", "tls_ms",
            "first_byte_ms", "total_ms", "remote_address", "answer", "template_failed",
        ] {
            #expect(json[key] != nil, "\(key)")
        }
        #expect(try MonitoringJSON.decode(ReceiverTestOutcome.self, from: text.utf8) == outcome)
    }

    @Test func theLogTakesEverything() async throws {
        let outcome = try await run(.log, at: "")
        #expect(outcome.delivered && outcome.httpStatus == nil && outcome.totalMilliseconds == nil)
        #expect(outcome.answer?.hasPrefix("Test message: nothing is wrong. HIGH: Fallback rate 31.2 %") == true)
    }

    @Test func anUnknownNameIsNamed() async throws {
        let transport = WebTransport()
        let test = ReceiverTest(configuration: try NotificationConfiguration(), transport: transport)
        await #expect(throws: NotificationConfigurationError(.invalidReceiver, "there is no receiver 'b'; there are log")) {
            try await test.run(receiver: "b")
        }
        await transport.close()
    }

    @Test(arguments: [
        ("https://d.example/w/1", "https://d.example/w/1?wait=true"),
        ("https://d.example/w/1?thread_id=2", "https://d.example/w/1?thread_id=2&wait=true"),
        ("https://d.example/w/1?wait=false&a=b", "https://d.example/w/1?a=b&wait=true"),
        ("https://d.example/w/1?wait=true", "https://d.example/w/1?wait=true"),
        ("https://d.example/w/1#x", "https://d.example/w/1?wait=true"),
    ])
    func discordIsWaitedFor(url: String, called: String) throws {
        let message = RenderedMessage(body: "{}", contentType: "application/json", isPlain: false)
        let request = WebRequest(
            delivering: message, id: UUID(), to: try Fixtures.receiver("r", .discord, url: url), at: Fixtures.now, timeout: .seconds(1))
        #expect(request.url == called)
    }

    @Test func duringARotationBothKeysSign() throws {
        let receiver = try Receiver(
            name: "r", kind: .webhook, url: Secret("https://h.example"),
            signingSecrets: [SigningSecret("0123456789abcdef0123"), SigningSecret("fedcba98765432100123")])
        let message = RenderedMessage(body: "{}", contentType: "application/json", isPlain: false)
        let request = WebRequest(delivering: message, id: UUID(), to: receiver, at: Fixtures.now, timeout: .seconds(1))
        #expect(request.headers.first { $0.name == "webhook-signature" }?.value.split(separator: " ").count == 2)
    }
}
