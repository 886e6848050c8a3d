import Foundation
import Monitoring
import Postgres
import TestSupport
import Testing

@Suite("Baseline", .enabled(if: TestDatabase.isAvailable, TestDatabase.hint))
struct BaselineTests {
    private let update = "SELECT baseline_name FROM update_baseline('7day_rolling', 7, '2026-02-21T01:00:00Z')"

    /// Two quiet days without failures, and a busy hour on the third with failures alone.
    private func insertDays(_ rollup: RollupFixture) async throws {
        for (day, count, reward) in [("18", 10, "0.9"), ("19", 10, "0.9"), ("20", 80, "0.1")] {
            try await rollup.client.query(
                """
                INSERT INTO learning_events (event_id, event_type, occurred_at, event_data)
                SELECT $1 || n, 'success', ('2026-02-' || $1 || 'T12:00:00Z')::timestamptz,
                    jsonb_build_object('reward', $3::numeric, 'duration_ms', n * 100, 'model', 'm' || n % 2, 'backend', 'vercel')
                FROM generate_series(1, $2::integer) AS n
                """, [.text(day), .int(count), .text(reward)])
        }
        try await rollup.rollUp()
    }

    @Test("rates are events over events and percentiles come from all durations")
    func pooled() async throws {
        try await withTestDatabase(schema: true) { database in
            let rollup = RollupFixture(client: database.client)
            try await insertDays(rollup)
            #expect(try await rollup.text(update) == "7day_rolling")
            let row = try await rollup.text(
                """
                SELECT ARRAY[
                    total_events::text, baseline_error_rate::text, baseline_fallback_rate::text, baseline_latency_p50::text,
                    baseline_latency_p95::text, baseline_start_date::text, baseline_end_date::text,
                    (valid_until = '2026-02-22T02:00:00Z')::text, model_baselines #>> '{m1,error_rate}',
                    backend_baselines #>> '{vercel,total_events}', hourly_baselines #>> '{12,latency_p95}']
                FROM monitoring_baseline
                """)
            let percentile = try await rollup.text(
                """
                SELECT ARRAY_TO_STRING(ARRAY(SELECT round(p::numeric, 2) FROM unnest((
                    SELECT percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY (event_data ->> 'duration_ms')::integer)
                    FROM learning_events)) AS p), ',')
                """)
            let p95 = try #require(percentile?.split(separator: ",").last)
            #expect(row == "{100,0.8000,0.0000,\(percentile ?? ""),2026-02-14,2026-02-20,true,0.8000,100,\(p95)}")
        }
    }

    @Test("the hours of an open alert are left out, for its metric alone")
    func openAlert() async throws {
        try await withTestDatabase(schema: true) { database in
            let rollup = RollupFixture(client: database.client)
            try await insertDays(rollup)
            try await database.client.query(
                """
                INSERT INTO monitoring_alerts (
                    fingerprint, alert_type, severity, peak_severity, metric_name, metric_date, opened_at, live_since, last_evidence_at)
                VALUES ('f', 'error_spike', 'high', 'high', 'error_rate', '2026-02-20', '2026-02-20T12:10:00Z', '2026-02-20T12:10:00Z',
                    '2026-02-20T12:10:00Z')
                """)
            #expect(try await rollup.text(update) == "7day_rolling")
            let row = try await rollup.text(
                "SELECT ARRAY[baseline_error_rate, baseline_latency_p95, total_events] FROM monitoring_baseline")
            #expect(row == "{0.0000,7505.00,100}")
        }
    }

    @Test("it leaves out the very hours that evaluations leave out: with the window that showed an alert, to the end of its condition")
    func sameHours() async throws {
        try await withTestDatabase(schema: true) { database in
            let rollup = RollupFixture(client: database.client)
            try await insertDays(rollup)
            // Shown at 18:10 by the six hours before; its condition was over at 20:00, as a person saw at 22:30.
            try await database.client.query(
                """
                WITH alert AS (
                    INSERT INTO monitoring_alerts (
                        fingerprint, alert_type, severity, peak_severity, metric_name, metric_date, opened_at, live_since, last_evidence_at,
                        status, cleared_at, resolved_at)
                    VALUES ('f', 'error_spike', 'high', 'high', 'error_rate', '2026-02-20', '2026-02-20T18:10:00Z', '2026-02-20T18:10:00Z',
                        '2026-02-20T18:10:00Z', 'resolved', '2026-02-20T20:00:00Z', '2026-02-20T22:30:00Z')
                    RETURNING id, opened_at
                )
                INSERT INTO monitoring_alert_transitions (alert_id, sequence, transition, to_status, to_severity, actor, evidence, occurred_at)
                SELECT id, 1, 'opened', 'open', 'high', 'monitor', '{"window_seconds": 21600}', opened_at FROM alert
                """)
            #expect(try await rollup.text(update) == "7day_rolling")
            let row = try await rollup.text(
                """
                SELECT ARRAY[baseline_error_rate::text, total_events::text, model_baselines #>> '{m1,error_rate}',
                    model_baselines #>> '{m1,fallback_rate}', backend_baselines #>> '{vercel,error_rate}']
                FROM monitoring_baseline
                """)
            #expect(row == "{0.0000,100,0.0000,0.0000,0.0000}")
            let differing = try await rollup.text(
                """
                SELECT count(*)
                FROM monitoring_baseline_hours('2026-02-14', '2026-02-20', NULL, '2026-02-21T01:00:00Z') AS hour
                WHERE hour.for_error = hour.hour_start <@ monitoring_unfit_hours('{error_rate}', '-infinity', '2026-02-21')
                """)
            #expect(differing == "0")
        }
    }

