import Foundation
import Logging
import Monitoring
import Postgres
import TestSupport
import Testing

@testable import Notifications

/// What a snooze or a silence kept from being told, at its end.
@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint)) struct EndsTests {
    private func router(_ fixture: OutboxFixture) throws -> TransitionRouter {
        TransitionRouter(
            client: fixture.client, configuration: try fixture.configuration([fixture.receiver(at: "https://example.com/x")]),
            logger: Logger(label: "test"))
    }

    private func route(_ router: TransitionRouter) async throws {
        while try await !router.routeBatch().routed.isEmpty {}
        _ = try await router.routeEnds()
    }

    private func silence(_ matcher: String, _ client: PostgresClient) async throws {
        try await client.query(
            """
            INSERT INTO monitoring_silences (matchers, starts_at, ends_at, created_by)
            VALUES (ARRAY[$1::text], now(), now() + interval '1 hour', 'x')
            """, [.text(matcher)])
    }

    private func endSilences(_ client: PostgresClient) async throws {
        try await client.query("UPDATE monitoring_silences SET starts_at = now() - interval '2 s', ends_at = now() - interval '1 s'")
    }

    private func snooze(_ id: UUID, _ span: String, _ client: PostgresClient) async throws {
        try await client.query(
            "UPDATE monitoring_alerts SET snoozed_until = now() + $2::text::interval WHERE id = $1::uuid", [.uuid(id), .text(span)])
    }

    private func told(_ id: UUID, _ fixture: OutboxFixture) async throws -> [String] {
        try await fixture.notifications(id).map { "\($0.cause)/\($0.transition ?? "-")/\($0.severity.rawValue)/\($0.sequence)" }
    }

    private func withheld(_ client: PostgresClient) async throws -> Int {
        try await client.query("SELECT FROM monitoring_alert_transitions WHERE withheld IS NOT NULL").count
    }

    /// A claim lasts longer than the first look.
    @Test func aSilenceHoldsBackWhatWasClaimedWhenItBegan() async throws {
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            let router = try router(fixture)
            let quiet = try await fixture.open("quiet")
            try await route(router)
            try await silence("model=quiet", database.client)
            try await database.client.query("UPDATE monitoring_notifications SET status = 'sending'")
            #expect(try await router.applySilences() == 0)
            try await database.client.query(
                """
                UPDATE monitoring_silences
                SET starts_at = now() - interval '31 s', created_at = now() - interval '31 s', applied_at = now() - interval '11 s'
                """)
            try await database.client.query("UPDATE monitoring_notifications SET status = 'pending'")
            #expect(try await router.applySilences() == 1)
            #expect(try await fixture.notifications(quiet).first?.status == .dropped)
        }
    }

    @Test func aSilenceHoldsBackWhatWaitsAlreadyAndItsEndTellsIt() async throws {
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            let router = try router(fixture)
            let quiet = try await fixture.open("quiet")
            let loud = try await fixture.open("loud")
            try await route(router)
            try await silence("model=quiet", database.client)
            #expect(try await router.applySilences() == 1)
            // Twice, for what was being routed; and no more when its first seconds are over.
            #expect(try await router.applySilences() == 0)
            let statuses: [NotificationRecord.Status] = [
                try #require(try await fixture.notifications(quiet).first).status,
                try #require(try await fixture.notifications(loud).first).status,
            ]
            #expect(statuses == [.dropped, .pending])
            try await route(router)
            #expect(try await fixture.notifications(quiet).count == 1)
            try await endSilences(database.client)
            try await route(router)
            #expect(try await told(quiet, fixture) == ["transition/opened/high/1", "silence_ended/-/high/1"])
            #expect(try await told(loud, fixture) == ["transition/opened/high/1"])
        }
    }

    /// Whoever was told of the beginning is told of the end: an incident that it opened elsewhere stays open else.
    @Test func anEndIsToldUnderASilenceToThoseWhoKnow() async throws {
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            let router = try router(fixture)
            let known = try await fixture.open("quiet")
            try await route(router)
            try await silence("model=quiet", database.client)
            _ = try await router.applySilences()
            // The one is told before the silence, the other falls into it.
            try await database.client.query("UPDATE monitoring_notifications SET status = 'delivered', last_error = NULL")
            let unknown = try await fixture.open("quiet")
            try await route(router)
            for id in [known, unknown] { try await fixture.step(id, .resolved, status: .resolved) }
            try await route(router)
            // A silence that begins while the end waits to be told keeps it back neither.
            try await silence("model=quiet", database.client)
            _ = try await router.applySilences()
            #expect(try await told(known, fixture) == ["transition/opened/high/1", "transition/resolved/high/2"])
            #expect(try await fixture.notifications(known).map(\.status) == [.delivered, .pending])
            #expect(try await told(unknown, fixture) == [])
            try await endSilences(database.client)
            try await route(router)
            #expect(try await told(known, fixture).count == 2)
            #expect(try await told(unknown, fixture) == [])
        }
    }

    @Test func aDispatcherHearsOfASilenceWhileAGroupWaits() async throws {
        let server = try HTTPFixture()
        try await withTestDatabase(schema: true, poolSize: 8) { database in
            let fixture = OutboxFixture(client: database.client)
            let route = Route(
                matchers: [], receivers: ["hook"], grouping: try Grouping(by: ["alert_type"], wait: .seconds(600), interval: .seconds(600)))
            let configuration = try NotificationConfiguration(
                receivers: [fixture.receiver(at: server.url("/x"))], routes: [route], delivery: OutboxFixture.fast)
            try await fixture.withDispatcher(configuration) {
                let id = try await fixture.open("quiet")
                _ = try await fixture.settled(id, [.pending])
                _ = try await SilenceRepository(client: database.client).create(
                    matchers: ["model=quiet"], from: Date(timeIntervalSinceNow: -1), until: Date(timeIntervalSinceNow: 3600), by: "Ana",
                    comment: "", now: Date())
                let notification = try #require(try await fixture.settled(id, [.dropped]).first)
                #expect(notification.lastError == "silenced")
            }
        }
        #expect(server.requests.isEmpty)
    }

    @Test func theEndOfASnoozeIsToldOnceByAnyNumberOfRouters() async throws {
        try await withTestDatabase(schema: true, poolSize: 8) { database in
            let fixture = OutboxFixture(client: database.client)
            let router = try router(fixture)
            let id = try await fixture.open()
            try await snooze(id, "1 h", database.client)
            try await fixture.step(id, .snoozed)
            try await route(router)
            // Told and then snoozed, or snoozed before it could be told: either way it is quiet until the end.
            #expect(try await told(id, fixture).isEmpty)
            try await snooze(id, "-1 s", database.client)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<4 { group.addTask { try await route(router) } }
                try await group.waitForAll()
            }
            try await route(router)
            #expect(try await told(id, fixture) == ["snooze_ended/-/high/2"])
            #expect(try await withheld(database.client) == 0)
            try await fixture.step(id, .resolved, status: .resolved)
            try await route(router)
            #expect(try await told(id, fixture) == ["snooze_ended/-/high/2", "transition/resolved/high/3"])
        }
    }

    @Test func whatWaitsWhenASnoozeBeginsIsQuietToo() async throws {
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            let router = try router(fixture)
            let id = try await fixture.open()
            try await route(router)
            try await snooze(id, "1 h", database.client)
            try await fixture.step(id, .snoozed)
            try await route(router)
            let held = try await fixture.notifications(id)
            #expect(held.map(\.status) == [.dropped] && held.map(\.lastError) == ["snoozed"])
            try await snooze(id, "-1 s", database.client)
            try await route(router)
            #expect(try await told(id, fixture) == ["transition/opened/high/1", "snooze_ended/-/high/2"])
        }
    }

    @Test func theEndOfASnoozeIsToldThoughTheOpeningWas() async throws {
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            let router = try router(fixture)
            let id = try await fixture.open()
            try await route(router)
            try await snooze(id, "1 h", database.client)
            try await fixture.step(id, .snoozed)
            try await fixture.step(id, .escalated, to: .critical)
            try await route(router)
            try await snooze(id, "-1 s", database.client)
            try await route(router)
            #expect(try await told(id, fixture) == ["transition/opened/high/1", "snooze_ended/-/critical/3"])
        }
    }

    @Test func whatASilenceHeldBackIsOneMessageAtItsEnd() async throws {
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            let router = try router(fixture)
            try await silence("model=gpt-4o", database.client)
            let (id, other) = (try await fixture.open(), try await fixture.open("other"))
            try await fixture.step(id, .escalated, to: .critical)
            try await route(router)
            #expect(try await told(id, fixture).isEmpty)
            #expect(try await told(other, fixture) == ["transition/opened/high/1"])
            // As long as another silence covers it, it is not over.
            try await endSilences(database.client)
            try await silence("severity>=high", database.client)
            try await route(router)
            #expect(try await told(id, fixture).isEmpty)
            try await endSilences(database.client)
            try await route(router)
            try await route(router)
            #expect(try await told(id, fixture) == ["silence_ended/-/critical/2"])
            #expect(try await told(other, fixture).count == 1)
        }
    }

    @Test func anEndIsNotToldToWhomALaterStepWasTold() async throws {
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            let router = try router(fixture)
            try await silence("severity=high", database.client)
            let id = try await fixture.open()
            try await route(router)
            try await fixture.step(id, .escalated, to: .critical)
            try await route(router)
            try await endSilences(database.client)
            try await route(router)
            #expect(try await told(id, fixture) == ["transition/escalated/critical/2"])
            #expect(try await withheld(database.client) == 0)
        }
    }

    @Test(arguments: [AlertTransition.Kind.resolved, .acknowledged, .ignored])
    func whatIsOverOrInHandByThenIsNotTold(kind: AlertTransition.Kind) async throws {
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            let router = try router(fixture)
            try await silence("model=gpt-4o", database.client)
            let id = try await fixture.open()
            try await route(router)
            try await fixture.step(id, kind, status: try #require(AlertStatus(rawValue: kind.rawValue)))
            try await endSilences(database.client)
            try await route(router)
            #expect(try await told(id, fixture).isEmpty)
            #expect(try await withheld(database.client) == 0)
        }
    }

    @Test func anEscalationOfWhatIsInHandIsToldAtTheEnd() async throws {
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            let router = try router(fixture)
            let id = try await fixture.open()
            try await route(router)
            try await fixture.step(id, .acknowledged, status: .acknowledged)
            try await silence("model=gpt-4o", database.client)
            try await fixture.step(id, .escalated, status: .acknowledged, to: .critical)
            try await route(router)
            try await endSilences(database.client)
            try await route(router)
            #expect(try await told(id, fixture) == ["transition/opened/high/1", "silence_ended/-/critical/3"])
        }
    }

    @Test func theMessageSaysWhatItIsAndItsLinksAreFresh() async throws {
        let server = try HTTPFixture { _ in .answer(status: 200) }
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            let receivers = [try fixture.receiver(at: server.url("/hook")), try fixture.receiver("chat", .slack, at: server.url("/chat"))]
            try await silence("model=gpt-4o", database.client)
            let id = try await fixture.open()
            // Longer ago than a link lives.
            try await database.client.query("UPDATE monitoring_alert_transitions SET occurred_at = now() - interval '30 days'")
            try await fixture.withDispatcher(fixture.configuration(receivers)) {
                try await eventually("it is held back") { try await withheld(database.client) == 1 }
                try await endSilences(database.client)
                _ = try await fixture.settled(id, [.delivered, .delivered])
            }
        }
        let hook = try JSONValue(
            parsing: String(decoding: try #require(server.requests.first { $0.target == "/hook" }).body, as: UTF8.self))
        #expect(hook["type"] == .string("alert.silence_ended"))
        let link = try #require(hook["data"]?["links"]?["open"]?.string)
        let token = try #require(link.split(separator: "/").last.map(String.init))
        let key = LinkKey(id: "k", secret: Array(repeating: 1, count: 32))
        #expect(try LinkSigner(keys: [key]).verify(token, at: Date()).action == .open)
        let chat = try JSONValue(
            parsing: String(decoding: try #require(server.requests.first { $0.target == "/chat" }).body, as: UTF8.self))
        #expect(
            chat["text"] == .string("HIGH: Still open after a silence: Fallback rate 31.2 %, 7.8× the expected 4.0 % on gpt-4o in test"))
    }
}
