import Foundation
import Monitoring
import Postgres
import TestSupport
import Testing
import WebTransport

@testable import Notifications

@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint)) struct FallbackTests {
    private static func configuration(
        _ fixture: OutboxFixture, _ server: HTTPFixture, routes: [Route]? = nil
    ) throws -> NotificationConfiguration {
        try NotificationConfiguration(
            receivers: [
                try fixture.receiver("gone", at: server.url("/gone")), try fixture.receiver("refuses", at: server.url("/refuses")),
                try fixture.receiver("last", at: server.url("/last")),
            ], defaultReceivers: ["gone", "refuses"], fallbackReceiver: "last", delivery: OutboxFixture.fast)
    }

    /// One is gone for good (410), one takes no such message (400): the fallback receiver hears of the step once.
    @Test func whatIsDeadOrWaitsForADisabledReceiverIsToldOnce() async throws {
        let server = try HTTPFixture { request in
            .answer(status: request.target == "/gone" ? 410 : request.target == "/refuses" ? 400 : 200)
        }
        defer { server.stop() }
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            let alert = try await fixture.open()
            let configuration = try Self.configuration(fixture, server)
            try await fixture.withDispatcher(configuration) {
                try await eventually("the fallback receiver is told", timeout: .seconds(20)) {
                    server.requests.contains { $0.target == "/last" }
                }
                try await eventually("all is looked at", timeout: .seconds(20)) {
                    try await database.client.query(
                        """
                        SELECT count(*) AS count FROM monitoring_notifications
                        WHERE receiver <> 'last' AND fallback_at IS NULL AND status IN ('dead', 'pending')
                        """)[0].decode("count", as: Int.self) == 0
                }
                try await fixture.step(alert, .resolved, status: .resolved)
                try await eventually("and of the end", timeout: .seconds(20)) {
                    server.requests.count { $0.target == "/last" } == 2
                }
            }
            let told = server.requests.filter { $0.target == "/last" }.map { String(decoding: $0.body, as: UTF8.self) }
            #expect(told.count == 2)
            #expect(told[0].contains(#""type":"alert.opened""#))
        }
    }

    @Test func whatItWasToldAnywayIsNotToldAgain() async throws {
        try await withTestDatabase(schema: true) { database in
            let alert = try await OutboxFixture(client: database.client).open()
            try await database.client.query(
                """
                INSERT INTO monitoring_notifications (alert_id, receiver, cause, sequence, transition, severity, status, due_at)
                VALUES ($1::uuid, 'a', 'transition', 1, 'opened', 'high', 'dead', now()),
                       ($1::uuid, 'last', 'transition', 1, 'opened', 'high', 'delivered', now())
                """, [.uuid(alert)])
            let outbox = Outbox(client: database.client, process: "p", settings: OutboxFixture.fast)
            #expect(try await outbox.outlook(receivers: ["a"], fallback: "last", notice: nil).hasUndelivered)
            #expect(try await outbox.tellFallback("last") == 0)
            #expect(try await !outbox.outlook(receivers: ["a"], fallback: "last", notice: nil).hasUndelivered)
        }
    }

    /// Nobody should learn a day later that the host of the only chat was down by night.
    @Test func whatWaitsForAReceiverThatFailsIsToldAfterAQuarterOfAnHour() async throws {
        try await withTestDatabase(schema: true) { database in
            let alert = try await OutboxFixture(client: database.client).open()
            let outbox = Outbox(client: database.client, process: "p", settings: OutboxFixture.fast)
            try await database.client.query("INSERT INTO monitoring_receivers (receiver, endpoint) VALUES ('a', 'x')")
            try await database.client.query(
                """
                INSERT INTO monitoring_notifications (alert_id, receiver, cause, sequence, transition, severity, status, due_at, created_at)
                VALUES ($1::uuid, 'a', 'transition', 1, 'opened', 'high', 'pending', now() + interval '1 minute', now() - interval '14 minutes')
                """, [.uuid(alert)])
            for (change, count) in [
                ("UPDATE monitoring_receivers SET openings = 1", 0),
                ("UPDATE monitoring_notifications SET created_at = now() - interval '16 minutes'", 1),
                ("UPDATE monitoring_receivers SET updated_at = now()", 0),
            ] {
                try await database.client.query(change)
                #expect(try await outbox.outlook(receivers: ["a"], fallback: "last", notice: nil).hasUndelivered == (count > 0))
                #expect(try await outbox.tellFallback("last") == count, "\(change)")
            }
        }
    }

    /// Five repeats are no fifth step.
    @Test func repeatsThatItWasToldAreNoSteps() async throws {
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            let alert = try await fixture.open()
            try await fixture.step(alert, .escalated, to: .critical)
            try await database.client.query(
                """
                INSERT INTO monitoring_notifications (alert_id, receiver, cause, sequence, transition, severity, status, due_at)
                VALUES ($1::uuid, 'a', 'transition', 2, 'escalated', 'critical', 'dead', now()),
                       ($1::uuid, 'last', 'transition', 1, 'opened', 'high', 'delivered', now()),
                       ($1::uuid, 'last', 'repeat', 5, NULL, 'high', 'delivered', now())
                """, [.uuid(alert)])
            #expect(try await Outbox(client: database.client, process: "p", settings: OutboxFixture.fast).tellFallback("last") == 1)
        }
    }

    @Test func anUndefinedFallbackReceiverIsRefused() throws {
        #expect(throws: NotificationConfigurationError.self) { try NotificationConfiguration(fallbackReceiver: "nobody") }
    }
}
