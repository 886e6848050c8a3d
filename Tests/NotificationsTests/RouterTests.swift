import Foundation
import Logging
import Monitoring
import Postgres
import TestSupport
import Testing

@testable import Notifications

@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint)) struct RouterTests {
    private func router(_ fixture: OutboxFixture, _ receivers: [Receiver]? = nil) throws -> TransitionRouter {
        let receivers = try receivers ?? [fixture.receiver("hook", at: "https://example.com/x")]
        return TransitionRouter(client: fixture.client, configuration: try fixture.configuration(receivers), logger: Logger(label: "test"))
    }

    private func routeAll(_ router: TransitionRouter) async throws {
        while try await !router.routeBatch().routed.isEmpty {}
    }

    @Test func transitionsAreRoutedOnceByAnyNumberOfRouters() async throws {
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            let router = try router(fixture)
            let id = try await fixture.open()
            try await fixture.step(id, .escalated, to: .critical)
            try await fixture.step(id, .deescalated)
            try await fixture.step(id, .resolved, status: .resolved)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<3 { group.addTask { try await routeAll(router) } }
                try await group.waitForAll()
            }
            try await routeAll(router)
            #expect(try await fixture.notifications(id).map(\.transition) == ["opened", "escalated", "resolved"])
            #expect(try await database.client.query("SELECT FROM monitoring_alert_transitions WHERE routed_at IS NULL").isEmpty)
        }
    }

    @Test func theEndIsToldOnlyWhereTheBeginningWas() async throws {
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            let id = try await fixture.open()
            try await database.client.query(
                "INSERT INTO monitoring_silences (matchers, starts_at, ends_at, created_by) VALUES ('{model=gpt-4o}', now(), now() + '1 h'::interval, 'x')"
            )
            let router = try router(fixture)
            try await routeAll(router)
            try await database.client.query("DELETE FROM monitoring_silences")
            try await fixture.step(id, .resolved, status: .resolved)
            try await routeAll(router)
            #expect(try await fixture.notifications(id).isEmpty)
            // Coming back it is told, and so is its next end.
            try await fixture.step(id, .reopened)
            try await fixture.step(id, .resolved, status: .resolved)
            try await routeAll(router)
            #expect(try await fixture.notifications(id).map(\.transition) == ["reopened", "resolved"])
        }
    }

    @Test func aSilenceCountsHoweverManyThereAre() async throws {
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            try await database.client.query(
                """
                INSERT INTO monitoring_silences (matchers, starts_at, ends_at, created_by, created_at)
                SELECT ARRAY['model=' || CASE n WHEN 0 THEN 'first' WHEN 1500 THEN 'last' ELSE 'x' END],
                    now(), now() + interval '1 h', 'x', now() + n * interval '1 ms'
                FROM generate_series(0, 1500) AS n
                """)
            let ids = [try await fixture.open("first"), try await fixture.open("last")]
            try await routeAll(try router(fixture))
            for id in ids { #expect(try await fixture.notifications(id).isEmpty) }
        }
    }

    @Test func ignoringAnAlertDropsWhatWaits() async throws {
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            let id = try await fixture.open()
            let router = try router(fixture)
            try await routeAll(router)
            try await fixture.step(id, .ignored, status: .ignored)
            try await fixture.step(id, .escalated, status: .ignored, to: .critical)
            try await routeAll(router)
            let records = try await fixture.notifications(id)
            #expect(records.map(\.status) == [.dropped] && records.map(\.lastError) == ["ignored"])
        }
    }

    /// It is read as it was committed last, without a lock: there is nothing to wait for.
    @Test func anAlertThatAnEvaluationHoldsIsNotWaitedFor() async throws {
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            let id = try await fixture.open()
            let router = try router(fixture)
            try await database.client.transaction { connection in
                try await connection.query("SELECT FROM monitoring_alerts WHERE id = $1::uuid FOR UPDATE", [.uuid(id)])
                #expect(try await router.routeBatch().routed.count == 1)
            }
            #expect(try await fixture.notifications(id).map(\.status) == [.pending])
        }
    }

    @Test func aPlanMadeWhileNothingWaitedNeverScansWhatWaits() async throws {
        try await withTestDatabase(schema: true) { database in
            let scans = try await database.client.transaction { connection in
                // Its plan is the session's from here on.
                #expect(try await connection.query("SELECT FROM monitoring_unrouted(500)").isEmpty)
                try await connection.query(
                    """
                    WITH alert AS (
                        INSERT INTO monitoring_alerts
                            (fingerprint, alert_type, severity, peak_severity, metric_name, metric_date, opened_at, last_evidence_at, live_since)
                        SELECT n::text, 'error_spike', 'low', 'low', 'error_rate', '2026-02-21', now(), now(), now()
                        FROM generate_series(1, 500) AS n
                        RETURNING id
                    )
                    INSERT INTO monitoring_alert_transitions (alert_id, sequence, transition, to_status, to_severity, actor, occurred_at)
                    SELECT id, 1, 'opened', 'open', 'low', 'monitor', now() FROM alert
                    """)
                let scans = "SELECT pg_stat_get_xact_numscans('monitoring_alert_transitions_unrouted'::regclass) AS scans"
                let before: Int = try await connection.query(scans)[0].decode("scans")
                #expect(try await connection.query("SELECT id FROM monitoring_unrouted(500)").count == 500)
                return try await connection.query(scans)[0].decode("scans") as Int - before
            }
            #expect(scans == 1)
        }
    }

    @Test func theLinkKeyIsMadeOnce() async throws {
        try await withTestDatabase(schema: true) { database in
            let store = LinkKeyStore(client: database.client)
            let keys = try await withThrowingTaskGroup(of: [LinkKey].self) { group in
                for _ in 0..<4 { group.addTask { try await store.keys(configured: nil) } }
                return try await group.reduce(into: Set<[LinkKey]>()) { $0.insert($1) }
            }
            #expect(keys.count == 1 && keys.first?.count == 1)
            let configured = try await store.keys(configured: "0123456789abcdef")
            #expect(try configured == [LinkKey(configured: "0123456789abcdef")] + (keys.first ?? []))
        }
    }
}
