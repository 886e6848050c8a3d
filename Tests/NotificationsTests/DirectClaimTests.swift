import Foundation
import Logging
import Monitoring
import Postgres
import TestSupport
import Testing

@testable import Notifications

@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint)) struct DirectClaimTests {
    private static let plenty = HoldLimit.Share(messages: 100, bytes: 1 << 20)
    private let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    private func direct(
        _ fixture: OutboxFixture, _ receivers: [Receiver], process: String = "p", room: Int = 100, share: HoldLimit.Share = plenty
    ) async throws -> DirectClaim {
        let outbox = Outbox(client: fixture.client, process: process, settings: OutboxFixture.fast)
        try await outbox.beat()
        for receiver in receivers { try await outbox.register(receiver) }
        let composer = MessageComposer(
            configuration: try fixture.configuration(receivers), signer: LinkSigner(keys: [fixture.key]),
            history: MetricHistory(client: fixture.client, logger: logger), logger: logger)
        return DirectClaim(
            outbox: outbox, composer: composer, offers: Dictionary(uniqueKeysWithValues: receivers.map { ($0.name, ($0, room)) }),
            share: share)
    }

    private func router(_ fixture: OutboxFixture, _ configuration: NotificationConfiguration) -> TransitionRouter {
        TransitionRouter(client: fixture.client, configuration: configuration, logger: logger)
    }

    private func hook(_ fixture: OutboxFixture, _ name: String = "hook", at url: String = "https://example.com/x") throws -> Receiver {
        try fixture.receiver(name, at: url, rateLimit: nil)
    }

    @Test func theOnlyStepIsClaimedAsItIsRouted() async throws {
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            let receivers = [try hook(fixture), try hook(fixture, "other")]
            let direct = try await direct(fixture, receivers)
            let ids = [try await fixture.open(), try await fixture.open()]
            let batch = try await router(fixture, fixture.configuration(receivers)).routeBatch(direct: direct)
            #expect(batch.receivers.isEmpty)
            #expect(Set(batch.claimed.keys) == ["hook", "other"])
            for receiver in receivers {
                let messages = try #require(batch.claimed[receiver.name])
                #expect(messages.map(\.lead.alert.id) == ids)
                #expect(messages.allSatisfy { $0.claimID == direct.id && $0.rendered?.body.isEmpty == false && $0.held?.messages == 1 })
            }
            for id in ids {
                let records = try await fixture.notifications(id)
                #expect(records.map(\.status) == [.sending, .sending] && records.map(\.attempts) == [1, 1])
                #expect(Set(records.map(\.id)) == Set(batch.claimed.values.joined().filter { $0.lead.alert.id == id }.map(\.id)))
            }
            // What is kept is what is sent, and the severity is the step's.
            let message = try #require(batch.claimed["hook"]?.first)
            let row = try await database.client.query(
                "SELECT body, severity, message_id, claimed_by FROM monitoring_notifications WHERE id = $1::uuid", [.uuid(message.id)])[0]
            #expect(try row.decode("body") == message.rendered?.body)
            #expect(try row.decode("severity") == "high")
            #expect(try row.decode("message_id") == message.id)
            #expect(try row.decode("claimed_by") == "p")
            // Recorded as any other.
            #expect(
                try await direct.outbox.record([AttemptResult(message, action: .deliver, startedAt: Date())], receiver: "hook") == 1)
            #expect(try await fixture.isNotified(message.lead.alert.id) == ["hook"])
        }
    }

    @Test func itIsSentWhileItsLaneWaitsForTheDatabase() async throws {
        let server = try HTTPFixture { _ in .answer(status: 200) }
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            try await fixture.withDispatcher(fixture.configuration([hook(fixture, at: server.url())])) {
                let first = try await fixture.open()
                _ = try await fixture.settled(first, [.delivered])
                try await database.client.transaction { connection in
                    try await connection.query("SELECT FROM monitoring_receivers FOR UPDATE")
                    try await database.client.query(
                        "UPDATE monitoring_notifications SET status = 'pending', due_at = now(), delivered_at = NULL")
                    try await eventually("the lane waits", timeout: .seconds(30)) {
                        let waiting = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
                        return try await !database.client.query(waiting).isEmpty
                    }
                    // What waits for longer goes before what is new.
                    try await database.client.query("UPDATE monitoring_notifications SET due_at = now() + interval '1 hour'")
                    _ = try await fixture.open("other")
                    try await eventually("the second is sent", timeout: .seconds(30)) { server.requests.count == 2 }
                }
            }
        }
    }

    /// Why it goes through the outbox.
    enum Reason: CaseIterable { case anotherStep, grouped, noRoom, noMessages, noBytes, noOffer, paused, disabled, tried, waiting }

    @Test(arguments: Reason.allCases) func whatCannotBeToldAtOnceWaits(reason: Reason) async throws {
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            let receiver = try hook(fixture)
            var direct = try await direct(
                fixture, [receiver], room: reason == .noRoom ? 0 : 100,
                share: HoldLimit.Share(messages: reason == .noMessages ? 0 : 100, bytes: reason == .noBytes ? 100 : 1 << 20))
            if reason == .noOffer { direct.offers = [:] }
            let configuration =
                reason == .grouped
                ? try NotificationConfiguration(
                    receivers: [receiver],
                    routes: [
                        Route(
                            matchers: [], receivers: ["hook"], grouping: try Grouping(by: ["model"], wait: .zero, interval: .zero))
                    ], delivery: OutboxFixture.fast)
                : try fixture.configuration([receiver])
            let known: String? =
                switch reason {
                case .paused: "paused_until = now() + interval '1 minute'"
                case .disabled: "disabled_at = now()"
                case .tried: "openings = 1"
                default: nil
                }
            if let known { try await database.client.query("UPDATE monitoring_receivers SET \(known)") }
            if reason == .waiting {
                let before = try await fixture.open()
                _ = try await router(fixture, configuration).routeBatch()
                try await database.client.query(
                    "UPDATE monitoring_notifications SET due_at = now() - interval '3 seconds' WHERE alert_id = $1::uuid", [.uuid(before)])
            }
            let id = try await fixture.open()
            if reason == .anotherStep { try await fixture.step(id, .escalated, to: .critical) }
            let batch = try await router(fixture, configuration).routeBatch(direct: direct)
            #expect(batch.claimed.isEmpty)
            #expect(batch.receivers == ["hook"])
            #expect(try await fixture.notifications(id).map(\.status) == [.pending])
        }
    }

    @Test func onlyWhatThereIsRoomForIsTaken() async throws {
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            let receiver = try hook(fixture)
            for _ in 0..<5 { _ = try await fixture.open() }
            let direct = try await direct(fixture, [receiver], room: 3)
            let batch = try await router(fixture, fixture.configuration([receiver])).routeBatch(direct: direct)
            #expect(batch.claimed["hook"]?.count == 3 && batch.receivers == ["hook"] && batch.routed.count == 5)
            let rows = try await database.client.query("SELECT status, count(*) FROM monitoring_notifications GROUP BY 1 ORDER BY 1")
            #expect(try rows.map { try $0.decode("status") as String } == ["pending", "sending"])
            #expect(try rows.map { try $0.decode("count") as Int } == [2, 3])
        }
    }

    @Test func aBurstIsDeliveredOnceAndInOrder() async throws {
        let server = try HTTPFixture { _ in .answer(status: 200) }
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            let receiver = try hook(fixture, at: server.url())
            try await fixture.withDispatcher(fixture.configuration([receiver])) {
                // The first is delivered before the burst: its lane is there then.
                _ = try await fixture.settled(fixture.open(), [.delivered])
                var ids: [UUID] = []
                for _ in 0..<60 { ids.append(try await fixture.open()) }
                for id in ids { try await fixture.step(id, .resolved, status: .resolved) }
                for id in ids {
                    let records = try await fixture.settled(id, [.delivered, .delivered])
                    #expect(records.map(\.attempts) == [1, 1])
                }
            }
        }
        let told = try server.requests.map { request in
            let body = try JSONValue(parsing: String(decoding: request.body, as: UTF8.self))
            return (alert: body["data"]?["alert"]?["id"], type: body["type"])
        }
        #expect(told.count == 121)
        let steps = Dictionary(grouping: told) { "\(String(describing: $0.alert))" }.mapValues { $0.map(\.type) }
        #expect(steps.values.filter { $0 == [.string("alert.opened"), .string("alert.resolved")] }.count == 60)
    }

    @Test func whatADeadProcessClaimedComesBackAsItWas() async throws {
        let server = try HTTPFixture { _ in .answer(status: 200) }
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            let receiver = try hook(fixture, at: server.url())
            let configuration = try fixture.configuration([receiver])
            let id = try await fixture.open()
            let direct = try await direct(fixture, [receiver], process: "dead/1")
            let message = try #require(
                try await router(fixture, configuration).routeBatch(direct: direct).claimed["hook"]?.first)
            try await fixture.fellSilent("dead/1")
            try await fixture.withDispatcher(configuration) {
                let records = try await fixture.settled(id, [.delivered])
                #expect(records.map(\.id) == [message.id] && records.map(\.attempts) == [2])
            }
            #expect(server.requests.map { String(decoding: $0.body, as: UTF8.self) } == [message.rendered?.body])
        }
    }

    @Test func anotherProcessThatToldItFirstIsNotToldAgain() async throws {
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            let receiver = try hook(fixture)
            let id = try await fixture.open()
            try await database.client.query(
                """
                INSERT INTO monitoring_notifications (alert_id, receiver, cause, sequence, transition, severity, due_at)
                VALUES ($1::uuid, 'hook', 'transition', 1, 'opened', 'high', now())
                """, [.uuid(id)])
            let batch = try await router(fixture, fixture.configuration([receiver])).routeBatch(
                direct: direct(fixture, [receiver]))
            #expect(batch.claimed.isEmpty && batch.routed == [id])
            #expect(try await fixture.notifications(id).map(\.status) == [.pending])
        }
    }

    @Test func theLimitIsSharedAndComesBack() {
        let limit = HoldLimit(HoldLimit.Share(messages: 10, bytes: 100))
        let first = limit.acquire(atMost: HoldLimit.Share(messages: 8, bytes: 30))
        let second = limit.acquire(atMost: HoldLimit.Share(messages: 8, bytes: 80))
        #expect(first == HoldLimit.Share(messages: 8, bytes: 30) && second == HoldLimit.Share(messages: 2, bytes: 70))
        #expect(limit.acquire(atMost: first) == HoldLimit.Share(messages: 0, bytes: 0))
        limit.release(first)
        limit.release(second)
        #expect(limit.acquire(atMost: HoldLimit.Share(messages: 99, bytes: 999)) == HoldLimit.Share(messages: 10, bytes: 100))
    }
}
