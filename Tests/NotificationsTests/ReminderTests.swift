import Foundation
import Logging
import Monitoring
import Postgres
import TestSupport
import Testing

@testable import Notifications

/// What is told again, and who is told later.
@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint)) struct ReminderTests {
    private func router(
        _ fixture: OutboxFixture, repeats: Duration? = .seconds(4 * 3600), escalates: Duration? = .seconds(1800),
        acknowledged: Duration? = nil, schedule: Schedule = Schedule()
    ) throws -> TransitionRouter {
        let receivers = try ["oncall", "boss"].map { try fixture.receiver($0, .slack, at: "https://example.com/\($0)") }
        let route = Route(
            matchers: [], receivers: ["oncall"], repeatInterval: repeats,
            escalation: escalates.map { Escalation(after: $0, receivers: ["boss"]) }, schedule: schedule)
        return TransitionRouter(
            client: fixture.client,
            configuration: try NotificationConfiguration(
                receivers: receivers, routes: [route], remindAcknowledgedAfter: acknowledged, delivery: OutboxFixture.fast),
            logger: Logger(label: "test"))
    }

    private func route(_ router: TransitionRouter) async throws {
        while try await !router.routeBatch().routed.isEmpty {}
        _ = try await router.routeEnds()
        _ = try await router.routeReminders()
    }

    /// So much later; what waits is delivered meanwhile.
    private func pass(_ seconds: Int, _ client: PostgresClient) async throws {
        try await client.query(
            """
            UPDATE monitoring_reminders SET due_at = due_at - $1::integer * interval '1 s';
            """, [.int(seconds)])
        try await client.query("UPDATE monitoring_notifications SET status = 'delivered' WHERE status = 'pending'")
    }

    private func told(_ id: UUID, _ fixture: OutboxFixture) async throws -> [String] {
        try await fixture.notifications(id).map { "\($0.receiver) \($0.cause) \($0.sequence)" }
    }

    private func reminders(_ client: PostgresClient) async throws -> [String] {
        try await client.query("SELECT receiver || ' ' || cause AS what FROM monitoring_reminders ORDER BY 1").map { try $0.decode("what") }
    }

    @Test func whatNobodyTakesInHandIsToldAgainAndToOthers() async throws {
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            let router = try router(fixture)
            let id = try await fixture.open()
            try await route(router)
            #expect(try await reminders(database.client) == ["boss escalation_step", "oncall repeat"])
            try await pass(1500, database.client)
            try await route(router)
            #expect(try await told(id, fixture) == ["oncall transition 1"])
            try await pass(301, database.client)
            try await route(router)
            #expect(try await told(id, fixture) == ["oncall transition 1", "boss escalation_step 1"])
            // From now on both are told again.
            #expect(try await reminders(database.client) == ["boss repeat", "oncall repeat"])
            try await pass(4 * 3600, database.client)
            try await route(router)
            try await pass(4 * 3600, database.client)
            try await route(router)
            let again = try await told(id, fixture).dropFirst(2).sorted()
            #expect(again == ["boss repeat 1", "boss repeat 2", "oncall repeat 1", "oncall repeat 2"])
        }
    }

    /// It looks once a minute here, where nothing is known to be due: the one that is due next is.
    @Test func severalAreEachToldInTime() async throws {
        let server = try HTTPFixture { _ in .answer(status: 200) }
        try await withTestDatabase(schema: true, poolSize: 8) { database in
            let fixture = OutboxFixture(client: database.client)
            var settings = OutboxFixture.fast
            settings.idleInterval = .seconds(60)
            let route = Route(
                matchers: [], receivers: [], escalation: Escalation(after: .milliseconds(1500), receivers: ["boss"]))
            let configuration = try NotificationConfiguration(
                receivers: [fixture.receiver("boss", at: server.url())], routes: [route], delivery: settings)
            try await fixture.withDispatcher(configuration) {
                var ids: [UUID] = []
                for number in 0..<4 {
                    ids.append(try await fixture.open("m\(number)"))
                    try await eventually("it is ordered") {
                        try await reminders(database.client).count + server.requests.count == number + 1
                    }
                }
                for id in ids { _ = try await fixture.settled(id, [.delivered], timeout: .seconds(30)) }
            }
        }
    }

    @Test func theEndReachesWhomTheStepReached() async throws {
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            let router = try router(fixture, repeats: nil)
            let id = try await fixture.open()
            try await route(router)
            try await pass(1800, database.client)
            try await route(router)
            try await fixture.step(id, .resolved, status: .resolved)
            try await route(router)
            #expect(try await told(id, fixture).suffix(2).sorted() == ["boss transition 2", "oncall transition 2"])
        }
    }

    @Test(arguments: [(AlertTransition.Kind.acknowledged, AlertStatus.acknowledged), (.resolved, .resolved), (.ignored, .ignored)])
    func takingItInHandEndsThem(kind: AlertTransition.Kind, status: AlertStatus) async throws {
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            let router = try router(fixture)
            let id = try await fixture.open()
            try await route(router)
            try await pass(4 * 3600, database.client)
            try await route(router)
            // A repetition and a step wait to be sent.
            try await fixture.step(id, kind, status: status)
            try await route(router)
            #expect(try await reminders(database.client).isEmpty)
            let waiting = try await fixture.notifications(id).filter { ["repeat", "escalation_step"].contains($0.cause) }
            #expect(waiting.count == 2 && waiting.allSatisfy { $0.status == .dropped })
        }
    }

    @Test func anAcknowledgedOneIsRemindedOfWhereThatIsWanted() async throws {
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            let router = try router(fixture, acknowledged: .seconds(86_400))
            let id = try await fixture.open()
            try await route(router)
            try await fixture.step(id, .acknowledged, status: .acknowledged)
            try await route(router)
            #expect(try await reminders(database.client) == ["oncall repeat"])
            try await pass(86_400, database.client)
            try await route(router)
            #expect(try await told(id, fixture).last == "oncall repeat 1")
            // Given back: it counts from the beginning, and nobody is stepped to twice.
            try await fixture.step(id, .unacknowledged, status: .open)
            try await route(router)
            #expect(try await reminders(database.client) == ["boss escalation_step", "oncall repeat"])
        }
    }

    @Test func quietPutsThemOff() async throws {
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            let router = try router(fixture)
            let id = try await fixture.open()
            try await route(router)
            try await database.client.query(
                """
                INSERT INTO monitoring_silences (matchers, starts_at, ends_at, created_by)
                VALUES ('{severity>=low}', now(), now() + interval '1 hour', 'x')
                """)
            try await pass(1800, database.client)
            try await route(router)
            #expect(try await told(id, fixture) == ["oncall transition 1"])
            try await database.client.query(
                "UPDATE monitoring_silences SET starts_at = now() - interval '2 s', ends_at = now() - interval '1 s'")
            try await pass(60, database.client)
            try await route(router)
            #expect(try await told(id, fixture).last == "boss escalation_step 1")
        }
    }

    @Test func whatStillWaitsIsNotJoinedByAnother() async throws {
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            let router = try router(fixture, repeats: .seconds(60), escalates: nil)
            let id = try await fixture.open()
            try await route(router)
            for _ in 0..<5 {
                try await database.client.query("UPDATE monitoring_reminders SET due_at = now()")
                try await route(router)
            }
            #expect(try await told(id, fixture) == ["oncall transition 1", "oncall repeat 1"])
        }
    }

    @Test func theHoursOfARouteHoldBackAndTellAtTheirEnd() async throws {
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            let never = try router(fixture, schedule: Schedule(actives: []))
            let id = try await fixture.open()
            try await route(never)
            #expect(try await told(id, fixture).isEmpty)
            #expect(try await fixture.client.query("SELECT FROM monitoring_alert_transitions WHERE withheld = 'muted'").count == 1)
            let always = try router(fixture)
            try await route(always)
            try await route(always)
            #expect(try await told(id, fixture) == ["oncall mute_ended 1"])
            #expect(try await reminders(database.client) == ["boss escalation_step", "oncall repeat"])
        }
    }
}
