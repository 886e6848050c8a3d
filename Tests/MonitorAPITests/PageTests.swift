import Foundation
import Monitoring
import Notifications
import Postgres
import TestSupport
import Testing

@testable import MonitorAPI

/// Pages with alerts of every kind.
@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint))
struct PageTests {
    static let alerts = """
        INSERT INTO monitoring_alerts (id, fingerprint, alert_type, severity, peak_severity, metric_name, current_value, baseline_value,
            deviation_ratio, threshold_low, threshold_medium, threshold_high, metric_date, metric_hour, comparison_window_days,
            affected_model, slice_dimension, slice_value, status, opened_at, live_since, last_evidence_at, summary, context_data, sequence)
        VALUES
        ('00000000-0000-4000-8000-0000000000a1', 'a1', 'traffic_drop', 'high', 'high', 'total_events', 12, 1096, 91.3333, 1.5, 2, 3,
            '2026-03-10', 11, 7, NULL, NULL, NULL, 'open', '2026-03-10T11:30Z', '2026-03-10T11:30Z', '2026-03-10T11:55Z',
            'Traffic dropped to 12 events in the last hour (expected 1,096).', '{"window_seconds": 3600, "total_events": 12}', 1),
        ('00000000-0000-4000-8000-0000000000a2', 'a2', 'model_drift', 'medium', 'medium', 'model_mix', 0.3142, 0.2, 1.571, 1.5, 2, 3,
            '2026-03-10', 11, 7, 'claude-haiku', NULL, NULL, 'open', '2026-03-10T11:35Z', '2026-03-10T11:35Z', '2026-03-10T11:55Z',
            'Model mix shifted: claude-haiku from 12 % to 48 % (PSI 0.31).', '{"window_seconds": 21600}', 1),
        ('00000000-0000-4000-8000-0000000000a3', 'a3', 'error_spike', 'low', 'low', 'error_rate', 0.091, 0.02, 4.55, 1.5, 2, 3,
            '2026-03-10', 11, 7, 'gpt-4o', 'model', 'gpt-4o', 'open', '2026-03-10T11:40Z', '2026-03-10T11:40Z', '2026-03-10T11:55Z',
            'Error rate of model gpt-4o 9.1 %, 4.5x the expected 2.0 % (9 of 99 events; expected 2.0).',
            '{"window_seconds": 3600, "dimension": "model", "value": "gpt-4o", "lag_days": 7}', 1);
        """

