import Foundation
import Logging
import Postgres
import Synchronization
import TestSupport
import Testing

@testable import Notifications

@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint)) struct MetricHistoryTests {
    /// 2026-02-21 10:25 UTC.
    private static let moment = Date(timeIntervalSince1970: 1_771_669_500)
    private static let quiet = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    /// Whole hours from 23 hours ago to the present one, but for the one 5 hours ago; and an hour before, a day, an hour after.
    private static func fill(_ client: PostgresClient) async throws {
        try await client.query(
            """
            INSERT INTO monitoring_metrics
                (metric_date, metric_hour, window_start, window_end, total_events, successful_events, failed_events, fallback_events,
                 duplicate_events, scored_events, malformed_events, fallback_rate, error_rate)
            SELECT (start AT TIME ZONE 'UTC')::date, extract(hour FROM start AT TIME ZONE 'UTC'), start, start + interval '1 hour',
                   100 + ago, 0, 0, 0, 0, 0, 0, ago / 100.0, NULL
            FROM generate_series(-1, 24) AS ago, LATERAL (SELECT timestamptz '2026-02-21 10:00Z' - ago * interval '1 hour' AS start) AS hour
            WHERE ago <> 5
            """)
        try await client.query(
            """
            INSERT INTO monitoring_metrics
                (metric_date, window_start, window_end, total_events, successful_events, failed_events, fallback_events,
                 duplicate_events, scored_events, malformed_events, fallback_rate)
            VALUES ('2026-02-21', '2026-02-21 00:00Z', '2026-02-22 00:00Z', 9, 0, 0, 0, 0, 0, 0, 0.9)
            """)
    }

    @Test func theLastDayIsReadWithItsGaps() async throws {
        try await withTestDatabase(schema: true) { database in
            try await Self.fill(database.client)
            let history = MetricHistory(client: database.client, logger: Self.quiet)
            let day = await history.lastDay(of: ["fallback_rate", "total_events", "error_rate", "model_mix"], until: Self.moment)
            let rates: [Double?] = (0..<24).map { $0 == 18 ? nil : Double(23 - $0) / 100 }
            #expect(day["fallback_rate"] == rates)
            // The present hour is not over: its events are no fall.
            #expect(day["total_events"]?.last == .some(nil) && day["total_events"]?.first == 123)
            #expect(day["error_rate"] == nil && day["model_mix"] == nil)
        }
    }

    @Test func whatWasReadIsKeptForAMinute() async throws {
        try await withTestDatabase(schema: true) { database in
            try await Self.fill(database.client)
            let clock = Mutex(ContinuousClock.now)
            let history = MetricHistory(client: database.client, logger: Self.quiet, now: { clock.withLock { $0 } })
            let first = await history.lastDay(of: ["fallback_rate"], until: Self.moment)
            try await database.client.query("UPDATE monitoring_metrics SET fallback_rate = 0.5")
            clock.withLock { $0 += .seconds(59) }
            #expect(await history.lastDay(of: ["fallback_rate"], until: Self.moment.addingTimeInterval(60)) == first)
            clock.withLock { $0 += .seconds(2) }
            #expect(await history.lastDay(of: ["fallback_rate"], until: Self.moment)["fallback_rate"]?.last == 0.5)
        }
    }

    @Test func whatCannotBeReadIsNotAskedForByEachMessage() async throws {
        try await withTestDatabase(schema: true) { database in
            try await Self.fill(database.client)
            try await database.client.query("ALTER TABLE monitoring_metrics RENAME TO away")
            let clock = Mutex(ContinuousClock.now)
            let history = MetricHistory(client: database.client, logger: Self.quiet, now: { clock.withLock { $0 } })
            #expect(await history.lastDay(of: ["fallback_rate"], until: Self.moment) == [:])
            try await database.client.query("ALTER TABLE away RENAME TO monitoring_metrics")
            clock.withLock { $0 += .seconds(15) }
            #expect(await history.lastDay(of: ["fallback_rate"], until: Self.moment) == [:])
            clock.withLock { $0 += .seconds(1) }
            #expect(await history.lastDay(of: ["fallback_rate"], until: Self.moment)["fallback_rate"]?.count == 24)
        }
    }

    @Test func withoutADatabaseThereIsNone() async throws {
        try await withTestDatabase { database in
            let history = MetricHistory(client: database.client, logger: Self.quiet)
            #expect(await history.lastDay(of: ["fallback_rate"], until: Self.moment) == [:])
            #expect(await history.lastDay(of: [], until: Self.moment) == [:])
        }
    }

    @Test func theIndexFindsTheHours() async throws {
        try await withTestDatabase(schema: true) { database in
            try await database.client.query(
                """
                INSERT INTO monitoring_metrics
                    (metric_date, metric_hour, window_start, window_end, total_events, successful_events, failed_events, fallback_events,
                     duplicate_events, scored_events, malformed_events, fallback_rate)
                SELECT (start AT TIME ZONE 'UTC')::date, extract(hour FROM start AT TIME ZONE 'UTC'), start, start + interval '1 hour',
                       1, 0, 0, 0, 0, 0, 0, 0.1
                FROM generate_series(timestamptz '2025-01-01 00:00Z', '2026-03-01 00:00Z', '1 hour') AS start
                """)
            try await database.client.query("ANALYZE monitoring_metrics")
            let plan = try await database.client.query(
                "EXPLAIN " + MetricHistory.query(["fallback_rate"]),
                [.timestamp(Self.moment.addingTimeInterval(-86_400)), .timestamp(Self.moment)]
            ).map { try $0.decode("QUERY PLAN") as String }
            #expect(plan.contains { $0.contains("monitoring_metrics_metric_date_metric_hour_key") }, "\(plan)")
        }
    }
}