    @Test("where alerts leave too little, it reaches back by as many days as give half of the window's hours")
    func reachesBack() async throws {
        try await withTestDatabase(schema: true) { database in
            try await database.client.query(
                """
                INSERT INTO learning_events (event_id, event_type, occurred_at, event_data)
                SELECT 'e' || n, 'success', '2026-02-01T00:30:00Z'::timestamptz + n * interval '1 hour', '{"reward": 0.9}'
                FROM generate_series(0, 20 * 24 - 1) AS n
                """)
            let rollup = RollupFixture(client: database.client)
            try await rollup.rollUp()
            try await database.client.query(
                """
                INSERT INTO monitoring_alerts (
                    fingerprint, alert_type, severity, peak_severity, metric_name, metric_date, opened_at, live_since, last_evidence_at)
                VALUES ('f', 'error_spike', 'high', 'high', 'error_rate', '2026-02-15', '2026-02-15T01:00:00Z', '2026-02-15T01:00:00Z',
                    '2026-02-20T12:10:00Z')
                """)
            // 14 February alone of the window is calm: three days and a half before it make up the half.
            let hours = try await rollup.text(
                """
                SELECT ARRAY[(min(hour_start) FILTER (WHERE for_error) AT TIME ZONE 'UTC')::text, (count(*) FILTER (WHERE for_error))::text,
                    (count(*) FILTER (WHERE for_latency))::text]
                FROM monitoring_baseline_hours('2026-02-14', '2026-02-20', NULL, '2026-02-21T01:00:00Z')
                """)
            #expect(hours == #"{"2026-02-11 00:00:00",96,168}"#)
        }
    }

    @Test("where open alerts leave nothing, the last figure stays")
    func nothingLeft() async throws {
        try await withTestDatabase(schema: true) { database in
            let rollup = RollupFixture(client: database.client)
            try await insertDays(rollup)
            #expect(try await rollup.text(update) == "7day_rolling")
            try await database.client.query(
                """
                INSERT INTO monitoring_alerts (
                    fingerprint, alert_type, severity, peak_severity, metric_name, metric_date, opened_at, live_since, last_evidence_at)
                VALUES ('f', 'error_spike', 'high', 'high', 'error_rate', '2026-02-10', '2026-02-10T00:00:00Z', '2026-02-10T00:00:00Z',
                    '2026-02-20T12:10:00Z')
                """)
            #expect(try await rollup.text(update) == "7day_rolling")
            #expect(try await rollup.text("SELECT baseline_error_rate FROM monitoring_baseline") == "0.8000")
        }
    }

    @Test("what is left at its default is as the settings say, for everybody who asks")
    func named() async throws {
        try await withTestDatabase(schema: true) { database in
            let rollup = RollupFixture(client: database.client)
            try await insertDays(rollup)
            try await database.client.query(
                #"INSERT INTO monitoring_settings (settings) VALUES ('{"baseline": {"name": "weekly", "window_days": 2}}')"#)
            let moment = try #require(Day("2026-02-20")?.end)
            for call in ["p_now => $1::timestamptz", "'7day_rolling', 7, $1::timestamptz", "NULL, NULL, $1::timestamptz"] {
                try await database.client.query("TRUNCATE monitoring_baseline")
                try await database.client.query("SELECT update_baseline(\(call))", [.timestamp(moment)])
                let row = try await rollup.text(
                    "SELECT concat_ws(' ', baseline_name, baseline_window_days, total_events) FROM monitoring_baseline")
                #expect(row == "weekly 2 90", "\(call)")
            }
            let refreshed = try await BaselineRepository(client: database.client).refresh(at: moment)
            #expect(refreshed?.baselineName == "weekly" && refreshed?.baselineWindowDays == 2)
            #expect(try await BaselineRepository(client: database.client).baseline() == refreshed)
            #expect(try await BaselineRepository(client: database.client).baseline(name: "7day_rolling") == nil)
            let summary = try await MonitoringSummary(client: database.client, clock: { moment }).getSummary()
            #expect(summary.baseline?.errorRate == refreshed?.baselineErrorRate)
            #expect(try await rollup.text("SELECT baseline_error_rate FROM v_monitoring_current_status") == "0.8889")
            try await database.client.query("SELECT update_baseline('other', 7, $1::timestamptz)", [.timestamp(moment)])
            let names = try await rollup.text(
                "SELECT array_agg(baseline_name || baseline_window_days ORDER BY baseline_name) FROM monitoring_baseline")
            #expect(names == "{other7,weekly2}")
        }
    }

    @Test("without events there is no baseline and no error")
    func empty() async throws {
        try await withTestDatabase(schema: true) { database in
            let baselines = try await database.client.query("SELECT * FROM update_baseline()")
            #expect(baselines.count == 0)
            let statuses = try await database.client.query("SELECT * FROM v_monitoring_current_status")
            #expect(statuses.count == 0)
        }
    }
}