    @Test("a monitor that cannot judge yet says so, and from when on it can")
    func learning() async throws {
        try await withListener(fixture: false) { listener in
            let empty = try await listener.send("GET", "/").text
            #expect(empty.contains("<h1>Learning what is normal</h1>") && empty.contains("Alerts begin when there are days enough"))
            func fill(_ from: String, _ until: String) async throws {
                try await listener.run(
                    """
                    INSERT INTO monitoring_rollup
                        (bucket_start, total_events, successful_events, failed_events, fallback_events, duplicate_events, scored_events, malformed_events,
                         latency_events, latency_sum, latency_values, latency_counts, rolled_up_at)
                    SELECT start, 100, 98, 1, 4, 2, 100, 0, 100, 100000, '{1000}', '{100}', start
                    FROM generate_series('\(from)'::timestamptz, '\(until)'::timestamptz - interval '5 minutes', interval '5 minutes') AS start
                    """)
            }
            try await fill("2026-03-08 00:00+00", "2026-03-10 12:00+00")
            let young = try await listener.send("GET", "/").text
            #expect(young.contains("Nothing is judged yet."))
            #expect(young.contains("Alerts begin on 13\u{A0}Mar,\u{A0}00:00\u{A0}UTC"), "\(young)")
            try await fill("2026-03-01 00:00+00", "2026-03-08 00:00+00")
            // These events name no model.
            let grown = try await listener.send("GET", "/").text
            #expect(
                grown.contains("<h1>All quiet</h1>") && grown.contains("is no further off than chance explains; not judged yet: Model mix.")
            )
        }
    }

    @Test("an alert with a long name and long labels is a card like others, and its own page has all of it")
    func long() async throws {
        try await withListener(fixture: false) { listener in
            try await listener.run(GroupFixture.sql(2))
            let (name, label) = (String(repeating: "é", count: 9000), String(repeating: "x ", count: 9000))
            try await listener.run(
                """
                UPDATE monitoring_alerts SET alert_type = 'relayed', metric_name = 'relayed', current_value = NULL, origin = 'prometheus',
                    labels = jsonb_build_object('alertname', '\(name)', 'text', '\(label)')
                WHERE id = '\(GroupFixture.alert(1))'
                """)
            for path in ["/", try listener.groupLink(.open)] {
                let page = try await listener.send("GET", path).text
                #expect(page.contains(">\(name.prefix(199))…</a>") && page.contains(">text=\(label.prefix(294))…</p>"))
                #expect(!page.contains(name.prefix(201)) && !page.contains(label.prefix(302)))
            }
            let page = try await listener.send("GET", "/alerts/\(GroupFixture.alert(1))").text
            #expect(page.contains("<h1>\(name)</h1>") && page.contains("<dd>\(label)</dd>"))
        }
    }

    @Test("of more silences than the page holds it says so")
    func manySilences() async throws {
        try await withListener(fixture: false) { listener in
            try await listener.run(
                """
                INSERT INTO monitoring_silences (matchers, starts_at, ends_at, created_by, comment)
                SELECT ARRAY['model=m' || n], '2026-03-10T11:00Z', '2026-03-10T13:00Z', 'Ana', '' FROM generate_series(1, 50) AS n
                """)
            let words = "There are more than 50; the monitor API and torq-monitor silences list have all."
            #expect(try await !listener.send("GET", "/").text.contains(words))
            try await listener.run(
                """
                INSERT INTO monitoring_silences (matchers, starts_at, ends_at, created_by, comment)
                VALUES ('{model=n}', '2026-03-10T11:00Z', '2026-03-10T13:00Z', 'Ana', '')
                """)
            let page = try await listener.send("GET", "/").text
            #expect(page.contains(words) && page.matches(of: /<code>model=/).count == 50)
        }
    }

    @Test("without script, how far back and how often go together")
    func refreshing() async throws {
        try await withListener { listener in
            let day = try await listener.send("GET", "/").text
            #expect(day.contains(#"<a href="./?refresh=60">Refresh every minute</a>"#))
            #expect(day.contains(#"<a href="./?window=7d">7 days</a>"#))
            let week = try await listener.send("GET", "/?window=7d").text
            #expect(week.contains(#"<a href="./?window=7d&amp;refresh=60">Refresh every minute</a>"#))
            let both = try await listener.send("GET", "/?window=7d&refresh=90").text
            #expect(both.contains(#"<a href="./?window=7d">Stop refreshing</a>"#))
            #expect(both.contains(#"<a href="./?refresh=90">24 hours</a>"#))
            #expect(both.contains(#"<a href="./?window=30d&amp;refresh=90">30 days</a>"#))
        }
    }

    @Test("of more alerts than a page holds it shows the gravest, and says how many there are")
    func many() async throws {
        try await withListener(fixture: false) { listener in
            try await listener.run(
                """
                INSERT INTO monitoring_alerts (fingerprint, alert_type, severity, peak_severity, metric_name, metric_date, status, opened_at,
                    live_since, last_evidence_at, summary, sequence, origin, labels)
                SELECT 'r' || n, 'relayed', CASE n WHEN 1200 THEN 'critical' ELSE 'low' END, 'low', 'relayed', '2026-03-10',
                    CASE n WHEN 7 THEN 'acknowledged' ELSE 'open' END, timestamptz '2026-03-10T12:00Z' - n * interval '1 second', now(), now(),
                    'Summary ' || n, 1, 'prometheus', jsonb_build_object('alertname', 'Number ' || n)
                FROM generate_series(1, 1200) AS n
                """)
            let page = try await listener.send("GET", "/").text
            #expect(page.contains("<h1>1,199 alerts that nobody has</h1>"))
            #expect(page.contains("The gravest 51 of 1,200; the monitor API and torq-monitor alerts list have all."))
            let shown = page.matches(of: /Summary \d+/).map { String($0.output) }
            #expect(shown == ["Summary 1200"] + (1...50).filter { $0 != 7 }.map { "Summary \($0)" } + ["Summary 7"], "\(shown)")
        }
    }

    @Test(
        "an alert of every kind has its figures in their units",
        arguments: [
            (
                "a1", "Traffic drop",
                [
                    "<dt>Traffic</dt><dd>12\u{A0}events</dd>", "<dt>Expected</dt><dd>1,096\u{A0}events</dd>",
                    "<dt>Deviation</dt><dd>91.3× fewer</dd>", "Traffic over", "expected 183\u{A0}events",
                ]
            ),
            (
                "a2", "Model drift",
                ["<dt>Model mix</dt><dd>0.31</dd>", "<dt>Threshold</dt><dd>0.20</dd>", "<dt>Deviation</dt><dd>1.6×</dd>"]
            ),
            (
                "a3", "Error spike of model gpt-4o",
                ["<dt>Error rate</dt><dd>9.1\u{A0}%</dd>", "<dt>Model</dt><dd>gpt-4o</dd>", "to 16.7\u{A0}%", "lag_days"]
            ),
        ])
    func everyKind(id: String, title: String, words: [String]) async throws {
        try await withListener { listener in
            try await listener.database.client.withConnection { try await $0.executeScript(Self.alerts) }
            let page = try await listener.send("GET", "/alerts/00000000-0000-4000-8000-0000000000\(id)")
            #expect(page.status == 200 && page.text.contains("<h1>\(title)</h1>"), "\(page.text)")
            for word in words { #expect(page.text.contains(word), "\(word) in \(page.text)") }
            #expect(!page.text.contains("Baseline"))
            let status = try await listener.send("GET", "/")
            #expect(status.text.contains(">\(title)</a>") && status.text.contains("10 events in the last 24 hours"))
        }
    }

    @Test("an alert that came and went is marked where it stood, and one whose steps are not kept all its time")
    func marks() async throws {
        try await withListener { listener in
            let client = listener.database.client
            try await client.query(
                """
                INSERT INTO monitoring_alert_transitions (alert_id, sequence, transition, from_status, to_status, from_severity, to_severity,
                    actor, occurred_at)
                VALUES
                ('\(Fixture.alert)', 2, 'acknowledged', 'open', 'acknowledged', 'high', 'high', 'ann', '2026-03-10T11:31Z'),
                ('\(Fixture.alert)', 3, 'resolved', 'acknowledged', 'resolved', 'high', 'high', 'monitor', '2026-03-10T11:35Z'),
                ('\(Fixture.alert)', 4, 'reopened', 'resolved', 'open', 'high', 'critical', 'monitor', '2026-03-10T11:50Z')
                """)
            let trends = TrendQueries(client: client)
            func marks(from start: String, of alert: String? = nil) async throws -> [String] {
                let from = try #require(MonitoringJSON.date(fromTimestamp: start))
                return try await trends.marks(from: from, until: Listener.now, of: alert.flatMap(UUID.init(uuidString:))).map { mark in
                    let end = mark.span.end.map(MonitoringJSON.timestamp) ?? "now"
                    return "\(mark.metricName) \(mark.span.severity) \(MonitoringJSON.timestamp(mark.span.start)) \(end)"
                }
            }
            let back = "fallback_rate high 2026-03-10T11:50:00Z now"
            let first = "fallback_rate high 2026-03-10T11:30:00Z 2026-03-10T11:35:00Z"
            #expect(try await marks(from: "2026-03-10T00:00:00Z", of: Fixture.alert) == [back, first])
            #expect(try await marks(from: "2026-03-10T11:40:00Z", of: Fixture.alert) == [back])
            #expect(
                try await marks(from: "2026-03-09T11:00:00Z") == [
                    back, "latency_p95 low 2026-03-10T11:40:00Z now", first, "error_rate medium 2026-03-09T10:00:00Z 2026-03-09T12:00:00Z",
                ])
            let page = try await listener.send("GET", "/alerts/\(Fixture.alert)")
            #expect(page.text.contains("an alert stood 2 times."))
        }
    }

    @Test("a long history is not read for the marks, and alerts from elsewhere take no place among them")
    func marksOfALongHistory() async throws {
        try await withListener { listener in
            let client = listener.database.client
            try await client.query(
                """
                INSERT INTO monitoring_alerts (fingerprint, alert_type, severity, peak_severity, metric_name, metric_date, status, opened_at,
                    live_since, last_evidence_at, resolved_at, origin, labels)
                SELECT
                    'long-' || n, CASE WHEN is_ours THEN 'error_spike' ELSE 'relayed' END, 'low', 'low',
                    CASE WHEN is_ours THEN 'error_rate' ELSE 'relayed' END, '2026-01-01', CASE WHEN is_ours THEN 'resolved' ELSE 'open' END,
                    at, at, at, CASE WHEN is_ours THEN at + interval '1 minute' END, CASE WHEN NOT is_ours THEN 'prometheus' END,
                    CASE WHEN NOT is_ours THEN jsonb_build_object('alertname', n::text) END
                FROM generate_series(1, 10000) AS n
                CROSS JOIN LATERAL (
                    SELECT
                        n <= 5000 AS is_ours,
                        CASE WHEN n <= 5000 THEN timestamptz '2025-01-01 00:00Z' ELSE timestamptz '2026-03-10 11:45Z' END
                            + n * interval '0.1 s' AS at
                ) AS moment
                """)
            try await client.query(
                """
                INSERT INTO monitoring_alert_transitions
                    (alert_id, sequence, transition, from_status, to_status, to_severity, actor, occurred_at)
                SELECT a.id, s.sequence, s.transition, s.from_status, s.to_status, 'low', 'monitor', a.opened_at
                FROM monitoring_alerts AS a
                CROSS JOIN (VALUES (1, 'opened', NULL, 'open'), (2, 'resolved', 'open', 'resolved'))
                    AS s (sequence, transition, from_status, to_status)
                WHERE a.fingerprint LIKE 'long-%'
                """)
            for table in ["monitoring_alerts", "monitoring_alert_transitions"] { try await client.query("ANALYZE \(table)") }
            let from = Listener.now.addingTimeInterval(-86_400)
            let statement = TrendQueries.marks(of: TrendQueries.between)
            let plan = try await client.query("EXPLAIN \(statement)", [.timestamp(from), .timestamp(Listener.now)]).map {
                try $0.decode("QUERY PLAN") as String
            }
            #expect(plan.contains { $0.contains("Index Scan using monitoring_alerts_by_end") }, "\(plan)")
            #expect(plan.contains { $0.contains("Index Scan using monitoring_alerts_of_ours") }, "\(plan)")
            #expect(!plan.contains { $0.contains("Seq Scan") }, "\(plan)")
            let marks = try await TrendQueries(client: client).marks(from: from, until: Listener.now)
            #expect(Set(marks.map(\.metricName)) == ["fallback_rate", "latency_p95"])
        }
    }

    @Test("what pages show of a stretch is what the engine says of it")
    func sameFigures() async throws {
        try await withListener { listener in
            let trends = TrendQueries(client: listener.database.client)
            let end = Listener.now
            let total = try #require(try await trends.total(from: end.addingTimeInterval(-86_400), until: end))
            let health: Double = try await listener.database.client.query(
                "SELECT monitoring_health(10::bigint, 8::bigint, 2::bigint, 0::bigint)::float8 AS health")[0].decode("health")
            #expect(abs((total.healthScore ?? 0) - health) < 0.005)
            #expect(total.totalEvents == 10 && total.fallbackRate == 0.2 && total.errorRate == 0.1 && total.duplicateRate == 0)
            #expect(total.latencyP95 == 62.5)
            let hour = try #require(try await trends.total(from: end.addingTimeInterval(-3600), until: end))
            #expect(hour.totalEvents == 4)
            #expect(try await trends.total(from: end, until: end.addingTimeInterval(3600)) == nil)
            let slice = try await trends.steps(
                from: end.addingTimeInterval(-7200), until: end, seconds: 3600, of: .init(dimension: .model, value: "gpt-4o"))
            #expect(slice.map(\.totalEvents) == [6, 1] && slice.map(\.fallbackRate) == [2.0 / 6, 1])
        }
    }
}
