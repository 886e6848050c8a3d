import Foundation
import Monitoring
import TestSupport
import Testing

@testable import MonitorAPI

/// Lists in pages.
@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint))
struct PagingTests {
    private static let rows = """
        UPDATE monitoring_alerts SET opened_at = '2026-03-10T11:00Z';
        INSERT INTO monitoring_silences (matchers, starts_at, ends_at, created_by)
        SELECT '{severity=low}', '2026-03-10T11:00Z', '2026-03-11T11:00Z'::timestamptz + (n / 3) * interval '1 microsecond', 'Ana'
        FROM generate_series(1, 7) n;
        INSERT INTO monitoring_metrics (metric_date, metric_hour, window_start, window_end, total_events, successful_events, failed_events,
            fallback_events, duplicate_events, scored_events, malformed_events)
        SELECT day::date, NULL, day, day + interval '1 day', 1, 1, 0, 0, 0, 1, 0
        FROM generate_series('2026-03-01T00:00Z'::timestamptz, '2026-03-07T00:00Z', '1 day') AS day
        UNION ALL
        SELECT '2026-03-09', extract(hour FROM hour AT TIME ZONE 'UTC'), hour, hour + interval '1 hour', 1, 1, 0, 0, 0, 1, 0
        FROM generate_series('2026-03-09T10:00Z'::timestamptz, '2026-03-09T16:00Z', '1 hour') AS hour;
        """

    @Test(
        "pages follow each other without gap or repetition, in the order of the whole, and the last one says so",
        arguments: [
            ("alerts?status=all&threshold=low", "alerts", 9), ("silences", "silences", 7), ("metrics/daily", "metrics", 8),
            ("metrics/hourly?start_date=2026-03-01", "metrics", 8), ("notifications", "notifications", 7),
        ])
    func pages(path: String, list: String, count: Int) async throws {
        try await withListener { listener in
            try await listener.run(GroupFixture.sql(6) + Self.rows)
            let first = "/api/monitor/\(path)\(path.contains("?") ? "&" : "?")limit="
            let whole = try JSONValue(parsing: try await listener.send("GET", "\(first)1000").text)
            #expect(whole[list]?.array?.count == count && whole["next_cursor"] == .null)
            for limit in [1, 2, 3, count] {
                var seen: [JSONValue] = []
                var cursor = ""
                var pages = 0
                repeat {
                    let page = try JSONValue(parsing: try await listener.send("GET", "\(first)\(limit)\(cursor)").text)
                    seen += page[list]?.array ?? []
                    cursor = page["next_cursor"]?.string.map { "&cursor=\($0)" } ?? ""
                    pages += 1
                } while !cursor.isEmpty && pages < 20
                #expect(seen == whole[list]?.array, "\(limit)")
                #expect(pages == (count + limit - 1) / limit, "\(limit)")
            }
        }
    }

    @Test("a row that goes or comes between two pages makes neither gap nor repetition")
    func changes() async throws {
        try await withListener { listener in
            try await listener.run(GroupFixture.sql(6))
            let path = "/api/monitor/notifications?limit=3"
            let first = try JSONValue(parsing: try await listener.send("GET", path).text)
            let cursor = try #require(first["next_cursor"]?.string)
            let last = try #require(first["notifications"]?.array?.last?["id"]?.string)
            try await listener.run("DELETE FROM monitoring_notifications WHERE id = '\(last)'")
            let second = try JSONValue(parsing: try await listener.send("GET", "\(path)&cursor=\(cursor)").text)
            #expect(second["notifications"]?.array?.compactMap { $0["id"]?.string } == [4, 3, 2].map(GroupFixture.notification))
        }
    }
}
