import Foundation
import Logging
import Monitoring
import Postgres
import TestSupport
import Testing

@testable import Notifications

/// A webhook's body holds alert and step as the database wrote them: it must say what the body says that is made of what was read.
@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint)) struct RelayedDocumentTests {
    private static let hostile = "a\"b\\c\u{1}\n\u{2028}</script>\u{1F525} é {}"

    private func claim(_ fixture: OutboxFixture) async throws -> ClaimedMessage {
        let receiver = try fixture.receiver("hook", at: "https://example.com/x")
        let router = TransitionRouter(
            client: fixture.client, configuration: try fixture.configuration([receiver]), logger: Logger(label: "test"))
        while try await !router.routeBatch().routed.isEmpty {}
        let outbox = Outbox(client: fixture.client, process: "a", settings: OutboxFixture.fast)
        try await outbox.beat()
        try await outbox.register(receiver)
        let claim = try await outbox.claim(UUID(), receiver: receiver, limit: 10) { _ in
            RenderedMessage(body: "{}", contentType: "application/json", isPlain: false)
        }
        return try #require(claim.messages.first)
    }

    private func bodies(_ message: ClaimedMessage) throws -> (relayed: JSONValue?, made: JSONValue) {
        let lead = message.lead
        let links = MessageLinks(acknowledge: "https://m.example/a/A", open: "https://m.example/a/O", runbook: "https://r/\"ü\"")
        let relayed = try WebhookFormat.body(relaying: lead, links: links, environment: Self.hostile, moment: Fixtures.now)
        let made = try WebhookFormat.body(
            AlertMessage(
                id: message.id, alert: try lead.alert.alert(), transition: try lead.transition?.transition(), moment: Fixtures.now,
                environment: Self.hostile, links: links, cause: lead.cause))
        return (try relayed.map { try JSONValue(parsing: $0) }, try JSONValue(parsing: String(decoding: made, as: UTF8.self)))
    }

    @Test func everyFieldAndEveryTextComesThroughAsIfItHadBeenRead() async throws {
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            let id = try await fixture.open(Self.hostile)
            try await database.client.query(
                """
                UPDATE monitoring_alerts
                SET affected_backend = $2::text, affected_agent = $2::text, affected_version = $2::text, summary = $2::text,
                    slice_dimension = 'model', slice_value = $2::text, related_events = ARRAY[$2::text, 'e2'], metric_hour = 23,
                    threshold_low = 1.50, threshold_medium = 'NaN', threshold_high = 'Infinity', comparison_window_days = 7,
                    baseline_value = 0.1234567890123456789, current_value = 12345678901234567890,
                    context_data = jsonb_build_object($2::text, jsonb_build_array($2::text, 0.50, 1e-9, null, true, 9007199254740993)),
                    acknowledged_at = '2026-02-21T10:00:02.431999Z', snoozed_until = '2026-02-21T10:00:02Z', acknowledged_by = $2::text,
                    notification_channels = ARRAY[$2::text], notified = true, notified_at = '1999-12-31T23:59:59.9996Z'
                WHERE id = $1::uuid
                """, [.uuid(id), .text(Self.hostile)])
            try await database.client.query(
                """
                UPDATE monitoring_alert_transitions
                SET note = $2::text, actor = $2::text, credential = 'link', evidence = jsonb_build_object($2::text, 1)
                WHERE alert_id = $1::uuid
                """, [.uuid(id), .text(Self.hostile)])
            let message = try await claim(fixture)
            let (relayed, made) = try bodies(message)
            #expect(relayed == made)
            let alert = try #require(relayed?["data"]?["alert"])
            #expect(
                alert["affected_model"]?.string == Self.hostile && alert["threshold_medium"] == .null && alert["threshold_high"] == .null)
            #expect(alert["acknowledged_at"]?.string == "2026-02-21T10:00:02.432Z" && alert["threshold_low"] == .number(1.5))
            #expect(alert["notified_at"]?.string == "2000-01-01T00:00:00Z")
            #expect(relayed?["type"]?.string == "alert.opened" && relayed?["data"]?["environment"]?.string == Self.hostile)
        }
    }

    @Test func whatHasNoRoomIsNotPassedOnWhole() async throws {
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            let id = try await fixture.open()
            try await database.client.query(
                "UPDATE monitoring_alerts SET context_data = jsonb_build_object('text', repeat('x', 20000)) WHERE id = $1::uuid",
                [.uuid(id)])
            let (relayed, made) = try bodies(try await claim(fixture))
            #expect(relayed == nil && made["data"]?["alert"]?["context_data"]?["truncated"] == .bool(true))
        }
    }
}
