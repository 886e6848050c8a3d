import Foundation
import Monitoring
import Testing

@testable import Notifications

@Suite struct WebhookFormatTests {
    @Test func theVectorOfStandardWebhooks() throws {
        let headers = StandardWebhooks.headers(
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp: Date(timeIntervalSince1970: 1_614_265_330),
            body: Array(#"{"test": 2432232314}"#.utf8), secrets: [try SigningSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")])
        #expect(
            headers.map { "\($0.name): \($0.value)" } == [
                "webhook-id: msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp: 1614265330",
                "webhook-signature: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            ])
    }

    @Test func aRotationSignsWithBothKeys() throws {
        let secrets = [try SigningSecret("0123456789abcdef0123"), try SigningSecret("fedcba98765432100123")]
        let headers = StandardWebhooks.headers(id: "m", timestamp: Fixtures.now, body: [], secrets: secrets)
        #expect(headers.last?.value.split(separator: " ").count == 2)
        #expect(
            StandardWebhooks.headers(id: "m", timestamp: Fixtures.now, body: [], secrets: []).map(\.name) == [
                "webhook-id", "webhook-timestamp",
            ])
    }

    @Test(arguments: ["short", "whsec_AAAA", "whsec_not base64!", "whsec_" + String(repeating: "A", count: 120)])
    func refusesSecrets(text: String) {
        #expect(throws: NotificationConfigurationError.self) { try SigningSecret(text) }
    }

    @Test func theBodyHoldsTheAlertAndTheStep() throws {
        let message = try Fixtures.message(try Fixtures.transition(.escalated, sequence: 2, from: .high))
        let body = try JSONValue(parsing: String(decoding: WebhookFormat.body(message), as: UTF8.self))
        let alert = try JSONValue(parsing: String(decoding: MonitoringJSON.encode(message.alert), as: UTF8.self))
        let transition = try JSONValue(parsing: String(decoding: MonitoringJSON.encode(message.transition), as: UTF8.self))
        #expect(
            body
                == .object([
                    "type": .string("alert.escalated"), "timestamp": .string("2026-02-21T02:14:00Z"),
                    "data": .object([
                        "alert": alert, "transition": transition, "environment": .string("production"),
                        "links": .object([
                            "acknowledge": .string("https://m.example/a/ACK"), "resolve": .string("https://m.example/a/RES"),
                            "open": .string("https://m.example/a/OPEN"),
                        ]),
                    ]),
                ]))
    }

    @Test func muchEvidenceIsLeftOut() throws {
        let evidence = JSONValue.object(["slices": .array(Array(repeating: .string(String(repeating: "x", count: 100)), count: 1000))])
        var transition = try Fixtures.transition()
        transition.evidence = evidence
        let bytes = try WebhookFormat.body(Fixtures.message(transition) { $0.contextData = evidence })
        #expect(bytes.count < 20_000)
        #expect(
            try JSONValue(parsing: String(decoding: bytes, as: UTF8.self))["data"]?["alert"]?["context_data"]?["truncated"] == .bool(true))
    }
}
