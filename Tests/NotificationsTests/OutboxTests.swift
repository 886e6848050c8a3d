import Foundation
import Logging
import Monitoring
import Postgres
import TestSupport
import Testing

@testable import Notifications

@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint)) struct OutboxTests {
    private func outbox(_ client: PostgresClient, _ process: String) async throws -> Outbox {
        let outbox = Outbox(client: client, process: process, settings: OutboxFixture.fast)
        try await outbox.beat()
        return outbox
    }

    private func route(_ fixture: OutboxFixture, _ receiver: Receiver) async throws {
        let router = TransitionRouter(
            client: fixture.client, configuration: try fixture.configuration([receiver]), logger: Logger(label: "test"))
        while try await !router.routeBatch().routed.isEmpty {}
    }

    private func delivered(_ message: ClaimedMessage) -> AttemptResult {
        AttemptResult(message, action: .deliver, startedAt: Date())
    }

    private func claim(_ outbox: Outbox, _ receiver: Receiver, limit: Int = 10) async throws -> [ClaimedMessage] {
        try await outbox.register(receiver)
        return try await outbox.claim(UUID(), receiver: receiver, limit: limit) { _ in
            RenderedMessage(body: "{}", contentType: "application/json", isPlain: false)
        }.messages
    }

    @Test(arguments: [ReceiverKind.webhook, .slack])
    func oneStepOfAnAlertIsUnderWayAtATime(kind: ReceiverKind) async throws {
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            let receiver = try fixture.receiver("r", kind, at: "https://example.com/x")
            let (first, second) = (try await outbox(database.client, "a"), try await outbox(database.client, "b"))
            let id = try await fixture.open()
            try await route(fixture, receiver)
            let claimed = try await claim(first, receiver, limit: 10)
            #expect(claimed.map { $0.lead.transition?.sequence } == [1])
            try await fixture.step(id, .escalated, to: .critical)
            try await route(fixture, receiver)
            #expect(try await claim(second, receiver, limit: 10).isEmpty)
            #expect(try await first.record(claimed.map(delivered), receiver: "r") == 1)
            #expect(try await claim(second, receiver, limit: 10).map { $0.lead.transition?.sequence } == [2])
        }
    }

    @Test func whatIsGivenBackCountsAsNotClaimed() async throws {
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            let receiver = try fixture.receiver("r", at: "https://example.com/x")
            let outbox = try await outbox(database.client, "a")
            let id = try await fixture.open()
            try await route(fixture, receiver)
            let claimed = try await claim(outbox, receiver, limit: 10)
            let result = AttemptResult(claimed[0], action: .giveBack, startedAt: Date())
            #expect(try await outbox.record([result], receiver: "r") == 0)
            let record = try #require(try await fixture.notifications(id).first)
            #expect(record.status == .pending && record.attempts == 0)
            #expect(try await NotificationRepository(client: database.client).attempts(notificationID: record.id).isEmpty)
        }
    }

    @Test func aPausedReceiverIsNotClaimedFromUntilItsTime() async throws {
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            let receiver = try fixture.receiver("r", at: "https://example.com/x")
            let outbox = try await outbox(database.client, "a")
            try await outbox.register(receiver)
            _ = try await fixture.open()
            _ = try await fixture.open("other")
            try await route(fixture, receiver)
            let claimed = try await claim(outbox, receiver, limit: 1)
            let paused = AttemptResult(claimed[0], action: .retryAndPause(for: .seconds(60), .rateLimited), startedAt: Date())
            _ = try await outbox.record([paused], receiver: "r")
            #expect(try await claim(outbox, receiver, limit: 10).isEmpty)
            let wait = try #require(try await outbox.nextDue(receiver: "r"))
            #expect(wait > .seconds(50) && wait <= .seconds(60))
            // The same address keeps its rest, another does not.
            try await outbox.register(receiver)
            #expect(try await claim(outbox, receiver, limit: 10).isEmpty)
            try await outbox.register(fixture.receiver("r", at: "https://example.com/y"))
            #expect(try await claim(outbox, receiver, limit: 10).count == 1)
        }
    }

    @Test func aLockedAlertDelaysItsBatchAndLosesNothing() async throws {
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            let receiver = try fixture.receiver("r", at: "https://example.com/x")
            let outbox = try await outbox(database.client, "a")
            let ids = [try await fixture.open(), try await fixture.open("other")]
            try await route(fixture, receiver)
            let claimed = try await claim(outbox, receiver, limit: 10)
            // As an evaluation does it: one alert is held while the other is asked for.
            let recording = Task { try await outbox.record(claimed.map(delivered), receiver: "r") }
            try await database.client.transaction { connection in
                for id in ids.sorted(by: { $0.uuidString > $1.uuidString }) {
                    try await connection.query("SELECT FROM monitoring_alerts WHERE id = $1::uuid FOR UPDATE", [.uuid(id)])
                }
            }
            #expect(try await recording.value == 2)
            for id in ids { #expect(try await fixture.isNotified(id) == ["r"]) }
        }
    }

    /// For longer than it is waited for: it is delivered, and marked by no one.
    @Test(.timeLimit(.minutes(2))) func anAlertThatIsHeldForLongIsNotSentAgain() async throws {
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            let receiver = try fixture.receiver("r", at: "https://example.com/x")
            let outbox = try await outbox(database.client, "a")
            let (held, other) = (try await fixture.open(), try await fixture.open("other"))
            try await route(fixture, receiver)
            let claimed = try await claim(outbox, receiver, limit: 10)
            try await database.client.transaction { connection in
                try await connection.query("SELECT FROM monitoring_alerts WHERE id = $1::uuid FOR UPDATE", [.uuid(held)])
                #expect(try await outbox.record(claimed.map(delivered), receiver: "r") == 2)
                for id in [held, other] { #expect(try await fixture.notifications(id).map(\.status) == [.delivered]) }
            }
            #expect(try await fixture.isNotified(other) == ["r"])
            #expect(try await fixture.isNotified(held) == nil)
        }
    }

    /// It was sent while its claim was taken for lost.
    @Test func whatWasDeliveredIsNotSentAgainWhereNobodyHasTakenItSince() async throws {
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            let receiver = try fixture.receiver("r", at: "https://example.com/x")
            let outbox = try await outbox(database.client, "a")
            let ids = [try await fixture.open(), try await fixture.open("other")]
            try await route(fixture, receiver)
            let claimed = try await claim(outbox, receiver, limit: 10)
            try await outbox.giveBack([try #require(claimed.first).claimID])
            let refused = AttemptResult(claimed[1], action: .bury(.refused), startedAt: Date())
            #expect(try await outbox.record([delivered(claimed[0]), refused], receiver: "r") == 1)
            var statuses: [UUID: NotificationRecord.Status] = [:]
            for id in ids { statuses[id] = try await fixture.notifications(id).first?.status }
            #expect(statuses == [claimed[0].lead.alert.id: .delivered, claimed[1].lead.alert.id: .pending])
        }
    }

    /// A clock that was set back by an hour keeps nothing for an hour.
    @Test func tokensOfATimeToComeAreNoneThatWereTaken() async throws {
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            let receiver = try fixture.receiver("r", at: "https://example.com/x", rateLimit: "1/s")
            let outbox = try await outbox(database.client, "a")
            _ = try await fixture.open()
            try await route(fixture, receiver)
            try await outbox.register(receiver)
            try await database.client.query("UPDATE monitoring_receivers SET tokens = 0, tokens_at = now() + interval '1 hour'")
            #expect(try await claim(outbox, receiver).count == 1)
            let kept = "SELECT tokens_at <= clock_timestamp() AND tokens < 1 AS is_kept FROM monitoring_receivers"
            #expect(try await database.client.query(kept)[0].decode("is_kept"))
        }
    }

    /// Of a message that is given up nothing stays behind, to hold up what follows of its alert.
    @Test func whatIsLeftBehindByItsMessageEndsWithIt() async throws {
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            let outbox = try await outbox(database.client, "a")
            let ids = [try await fixture.open(), try await fixture.open("other"), try await fixture.open("third")]
            try await route(fixture, fixture.receiver("r", at: "https://example.com/x"))
            try await database.client.query(
                """
                UPDATE monitoring_notifications AS n
                SET group_key = 'g', message_id = lead.id, status = CASE WHEN n.id = lead.id THEN 'dead' ELSE 'pending' END,
                    last_error = CASE WHEN n.id = lead.id THEN 'circuit_open' END
                FROM monitoring_notifications AS lead
                WHERE lead.alert_id = $1::uuid AND n.alert_id = ANY ($2::uuid[])
                """, [.uuid(ids[0]), .uuidArray(Array(ids.prefix(2)))])
            #expect(try await outbox.buryOverdue() == 1)
            #expect(try await fixture.notifications(ids[1]).map(\.lastError) == ["circuit_open"])
            #expect(try await fixture.notifications(ids[1]).map(\.status) == [.dead])
            #expect(try await fixture.notifications(ids[2]).map(\.status) == [.pending])
        }
    }

    private func left(_ client: PostgresClient) async throws -> [Int] {
        let row = try await client.query(
            """
            SELECT
                (SELECT count(*) FROM monitoring_alert_transitions) AS steps,
                (SELECT count(*) FROM monitoring_notifications) AS notifications,
                (SELECT count(*) FROM monitoring_delivery_attempts) AS attempts
            """)[0]
        return [try row.decode("steps"), try row.decode("notifications"), try row.decode("attempts")]
    }

    @Test func whatBelongsToADeletedAlertGoesWithIt() async throws {
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            let receiver = try fixture.receiver("r", at: "https://example.com/x")
            let outbox = try await outbox(database.client, "a")
            let ids = [try await fixture.open(), try await fixture.open("other")]
            try await route(fixture, receiver)
            _ = try await outbox.record(claim(outbox, receiver).map(delivered), receiver: "r")
            #expect(try await left(database.client) == [2, 2, 2])
            // What stands elsewhere is new again when its source goes on saying it.
            try await database.client.query(
                """
                INSERT INTO monitoring_relayed_alerts (fingerprint, alert_id, content, started_at, last_seen_at, ends_at)
                SELECT fingerprint, id, '', now(), now(), 'infinity' FROM monitoring_alerts
                """)
            try await database.client.query("DELETE FROM monitoring_alerts WHERE id = $1::uuid", [.uuid(ids[0])])
            #expect(try await left(database.client) == [1, 1, 1])
            let standing = try await database.client.query("SELECT alert_id FROM monitoring_relayed_alerts")
            #expect(try standing.map { try $0.decode("alert_id") as UUID } == [ids[1]])
            try await database.client.query("DELETE FROM monitoring_notifications")
            #expect(try await left(database.client) == [1, 0, 0])
            _ = try await fixture.open("third")
            try await route(fixture, receiver)
            try await database.client.query("TRUNCATE monitoring_alerts CASCADE")
            #expect(try await left(database.client) == [0, 0, 0])
            #expect(try await database.client.query("SELECT FROM monitoring_relayed_alerts").isEmpty)
        }
    }

    @Test func anAlertThatIsDeletedWhileItIsRoutedLeavesNothing() async throws {
        try await withTestDatabase(schema: true) { database in
            let client = database.client
            let fixture = OutboxFixture(client: client)
            let id = try await fixture.open()
            let deletion = try await client.transaction { connection in
                #expect(try await connection.query("SELECT FROM monitoring_unrouted(10)").count == 1)
                let deletion = Task { try await client.query("DELETE FROM monitoring_alerts WHERE id = $1::uuid", [.uuid(id)]) }
                try await eventually("the deletion waits") {
                    try await client.query("SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
                        .count == 1
                }
                try await connection.query(
                    """
                    INSERT INTO monitoring_notifications (alert_id, receiver, cause, sequence, transition, severity, due_at)
                    VALUES ($1::uuid, 'r', 'transition', 1, 'opened', 'high', now())
                    """, [.uuid(id)])
                return deletion
            }
            _ = try await deletion.value
            #expect(try await left(client) == [0, 0, 0])
        }
    }

    @Test func stepsWithoutAnAlertStandInNobodysWay() async throws {
        try await withTestDatabase(schema: true) { database in
            try await database.client.query(
                """
                INSERT INTO monitoring_alert_transitions (alert_id, sequence, transition, to_status, to_severity, actor, occurred_at)
                SELECT gen_random_uuid(), 1, 'opened', 'open', 'high', 'monitor', now() FROM generate_series(1, 300)
                """)
            let id = try await OutboxFixture(client: database.client).open()
            let rows = try await database.client.query("SELECT alert_id FROM monitoring_take_unrouted(250)")
            #expect(try rows.map { try $0.decode("alert_id") as UUID } == [id])
        }
    }

    @Test func whatIsIgnoredWhileItIsHeldIsNotTried() async throws {
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            let receiver = try fixture.receiver("r", at: "https://example.com/x")
            let outbox = try await outbox(database.client, "a")
            let ids = [try await fixture.open(), try await fixture.open("other")]
            try await route(fixture, receiver)
            let held = try await claim(outbox, receiver)
            #expect(held.count == 2)
            try await fixture.step(ids[0], .ignored, status: .ignored)
            try await route(fixture, receiver)
            try await outbox.release(held)
            #expect(try await claim(outbox, receiver).map(\.lead.alert.id) == [ids[1]])
            #expect(try await fixture.notifications(ids[0]).map(\.status) == [.dropped])
        }
    }

    /// The statement of a try that was given up may come after the next one, and after a newer claim.
    @Test func aReleaseThatComesLateEndsNoNewerClaim() async throws {
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            let receiver = try fixture.receiver("r", at: "https://example.com/x")
            let outbox = try await outbox(database.client, "a")
            let id = try await fixture.open()
            try await route(fixture, receiver)
            let first = try await claim(outbox, receiver)
            try await outbox.release(first)
            let second = try await claim(outbox, receiver)
            #expect(second.map(\.id) == first.map(\.id))
            try await outbox.release(first)
            #expect(try await fixture.notifications(id).map(\.status) == [.sending])
            #expect(try await outbox.record(second.map(delivered), receiver: "r") == 1)
        }
    }

    @Test func oneThatCannotBeRecordedKeepsNoOtherFromIt() async throws {
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            let receiver = try fixture.receiver("r", at: "https://example.com/x")
            let outbox = try await outbox(database.client, "a")
            let ids = [try await fixture.open("a"), try await fixture.open("b"), try await fixture.open("c")]
            try await route(fixture, receiver)
            let claimed = try await claim(outbox, receiver)
            try await database.client.query(
                "ALTER TABLE monitoring_delivery_attempts ADD CHECK (notification_id <> '\(claimed[1].id)')")
            await #expect(throws: PostgresError.self) { try await outbox.record(claimed.map(delivered), receiver: "r") }
            for (id, status) in zip(ids, [NotificationRecord.Status.delivered, .sending, .delivered]) {
                #expect(try await fixture.notifications(id).map(\.status) == [status])
            }
            // Nor can its claim be taken once its process is dead; the others' hearts beat all the same.
            try await database.client.query("DELETE FROM monitoring_processes")
            let other = Outbox(client: database.client, process: "b", settings: OutboxFixture.fast)
            try await other.beat()
            await #expect(throws: PostgresError.self) { try await other.takeLost() }
            #expect(other.pulse.gaps() == 0)
        }
    }

    @Test func aDatabaseThatIsFullIsNotAskedForEachOfABatch() async throws {
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            let receiver = try fixture.receiver("r", at: "https://example.com/x")
            let outbox = try await outbox(database.client, "a")
            for model in ["a", "b", "c"] { _ = try await fixture.open(model) }
            try await route(fixture, receiver)
            let claimed = try await claim(outbox, receiver)
            try await database.client.query("CREATE SEQUENCE tries")
            try await database.client.query(
                """
                CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    RAISE EXCEPTION 'try %', nextval('tries') USING ERRCODE = 'disk_full';
                END
                $$
                """)
            try await database.client.query(
                "CREATE TRIGGER fail BEFORE INSERT ON monitoring_delivery_attempts FOR EACH STATEMENT EXECUTE FUNCTION fail()")
            await #expect(throws: PostgresError.self) { try await outbox.record(claimed.map(delivered), receiver: "r") }
            #expect(try await database.client.query("SELECT last_value FROM tries")[0].decode("last_value") == 1)
        }
    }

    @Test func aKilledProcessIsForgottenAfterADay() async throws {
        try await withTestDatabase(schema: true) { database in
            let outbox = try await outbox(database.client, "alive")
            for (process, age) in [("killed", "25 h"), ("late", "23 h")] {
                try await database.client.query(
                    "INSERT INTO monitoring_processes VALUES ($1::text, now(), now() - $2::text::interval)", [.text(process), .text(age)])
            }
            try await outbox.forgetDead()
            let left = try await database.client.query("SELECT process FROM monitoring_processes ORDER BY process")
            #expect(try left.map { try $0.decode("process") as String } == ["alive", "late"])
        }
    }

    @Test func theNewestOfAFullOutboxAreFoundByTheirIndex() async throws {
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            let id = try await fixture.open()
            try await database.client.query(
                """
                INSERT INTO monitoring_notifications (alert_id, receiver, cause, sequence, severity, due_at, created_at)
                SELECT $1::uuid, 'r', 'repeat', n, 'high', now(), now() - n * interval '1 s' FROM generate_series(1, 5000) AS n
                """, [.uuid(id)])
            try await database.client.query("ANALYZE monitoring_notifications")
            let plan = try await database.client.query(
                "EXPLAIN \(NotificationRepository.newest)", [.text(nil), .text(nil), .int(50)]
            ).map { try $0.decode("QUERY PLAN") as String }
            #expect(plan.contains { $0.contains("monitoring_notifications_by_age") }, "\(plan)")
            #expect(try await NotificationRepository(client: database.client).list(limit: 3).map(\.sequence) == [1, 2, 3])
        }
    }

    @Test func theLastDeliveryStandsInTheRowOfItsReceiver() async throws {
        let server = try HTTPFixture { request in .answer(status: request.target == "/bad" ? 500 : 200) }
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            let receivers = [try fixture.receiver("good", at: server.url("/good")), try fixture.receiver("bad", at: server.url("/bad"))]
            let repository = ReceiverRepository(client: database.client)
            let began = try await database.client.query("SELECT now() AS at")[0].decode("at") as Date
            try await fixture.withDispatcher(fixture.configuration(receivers)) {
                let id = try await fixture.open()
                try await eventually("the delivery is noted") {
                    try await repository.receivers().contains { $0.name == "good" && $0.lastDeliveredAt != nil }
                }
                try await eventually("the other one was tried") {
                    try await fixture.notifications(id).contains { $0.receiver == "bad" && $0.attempts > 0 }
                }
            }
            let known = try await repository.receivers(named: ["never"])
            #expect(known.map(\.name) == ["bad", "good", "never"])
            #expect(known.map { $0.lastDeliveredAt == nil } == [true, false, true])
            #expect(try #require(known[1].lastDeliveredAt) >= began)
        }
    }

    @Test func receiversAreListedWithoutReadingALongHistory() async throws {
        try await withTestDatabase(schema: true) { database in
            let id = try await OutboxFixture(client: database.client).open()
            try await database.client.query(
                """
                INSERT INTO monitoring_notifications
                    (alert_id, receiver, cause, sequence, severity, status, due_at, created_at, delivered_at)
                SELECT $1::uuid, 'often', 'repeat', n, 'high', 'delivered', at, at, at
                FROM generate_series(1, 5000) AS n
                CROSS JOIN LATERAL (SELECT timestamptz '2026-03-01 00:00Z' + n * interval '1 s' AS at) AS moment
                """, [.uuid(id)])
            try await database.client.query("ANALYZE monitoring_notifications")
            let plan = try await database.client.query("EXPLAIN \(ReceiverRepository.list)", [.textArray(["never"])]).map {
                try $0.decode("QUERY PLAN") as String
            }
            #expect(!plan.contains { $0.contains("Seq Scan on monitoring_notifications") }, "\(plan)")
        }
    }

    @Test func whatWaitsForAnUndefinedReceiverEndsAfterItsDay() async throws {
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            let outbox = try await outbox(database.client, "a")
            let id = try await fixture.open()
            try await route(fixture, fixture.receiver("gone", at: "https://example.com/x"))
            #expect(try await outbox.buryUndefined(known: ["other"]) == 0)
            try await database.client.query("UPDATE monitoring_notifications SET give_up_at = now() - interval '1 second'")
            #expect(try await outbox.buryUndefined(known: ["gone"]) == 0)
            #expect(try await outbox.buryUndefined(known: ["other"]) == 1)
            #expect(try await fixture.notifications(id).map(\.lastError) == ["undefined_receiver"])
        }
    }
}
