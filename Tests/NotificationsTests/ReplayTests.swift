import Foundation
import Postgres
import TestSupport
import Testing

@testable import Notifications

/// What a receiver that works again is given.
@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint)) struct ReplayTests {
    @Test func allThatDiedComesBackOldestFirstAndNoMoreThanAsked() async throws {
        try await withOutbox { outbox in
            let alert = try await outbox.alert("open")
            for age in [1, 2, 3, 4] { try await outbox.told(alert, age, "dead") }
            try await outbox.told(alert, 5, "dropped")
            try await outbox.told(alert, 6, "dead", cause: "test")
            try await outbox.told(alert, 7, "dead", receiver: "other")
            let part = try await outbox.repository.replay(receiver: "hook", .all, within: .seconds(3 * 86_400 + 3600), limit: 2)
            #expect(part == ReplayOutcome(replayed: 2, superseded: 0, remaining: 1))
            #expect(try await outbox.states() == "1 dead, 2 pending, 3 pending, 4 dead, 5 dropped, 6 dead, 7 dead")
            let rest = try await outbox.repository.replay(receiver: "hook", .all, within: .seconds(90 * 86_400))
            #expect(rest == ReplayOutcome(replayed: 2, superseded: 0, remaining: 0))
            #expect(try await outbox.states() == "1 pending, 2 pending, 3 pending, 4 pending, 5 dropped, 6 dead, 7 dead")
        }
    }

    @Test func thePresentIsTheNewestOfEachAlertThatIsStillOpen() async throws {
        try await withOutbox { outbox in
            let open = try await outbox.alert("open")
            for age in [1, 2, 3] { try await outbox.told(open, age, "dead") }
            let over = try await outbox.alert("resolved")
            for age in [4, 5] { try await outbox.told(over, age, "dead") }
            let outcome = try await outbox.repository.replay(receiver: "hook", .present, within: .seconds(90 * 86_400))
            #expect(outcome == ReplayOutcome(replayed: 1, superseded: 4, remaining: 0))
            #expect(try await outbox.states() == "1 pending, 2 superseded by 1, 3 superseded by 1, 4 superseded, 5 superseded")
        }
    }

    @Test func theEndOfAnAlertIsNewsToAReceiverThatHeardOfIt() async throws {
        try await withOutbox { outbox in
            let over = try await outbox.alert("resolved")
            try await outbox.told(over, 3, "delivered")
            try await outbox.told(over, 2, "dead")
            try await outbox.told(over, 1, "dead")
            let outcome = try await outbox.repository.replay(receiver: "hook", .present, within: .seconds(90 * 86_400))
            #expect(outcome == ReplayOutcome(replayed: 1, superseded: 1, remaining: 0))
            #expect(try await outbox.states() == "1 pending, 2 superseded by 1, 3 delivered")
        }
    }

    @Test func whatANewerOneHasToldIsNoNews() async throws {
        try await withOutbox { outbox in
            let open = try await outbox.alert("open")
            try await outbox.told(open, 2, "dead")
            try await outbox.told(open, 1, "delivered")
            let outcome = try await outbox.repository.replay(receiver: "hook", .present, within: .seconds(90 * 86_400))
            #expect(outcome == ReplayOutcome(replayed: 0, superseded: 1, remaining: 0))
            #expect(try await outbox.states() == "1 delivered, 2 superseded by 1")
        }
    }

    @Test func aMessageComesBackWhole() async throws {
        try await withOutbox { outbox in
            let first = try await outbox.alert("open")
            let second = try await outbox.alert("open")
            try await outbox.told(first, 3, "dead", message: 3)
            try await outbox.told(second, 2, "dead", message: 3)
            try await outbox.told(first, 1, "dead")
            let part = try await outbox.repository.replay(receiver: "hook", .all, within: .seconds(90 * 86_400), limit: 1)
            #expect(part == ReplayOutcome(replayed: 2, superseded: 0, remaining: 1))
            #expect(try await outbox.states() == "1 dead, 2 pending, 3 pending")
            try await outbox.client.query("UPDATE monitoring_notifications SET status = 'dead'")
            let present = try await outbox.repository.replay(receiver: "hook", .present, within: .seconds(90 * 86_400))
            #expect(present == ReplayOutcome(replayed: 3, superseded: 0, remaining: 0))
            let id = try #require(UUID(uuidString: ReplayOutbox.id(2)))
            #expect(try await outbox.repository.members(ofMessageOf: id).count == 2)
            #expect(try await outbox.repository.retry(id: id)?.count == 2)
        }
    }

    @Test func whoeverSendsIsWokenAndTheDataVersionGrows() async throws {
        try await withOutbox { outbox in
            try await outbox.told(try await outbox.alert("open"), 1, "dead")
            let before: Int = try await outbox.client.query("SELECT data_version FROM monitoring_rollup_state")[0].decode("data_version")
            _ = try await outbox.repository.replay(receiver: "hook", .all, within: .seconds(90 * 86_400))
            _ = try await outbox.repository.drop(id: try #require(UUID(uuidString: ReplayOutbox.id(1))))
            let after: Int = try await outbox.client.query("SELECT data_version FROM monitoring_rollup_state")[0].decode("data_version")
            #expect(after == before + 2)
        }
    }

    private func withOutbox(_ body: @Sendable (ReplayOutbox) async throws -> Void) async throws {
        try await withTestDatabase(schema: true) { database in try await body(ReplayOutbox(client: database.client)) }
    }
}

/// Notifications named by how many days old they are.
struct ReplayOutbox: Sendable {
    let client: PostgresClient
    var repository: NotificationRepository { NotificationRepository(client: client) }

    static func id(_ age: Int) -> String { "30000000-0000-4000-8000-00000000000\(age)" }

    func alert(_ status: String) async throws -> UUID {
        let id = UUID()
        try await client.query(
            """
            INSERT INTO monitoring_alerts (id, fingerprint, alert_type, severity, peak_severity, metric_name, metric_date, status, opened_at,
                live_since, last_evidence_at)
            VALUES ($1::uuid, $1::text, 'error_spike', 'high', 'high', 'error_rate', '2026-02-21', $2::text, now(), now(), now())
            """, [.uuid(id), .text(status)])
        return id
    }

    func told(
        _ alert: UUID, _ age: Int, _ status: String, receiver: String = "hook", cause: String = "transition", message: Int? = nil
    ) async throws {
        try await client.query(
            """
            INSERT INTO monitoring_notifications (id, alert_id, receiver, cause, sequence, severity, status, due_at, created_at, message_id)
            VALUES ($1::uuid, $2::uuid, $3::text, $4::text, 100 - $5::integer, 'high', $6::text, now(), now() - $5::integer * interval '1 day',
                $7::uuid)
            """,
            [
                .uuid(UUID(uuidString: Self.id(age))), .uuid(alert), .text(receiver), .text(cause), .int(age), .text(status),
                .uuid(message.flatMap { UUID(uuidString: Self.id($0)) }),
            ])
    }

    /// `1 pending, 2 superseded by 1`: by age.
    func states() async throws -> String {
        try await client.query(
            """
            SELECT string_agg(right(id::text, 1) || ' ' || status || coalesce(' by ' || right(superseded_by::text, 1), ''), ', ' ORDER BY id) AS states
            FROM monitoring_notifications
            """)[0].decode("states")
    }
}
