import Foundation
import Logging
import Monitoring
import Postgres
import TestSupport
import Testing

@testable import Notifications

/// Several alerts in one message.
@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint)) struct GroupingTests {
    private func configuration(
        _ fixture: OutboxFixture, _ kind: ReceiverKind = .slack, url: String = "https://example.com/x", wait: Duration = .milliseconds(300),
        interval: Duration = .seconds(300)
    ) throws -> NotificationConfiguration {
        let route = Route(
            matchers: [], receivers: ["chat"], grouping: try Grouping(by: ["alert_type"], wait: wait, interval: interval))
        return try NotificationConfiguration(
            receivers: [fixture.receiver("chat", kind, at: url)], routes: [route], delivery: OutboxFixture.fast)
    }

    private func route(_ fixture: OutboxFixture, _ configuration: NotificationConfiguration) async throws {
        let router = TransitionRouter(client: fixture.client, configuration: configuration, logger: Logger(label: "test"))
        while try await !router.routeBatch().routed.isEmpty {}
    }

    private func makeDue(_ client: PostgresClient) async throws {
        try await client.query("UPDATE monitoring_notifications SET due_at = now() WHERE status = 'pending'")
    }

    /// - Parameter rules: By which it is looked at whether what waits is still to be told; nil: it is not looked at.
    private func claim(
        _ client: PostgresClient, _ configuration: NotificationConfiguration, by rules: NotificationConfiguration? = nil
    ) async throws -> [ClaimedMessage] {
        let outbox = Outbox(client: client, process: "a", settings: OutboxFixture.fast)
        let receiver = try #require(configuration.receivers["chat"])
        try await outbox.beat()
        try await outbox.register(receiver)
        let router = rules.map { TransitionRouter(client: client, configuration: $0, logger: Logger(label: "test")) }
        return try await outbox.claim(UUID(), receiver: receiver, limit: 10, router: router) { message in
            RenderedMessage(body: "\(message.members.count)", contentType: "text/plain", isPlain: false)
        }.messages
    }

    private func record(_ messages: [ClaimedMessage], _ action: DeliveryMachine.Action, _ client: PostgresClient) async throws {
        let outbox = Outbox(client: client, process: "a", settings: OutboxFixture.fast)
        try await outbox.record(messages.map { AttemptResult($0, action: action, startedAt: Date()) }, receiver: "chat")
    }

    @Test func fortyAlertsAreOneMessage() async throws {
        let server = try HTTPFixture { _ in .answer(status: 200) }
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            var ids: [UUID] = []
            for number in 0..<40 { ids.append(try await fixture.open("m\(number)", severity: number == 17 ? .critical : .high)) }
            try await fixture.withDispatcher(configuration(fixture, url: server.url())) { [ids] in
                for id in ids { _ = try await fixture.settled(id, [.delivered]) }
            }
            let messages = try await database.client.query("SELECT DISTINCT message_id FROM monitoring_notifications")
            let message: UUID = try #require(try messages.first?.decode("message_id"))
            #expect(messages.count == 1)
            // It is named after the worst, and has one attempt.
            #expect(try await fixture.notifications(ids[17]).map(\.id) == [message])
            #expect(try await database.client.query("SELECT FROM monitoring_delivery_attempts").count == 1)
            for id in ids { #expect(try await fixture.isNotified(id) == ["chat"]) }
        }
        #expect(server.requests.count == 1)
        let text = String(decoding: try #require(server.requests.first).body, as: UTF8.self)
        #expect(text.contains("CRITICAL") && text.contains("39 more"))
    }

    @Test func aGroupWaitsForMoreAndThenForItsInterval() async throws {
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            let configuration = try configuration(fixture, wait: .seconds(30))
            func due() async throws -> [Int] {
                try await database.client.query(
                    "SELECT (ceil(extract(epoch FROM due_at - now()) / 5) * 5)::integer AS seconds FROM monitoring_notifications WHERE status = 'pending'"
                ).map { try $0.decode("seconds") }
            }
            _ = try await fixture.open("a")
            try await route(fixture, configuration)
            #expect(try await due() == [30])
            try await database.client.query("UPDATE monitoring_notifications SET due_at = due_at - interval '20 s'")
            _ = try await fixture.open("b")
            try await route(fixture, configuration)
            // With the first one, which has waited for 20 s.
            #expect(try await due() == [10, 10])
            try await makeDue(database.client)
            let messages = try await claim(database.client, configuration)
            #expect(messages.map(\.members.count) == [2])
            try await record(messages, .deliver, database.client)
            _ = try await fixture.open("c")
            try await route(fixture, configuration)
            #expect(try await due() == [300])
            try await database.client.query("UPDATE monitoring_notifications SET frozen_at = frozen_at - interval '1 hour'")
            try await database.client.query("DELETE FROM monitoring_notifications WHERE status = 'pending'")
            _ = try await fixture.open("d")
            try await route(fixture, configuration)
            #expect(try await due() == [30])
        }
    }

    @Test func aMessageThatFailedIsSentAgainAsItWas() async throws {
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            let configuration = try configuration(fixture)
            let ids = [try await fixture.open("a"), try await fixture.open("b")]
            try await route(fixture, configuration)
            try await makeDue(database.client)
            let first = try await claim(database.client, configuration)
            try await record(first, .retry(after: .zero, .timeout), database.client)
            // What comes meanwhile is told apart, after it where it concerns one of its alerts.
            try await fixture.step(ids[0], .escalated, to: .critical)
            _ = try await fixture.open("c")
            try await route(fixture, configuration)
            try await makeDue(database.client)
            let second = try await claim(database.client, configuration)
            #expect(second.map(\.id).contains(first[0].id) && second.count == 2)
            let again = try #require(second.first { $0.id == first[0].id })
            #expect(
                Set(again.members.map(\.id)) == Set(first[0].members.map(\.id)) && again.rendered?.body == "2" && again.lead.attempt == 2)
            let others = try second.first { $0.id != again.id }?.members.map { try $0.alert.alert().affectedModel }
            #expect(others == ["c"])
            try await record(second, .deliver, database.client)
            // What its group has still to tell waits for the interval.
            #expect(try await claim(database.client, configuration).isEmpty)
            try await makeDue(database.client)
            let third = try await claim(database.client, configuration)
            #expect(third.flatMap(\.members).map(\.transition?.kind) == [.escalated])
        }
    }

    @Test func ofOneAlertTheNewestIsTold() async throws {
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            let configuration = try configuration(fixture)
            let id = try await fixture.open("a")
            _ = try await fixture.open("b")
            try await fixture.step(id, .escalated, to: .critical)
            try await route(fixture, configuration)
            try await route(fixture, configuration)
            try await makeDue(database.client)
            let messages = try await claim(database.client, configuration)
            #expect(messages.count == 1 && messages[0].members.map(\.transition?.kind) == [.escalated, .opened])
            #expect(try await fixture.notifications(id).map(\.status) == [.superseded, .sending])
            #expect(try await fixture.notifications(id).first?.supersededBy == messages[0].id)
        }
    }

    @Test func programsAreToldEveryStepOfAGroupInOneMessage() async throws {
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            let configuration = try configuration(fixture, .webhook)
            let id = try await fixture.open("a")
            let other = try await fixture.open("b", severity: .low)
            try await fixture.step(id, .resolved, status: .resolved)
            try await fixture.step(id, .reopened, status: .open)
            for _ in 0..<3 { try await route(fixture, configuration) }
            try await makeDue(database.client)
            let messages = try await claim(database.client, configuration)
            // The newest step of the worst names it.
            #expect(messages.map { $0.members.map(\.transition?.kind) } == [[.reopened, .resolved, .opened, .opened]])
            #expect(messages.map(\.alerts) == [[id, other]])
            try await record(messages, .deliver, database.client)
            #expect(try await fixture.notifications(id).map(\.status) == [.delivered, .delivered, .delivered])
        }
    }

    @Test func theNextStepOfAnAlertWaitsForTheInterval() async throws {
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            let configuration = try configuration(fixture, .webhook, wait: .seconds(3))
            let id = try await fixture.open("a")
            try await route(fixture, configuration)
            try await makeDue(database.client)
            let messages = try await claim(database.client, configuration)
            #expect(messages.map { $0.members.map(\.transition?.kind) } == [[.opened]])
            try await fixture.step(id, .escalated, to: .critical)
            try await route(fixture, configuration)
            try await record(messages, .deliver, database.client)
            #expect(try await claim(database.client, configuration).isEmpty)
            let due = try await database.client.query(
                "SELECT (ceil(extract(epoch FROM due_at - now()) / 5) * 5)::integer AS seconds FROM monitoring_notifications WHERE status = 'pending'"
            ).map { try $0.decode("seconds") as Int }
            #expect(due == [300])
        }
    }

    @Test(arguments: [("inhibited", "inhibition_ended"), ("muted", "mute_ended")])
    func whatIsNotToBeToldAnyMoreWhenItsGroupHasWaitedIsHeldBack(reason: String, cause: String) async throws {
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            func rules(_ quiet: String?) throws -> NotificationConfiguration {
                let rule = try InhibitRule(source: [try Matcher("model=source")], target: [try Matcher("model=target")])
                let group = try Grouping(by: ["alert_type"], wait: .seconds(30), interval: .zero)
                func route(_ models: String, _ schedule: Schedule = Schedule()) throws -> Route {
                    Route(matchers: [try Matcher("model\(models)")], receivers: ["chat"], grouping: group, schedule: schedule)
                }
                let never = Schedule(actives: [])
                return try NotificationConfiguration(
                    receivers: [fixture.receiver("chat", .slack, at: "https://example.com/x")],
                    routes: [try route("=target", quiet == "muted" ? never : Schedule()), try route("!=target")],
                    inhibitRules: quiet == "inhibited" ? [rule] : [], delivery: OutboxFixture.fast)
            }
            let target = try await fixture.open("target")
            try await route(fixture, try rules(nil))
            let source = try await fixture.open("source")
            try await route(fixture, try rules(nil))
            try await makeDue(database.client)
            try await database.client.query("UPDATE monitoring_notifications SET created_at = created_at - interval '5 seconds'")
            let messages = try await claim(database.client, try rules(nil), by: try rules(reason))
            #expect(messages.flatMap(\.alerts) == [source])
            #expect(try await fixture.notifications(target).map { "\($0.status) \($0.lastError ?? "")" } == ["dropped \(reason)"])
            // At the end of the quiet it is told.
            let router = TransitionRouter(client: database.client, configuration: try rules(nil), logger: Logger(label: "test"))
            #expect(try await router.routeEnds() == ["chat"])
            let told = try await fixture.notifications(target).filter { $0.status == .pending }
            #expect(told.map(\.cause) == [cause])
        }
    }

    @Test func whatASilenceHeldBackIsOneMessage() async throws {
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            let configuration = try NotificationConfiguration(
                receivers: [fixture.receiver("chat", .slack, at: "https://example.com/x")], delivery: OutboxFixture.fast)
            try await database.client.query(
                """
                INSERT INTO monitoring_silences (matchers, starts_at, ends_at, created_by)
                VALUES ('{severity>=low}', now(), now() + interval '1 hour', 'x')
                """)
            for number in 0..<5 { _ = try await fixture.open("m\(number)") }
            try await route(fixture, configuration)
            try await database.client.query("DELETE FROM monitoring_silences")
            let router = TransitionRouter(client: fixture.client, configuration: configuration, logger: Logger(label: "test"))
            #expect(try await router.routeEnds() == ["chat"])
            #expect(try await claim(database.client, configuration).map(\.members.count) == [5])
        }
    }

    @Test func keysTellRoutesAndValuesApart() throws {
        let labels = Fixtures.labels()
        let one = try Grouping(by: ["model", "severity"], wait: .zero, interval: .zero)
        let key = one.key(of: labels, matchers: [])
        #expect(key.hasPrefix(#"{model="gpt-4o", severity="high"}/"#))
        #expect(one.key(of: labels, matchers: [try Matcher("severity>=high")]) != key)
        #expect(try Grouping(by: ["model"], wait: .zero, interval: .zero).key(of: labels, matchers: []) != key)
        let long = Fixtures.labels([.model: String(repeating: "é", count: 5000)])
        #expect(one.key(of: long, matchers: []).utf8.count <= 300)
        #expect(throws: NotificationConfigurationError.self) { try Grouping(by: ["2nd colour"], wait: .zero, interval: .zero) }
    }

    @Test func whatIsDueIsFoundByItsIndexHoweverMuchThereWas() async throws {
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            let configuration = try configuration(fixture)
            let id = try await fixture.open()
            try await database.client.query(
                """
                INSERT INTO monitoring_notifications
                    (alert_id, receiver, cause, sequence, severity, status, due_at, message_id, frozen_at)
                SELECT $1::uuid, 'chat', 'repeat', n, 'high', 'delivered', now(), gen_random_uuid(), now() FROM generate_series(1, 20000) AS n
                """, [.uuid(id)])
            try await route(fixture, configuration)
            try await makeDue(database.client)
            #expect(try await claim(database.client, configuration).count == 1)
            let scans = try await database.client.transaction { connection in
                func count() async throws -> Int {
                    try await connection.query(
                        "SELECT seq_scan AS scans FROM pg_stat_xact_user_tables WHERE relname = 'monitoring_notifications'"
                    )[0].decode("scans")
                }
                let before = try await count()
                try await connection.query("SELECT FROM monitoring_claimable('chat', true, 50, false)")
                return try await count() - before
            }
            #expect(scans == 0)
        }
    }
}
