import Foundation
import Monitoring
import Postgres
import TestSupport
import Testing

@testable import MonitorService

/// What own tables keep, and what they let go. The present is 2026-06-01 12:00 UTC.
@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint)) struct RetentionTests {
    static let now = Date(timeIntervalSince1970: 1_780_315_200)

    @Test func whatIsPastGoesAndWhatIsNeededStays() async throws {
        try await withTestDatabase(schema: true) { database in
            let client = database.client
            // Alerts by name: when they were resolved, in days before now; nil: they are open.
            for (name, opened, resolved) in [
                ("new", 20, 10), ("told", 50, 40), ("old", 400, 390), ("open", 400, nil), ("held", 400, 390),
            ] as [(String, Int, Int?)] {
                try await Self.alert(name, openedDaysAgo: opened, resolvedDaysAgo: resolved, isHeld: name == "held", client)
            }
            let removed = try await Self.removeAll(RetentionConfiguration(), client)
            #expect(removed.rows == ["attempts": 4, "notifications": 3, "rollup": 0, "alerts": 1, "audit": 1, "others": 2])
            #expect(
                try await Self.names("SELECT fingerprint AS name FROM monitoring_alerts ORDER BY 1", client) == [
                    "held", "new", "open", "told",
                ])
            // Notifications of what is open stay, though they are old; their attempts go.
            #expect(
                try await Self.names(
                    """
                    SELECT a.fingerprint || CASE WHEN EXISTS (
                        SELECT FROM monitoring_delivery_attempts t WHERE t.notification_id = n.id) THEN ' tried' ELSE '' END AS name
                    FROM monitoring_notifications n JOIN monitoring_alerts a ON a.id = n.alert_id ORDER BY 1
                    """, client) == ["new tried", "open"])
            // Steps stay as long as their alerts.
            #expect(
                try await Self.names(
                    """
                    SELECT DISTINCT a.fingerprint AS name
                    FROM monitoring_alert_transitions t JOIN monitoring_alerts a ON a.id = t.alert_id ORDER BY 1
                    """, client) == ["held", "new", "open", "told"])
            #expect(try await Self.names("SELECT written_by AS name FROM monitoring_settings ORDER BY 1", client) == ["last"])
            #expect(try await Self.names("SELECT comment AS name FROM monitoring_silences", client) == ["new"])
            #expect(try await Self.names("SELECT subject AS name FROM monitoring_audit", client) == ["new"])
            #expect(try await Self.removeAll(RetentionConfiguration(), client).isEmpty)
        }
    }

    /// Resolved by hand long ago: were it forgotten, its source would open it anew.
    @Test func whatASourceStillSaysStays() async throws {
        try await withTestDatabase(schema: true) { database in
            for name in ["said", "silent"] { try await Self.alert(name, openedDaysAgo: 400, resolvedDaysAgo: 390, database.client) }
            try await database.client.query(
                """
                INSERT INTO monitoring_relayed_alerts (fingerprint, alert_id, content, started_at, last_seen_at, ends_at)
                SELECT fingerprint, id, '', now(), now(), 'infinity' FROM monitoring_alerts WHERE fingerprint = 'said'
                """)
            _ = try await Self.removeAll(RetentionConfiguration(), database.client)
            #expect(try await Self.names("SELECT fingerprint AS name FROM monitoring_alerts", database.client) == ["said"])
        }
    }

    @Test func forEverKeepsAll() async throws {
        try await withTestDatabase(schema: true) { database in
            try await Self.alert("old", openedDaysAgo: 4000, resolvedDaysAgo: 3990, database.client)
            try await Self.detail(fromDaysAgo: 200, toDaysAgo: 199, database.client)
            var configuration = RetentionConfiguration()
            (configuration.attempts, configuration.rollup, configuration.resolvedAlerts, configuration.audit) = (nil, nil, nil, nil)
            #expect(try await Self.removeAll(configuration, database.client).isEmpty)
        }
    }

    @Test func aMessageOfSeveralAlertsStaysAsLongAsOneOfThemIsOpen() async throws {
        try await withTestDatabase(schema: true) { database in
            let client = database.client
            try await Self.alert("over", openedDaysAgo: 60, resolvedDaysAgo: 50, client)
            try await Self.alert("open", openedDaysAgo: 60, resolvedDaysAgo: nil, client)
            try await client.query(
                """
                UPDATE monitoring_notifications
                SET group_key = 'g', message_id = (
                    SELECT n.id FROM monitoring_notifications n JOIN monitoring_alerts a ON a.id = n.alert_id WHERE a.fingerprint = 'over')
                """)
            #expect(try await Self.removeAll(RetentionConfiguration(), client).rows["notifications"] == 0)
            try await client.query("UPDATE monitoring_alerts SET status = 'resolved', resolved_at = opened_at")
            #expect(try await Self.removeAll(RetentionConfiguration(), client).rows["notifications"] == 2)
        }
    }

    /// Forty go in a batch: as many that must stay come before one that may go.
    @Test func whatMustStayKeepsNothingElse() async throws {
        try await withTestDatabase(schema: true) { database in
            let client = database.client
            for number in 0..<45 { try await Self.alert("over\(number)", openedDaysAgo: 60, resolvedDaysAgo: 50, client) }
            try await Self.alert("open", openedDaysAgo: 60, resolvedDaysAgo: nil, client)
            try await client.query(
                "UPDATE monitoring_notifications SET group_key = 'g', message_id = (SELECT min(id::text)::uuid FROM monitoring_notifications)"
            )
            try await Self.alert("alone", openedDaysAgo: 59, resolvedDaysAgo: 50, client)
            #expect(try await Self.removeAll(RetentionConfiguration(), client).rows["notifications"] == 1)
        }
    }

    /// Whole days, the oldest first, two a batch; not while an alert stands that began before.
    @Test func detailGoesByDaysAndItsDaysStay() async throws {
        try await withTestDatabase(schema: true) { database in
            let client = database.client
            try await Self.detail(fromDaysAgo: 125, toDaysAgo: 119, client)
            let days = try await Self.names(
                "SELECT metric_date::text AS name FROM monitoring_metrics WHERE metric_hour IS NULL ORDER BY 1", client)
            #expect(days.count == 7)
            let first = try await Self.remove(RetentionConfiguration(), client)
            #expect(!first.isFinished)
            #expect(try await Self.detailDays(client) == Array(days.dropFirst(2)))
            try await Self.alert("open", openedDaysAgo: 122, resolvedDaysAgo: nil, client)
            _ = try await Self.removeAll(RetentionConfiguration(), client)
            #expect(try await Self.detailDays(client) == Array(days.dropFirst(3)))
            try await client.query("UPDATE monitoring_alerts SET status = 'resolved', resolved_at = opened_at")
            _ = try await Self.removeAll(RetentionConfiguration(), client)
            #expect(try await Self.detailDays(client) == Array(days.suffix(2)))
            #expect(
                try await Self.names(
                    "SELECT metric_date::text AS name FROM monitoring_metrics WHERE metric_hour IS NULL ORDER BY 1", client) == days)
        }
    }

    /// Its raw events are gone as well: computing it again would make nothing of what was counted.
    @Test func aDayWithoutDetailIsNotComputedAgain() async throws {
        try await withTestDatabase(schema: true) { database in
            let client = database.client
            try await Self.detail(fromDaysAgo: 125, toDaysAgo: 125, client)
            let day = try await Self.names("SELECT metric_date::text AS name FROM monitoring_metrics WHERE metric_hour IS NULL", client)[0]
            let before = try await Self.totals(client)
            #expect(before.first == 24)
            _ = try await Self.removeAll(RetentionConfiguration(), client)
            try await client.query("DELETE FROM learning_events WHERE occurred_at > (SELECT min(occurred_at) FROM learning_events)")
            // A late retry of the one that is left, and somebody who asks for the day.
            try await client.query("UPDATE learning_events SET duplicate_count = 2")
            try await MonitoringEngine(client: client).catchUp(at: Self.now)
            _ = try await MonitoringEngine(client: client).compute(try #require(Day(day)), at: Self.now)
            #expect(try await Self.totals(client) == before)
            #expect(try await client.query("SELECT count(*) AS count FROM monitoring_rollup_pending")[0].decode("count", as: Int.self) == 0)
            // Another day of the past, which was never computed, is.
            try await Self.events(daysAgo: 300, client)
            try await MonitoringEngine(client: client).catchUp(at: Self.now)
            #expect(try await Self.totals(client).count == 2)
        }
    }

    @Test(arguments: [("rollup: 30d", "rollup"), ("resolved_alerts: 7d", "resolved_alerts")])
    func whatExpectationsNeedCannotBeTakenFromThem(line: String, key: String) {
        let problems = ConfigurationFileTests.problems("retention: {\(line)}", [:])
        #expect(problems.count == 1 && problems[0].contains("retention.\(key)"), "\(problems)")
    }

    @Test func batchesFollowEachOtherUntilAllIsGone() {
        let start = ContinuousClock.now
        var schedule = RetentionSchedule()
        #expect(schedule.isDue(at: start))
        schedule.ran(isFinished: false, at: start)
        #expect(!schedule.isDue(at: start) && schedule.isDue(at: start + .seconds(1)))
        schedule.ran(isFinished: true, at: start)
        #expect(!schedule.isDue(at: start + .seconds(3599)) && schedule.untilNext(after: start + .seconds(600)) == .seconds(3000))
    }

    // MARK: -

    private static func remove(_ configuration: RetentionConfiguration, _ client: PostgresClient) async throws -> Retention.Removed {
        try await client.transaction { try await Retention(configuration).removeBatch(at: now, limit: 40, on: $0) }
    }

    private static func removeAll(_ configuration: RetentionConfiguration, _ client: PostgresClient) async throws -> Retention.Removed {
        var all = Retention.Removed()
        for _ in 0..<50 {
            let batch = try await remove(configuration, client)
            all.rows.merge(batch.rows) { $0 + $1 }
            if batch.isFinished { return all }
        }
        Issue.record("it never ends")
        return all
    }

    /// An alert with a step, a delivered notification and its attempt, and beside it a silence, an audit row and settings of that age.
    private static func alert(
        _ name: String, openedDaysAgo: Int, resolvedDaysAgo: Int?, isHeld: Bool = false, _ client: PostgresClient
    ) async throws {
        let parameters: [PostgresValue] = [
            .text(name), .timestamp(now.addingTimeInterval(Double(-openedDaysAgo) * 86400)),
            .timestamp(resolvedDaysAgo.map { now.addingTimeInterval(Double(-$0) * 86400) }), .bool(isHeld),
        ]
        try await client.query(
            """
            WITH alert AS (
                INSERT INTO monitoring_alerts
                    (fingerprint, alert_type, severity, peak_severity, metric_name, metric_date, opened_at, live_since,
                     last_evidence_at, sequence, status, resolved_at, held_severity)
                SELECT $1::text, 'fallback_spike', 'high', 'high', 'fallback_rate', $2::timestamptz::date, $2::timestamptz, $2::timestamptz,
                    $2::timestamptz, 1, CASE WHEN $3::timestamptz IS NULL THEN 'open' ELSE 'resolved' END, $3::timestamptz,
                    CASE WHEN $4::boolean THEN 'high' END
                RETURNING id
            ), step AS (
                INSERT INTO monitoring_alert_transitions (alert_id, sequence, transition, to_status, to_severity, actor, occurred_at, routed_at)
                SELECT id, 1, 'opened', 'open', 'high', 'monitor', $2::timestamptz, $2::timestamptz FROM alert
            ), notification AS (
                INSERT INTO monitoring_notifications
                    (alert_id, receiver, cause, sequence, transition, severity, status, due_at, delivered_at, created_at, body)
                SELECT id, 'hook', 'transition', 1, 'opened', 'high', 'delivered', $2::timestamptz, $2::timestamptz, $2::timestamptz, 'b'
                FROM alert
                RETURNING id
            )
            INSERT INTO monitoring_delivery_attempts (notification_id, attempt, process, started_at, outcome)
            SELECT id, 1, 'p', $2::timestamptz, 'delivered' FROM notification
            """, parameters)
        guard name == "new" || name == "old" else { return }
        let age = name == "old" ? 800 : 20
        let moment = PostgresValue.timestamp(now.addingTimeInterval(Double(-age) * 86400))
        try await client.query(
            """
            INSERT INTO monitoring_silences (matchers, starts_at, ends_at, created_by, comment)
            SELECT ARRAY['severity=low'], $2::timestamptz, $2::timestamptz + interval '1 hour', 'a', $1::text
            """, [.text(name), moment])
        try await client.query(
            "INSERT INTO monitoring_audit (action, subject, actor, reason, occurred_at) SELECT 'a', $1::text, 'b', 'c', $2::timestamptz",
            [.text(name), moment])
        // The last ones hold, however old they are.
        try await client.query("DELETE FROM monitoring_settings WHERE written_by = 'last'")
        try await client.query(
            """
            INSERT INTO monitoring_settings (settings, written_by, written_at)
            SELECT '{}', name, $1::timestamptz FROM unnest(ARRAY[$2::text, 'last']) AS name WHERE name <> 'new'
            """, [.timestamp(now.addingTimeInterval(-800 * 86400)), .text(name)])
    }

    private static func events(daysAgo: Int, _ client: PostgresClient) async throws {
        try await client.query(
            """
            INSERT INTO learning_events (event_id, event_type, occurred_at, event_data)
            SELECT $1::timestamptz::text || hour, 'chat_interaction', $1::timestamptz + make_interval(hours => hour), '{"reward": 0.9, "model": "m"}'
            FROM generate_series(0, 23) AS hour
            """,
            [.timestamp(Date(timeIntervalSince1970: (now.timeIntervalSince1970 / 86400).rounded(.down) * 86400 - Double(daysAgo) * 86400))])
    }

    /// Rolled-up days of 24 events each.
    private static func detail(fromDaysAgo first: Int, toDaysAgo last: Int, _ client: PostgresClient) async throws {
        for day in last...first { try await events(daysAgo: day, client) }
        try await MonitoringEngine(client: client).catchUp(at: now)
    }

    private static func detailDays(_ client: PostgresClient) async throws -> [String] {
        let five = try await names(
            "SELECT DISTINCT (bucket_start AT TIME ZONE 'UTC')::date::text AS name FROM monitoring_rollup ORDER BY 1", client)
        let slices = try await names(
            "SELECT DISTINCT (hour_start AT TIME ZONE 'UTC')::date::text AS name FROM monitoring_rollup_slices ORDER BY 1", client)
        let values = try await names("SELECT DISTINCT day::text AS name FROM monitoring_rollup_values ORDER BY 1", client)
        #expect(five == slices && slices == values)
        return five
    }

    private static func totals(_ client: PostgresClient) async throws -> [Int] {
        try await client.query("SELECT total_events FROM monitoring_metrics WHERE metric_hour IS NULL ORDER BY metric_date DESC")
            .map { try $0.decode("total_events") }
    }

    private static func names(_ sql: String, _ client: PostgresClient) async throws -> [String] {
        try await client.query(sql).map { try $0.decode("name") }
    }
}
