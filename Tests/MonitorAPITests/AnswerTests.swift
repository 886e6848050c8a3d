import Foundation
import MonitorAPI
import Monitoring
import Notifications
import Postgres
import TestSupport
import Testing

/// Whole answers of the API over the fixture.
@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint))
struct AnswerTests {
    @Test("every endpoint that reads answers with every field")
    func reading() async throws {
        try await withListener { listener in
            for (path, expected) in Expected.answers {
                let answer = try await listener.send("GET", path)
                #expect(answer.status == 200, "\(path)")
                #expect(answer.text == expected, "\(path)")
                #expect(answer.header("Content-Type") == "application/json", "\(path)")
                #expect(answer.header("X-Request-Id")?.count == 32, "\(path)")
            }
        }
    }

    @Test("an empty database answers too: nulls, empty lists, and 404 for the baseline")
    func empty() async throws {
        try await withListener(fixture: false) { listener in
            let summary = try await listener.send("GET", "/api/monitor/summary?window=7d")
            #expect(
                summary.text == """
                    {"alerts":{"by_severity":{},"recent":[],"total_open":0},"baseline":null,"generated_at":"2026-03-10T12:00:00Z",\
                    "metrics":{"avg_error_rate":null,"avg_fallback_rate":null,"avg_health_score":null,"latest":null,"total_events":0},\
                    "trends":{"fallback_rate":"unknown","latency_p95":"unknown"},\
                    "window":{"days":0,"end_date":"2026-03-10","start_date":"2026-03-03"}}
                    """)
            let baseline = try await listener.send("GET", "/api/monitor/baseline")
            #expect(baseline.status == 404)
            #expect(
                baseline.text == """
                    {"detail":"There is no baseline yet: it needs events, and is computed by POST /api/monitor/compute or by the worker.",\
                    "status":404,"title":"There is nothing here","type":"urn:torq-monitor:problem:not-found"}
                    """)
            let latency = try await listener.send("GET", "/api/monitor/latency")
            #expect(
                latency.text == """
                    {"avg":null,"events":0,"max":null,"min":null,"p50":null,"p75":null,"p90":null,"p95":null,"p99":null,\
                    "window":{"from":"2026-03-09T12:00:00Z","to":"2026-03-10T12:00:00Z","window":"24h"}}
                    """)
            for path in [
                "/", "/metrics", "/health", "/api/monitor/silences", "/api/monitor/alerts", "/api/monitor/metrics/breakdown?by=agent",
            ] {
                #expect(try await listener.send("GET", path).status == 200, "\(path)")
            }
        }
    }

    @Test("compute takes no body, an empty one and the seed's, and computes what events there are")
    func compute() async throws {
        try await withListener(fixture: false) { listener in
            try await listener.database.client.query(
                """
                INSERT INTO learning_events (event_id, event_type, occurred_at, event_data)
                SELECT 'e' || n, 'chat_interaction', '2026-03-09T10:00Z'::timestamptz + n * interval '1 minute',
                       '{"reward": 0.8, "duration_ms": 100, "model": "gpt-4o"}'
                FROM generate_series(1, 10) AS n
                """)
            let first = try await listener.post("/api/monitor/compute", #"{"date": "2026-03-09", "hour": 10, "update_baseline": false}"#)
            #expect(first.status == 200)
            let time = try #require(first.text.firstRange(of: /"computation_time_ms":[0-9.]+/))
            #expect(
                first.text.replacingCharacters(in: time, with: #""computation_time_ms":0"#) == """
                    {"baseline_data":null,"baseline_updated":false,"computation_time_ms":0,"drift_check":{"alert_ids":[],"alerts_created":0},\
                    "metrics_computed":true,"metrics_inserted":2,"rows_computed":2,"target_date":"2026-03-09","target_hour":10,"view_refreshed":true}
                    """)
            for body in ["", "{}", #"{"update_baseline": true}"#] {
                let answer = try await listener.post("/api/monitor/compute", body)
                #expect(answer.status == 200, "\(body)")
                #expect(answer.text.contains(#""target_date":"2026-03-10","target_hour":null"#), "\(body)")
                #expect(answer.text.contains(#""baseline_updated":true"#), "\(body)")
            }
            #expect(
                try await listener.value(
                    "SELECT total_events FROM monitoring_metrics WHERE metric_hour IS NULL AND metric_date = '2026-03-09'") == "10")
            #expect(try await listener.value("SELECT count(*) FROM mv_daily_metrics WHERE total_events = 10") == "1")
        }
    }

    @Test("compute for today opens the alert that the events call for, once; for a past date it only reports")
    func detecting() async throws {
        try await withListener(fixture: false) { listener in
            // Eight days of 60 events an hour, 2 % of them fallbacks; in the last hour half of them.
            try await listener.database.client.query(
                """
                INSERT INTO learning_events (event_id, event_type, occurred_at, created_at, updated_at, event_data)
                SELECT 'e' || n, 'chat_interaction', at, at, at, jsonb_build_object('reward', 0.8, 'duration_ms', 100, 'model', 'gpt-4o',
                    'telemetry', jsonb_build_object('request_chain', jsonb_build_array(jsonb_build_object('fallback_reason',
                        CASE WHEN n % 50 = 0 OR at >= '2026-03-10T11:00Z' AND n % 2 = 0 THEN 'timeout' END))))
                FROM generate_series(0, 11519) AS n, LATERAL (SELECT '2026-03-02T12:00Z'::timestamptz + n * interval '1 minute' AS at) AS moment
                """)
            let past = try await listener.post("/api/monitor/compute", #"{"date": "2026-03-09"}"#)
            #expect(past.text.contains(#""drift_check":{"alert_ids":[],"alerts_created":0}"#))
            #expect(try await listener.value("SELECT count(*) FROM monitoring_alerts") == "0")
            let today = try await listener.post("/api/monitor/compute")
            let id = try #require(try await listener.value("SELECT id FROM monitoring_alerts WHERE alert_type = 'fallback_spike'"))
            #expect(today.text.contains(#""\#(id)""#), "\(today.text)")
            let again = try await listener.post("/api/monitor/compute", #"{"update_baseline": true}"#)
            #expect(again.text.contains(#""drift_check":{"alert_ids":[],"alerts_created":0}"#))
            let listed = try await listener.send("GET", "/api/monitor/alerts?threshold=medium&status=open")
            #expect(listed.text.lowercased().contains(#""id":"\#(id)""#))
            for path in ["/", "/alerts/\(id)", try listener.link(.acknowledge, id)] {
                let page = try await listener.send("GET", path)
                #expect(page.status == 200 && page.text.contains(#"<path class="line""#), "\(path)")
            }
        }
    }

    @Test("a process whose evaluations have failed for ten minutes is not ready, and says so")
    func evaluationsFail() async throws {
        try await withTestDatabase { database in
            _ = try await SchemaMigrator(client: database.client).migrate()
            let watch = EvaluationWatch()
            try await withListener(over: database, client: database.client, evaluations: watch) { listener in
                watch.failed(at: Listener.now.addingTimeInterval(-600))
                watch.failed(at: Listener.now)
                #expect(try await listener.send("GET", "/ready").status == 200)
                watch.succeeded()
                watch.failed(at: Listener.now.addingTimeInterval(-601))
                watch.failed(at: Listener.now)
                let failing = try await listener.send("GET", "/ready")
                #expect(failing.status == 503)
                #expect(
                    failing.text.contains(#""reason":"evaluations_fail","since":"2026-03-10T11:49:59Z""#)
                        && failing.text.contains("Evaluations have failed since 2026-03-10T11:49:59Z"), "\(failing.text)")
                watch.succeeded()
                #expect(try await listener.send("GET", "/ready").status == 200)
            }
        }
    }

    @Test("ready once the database has this version's schema")
    func ready() async throws {
        try await withTestDatabase { database in
            try await withListener(over: database, client: database.client) { listener in
                let before = try await listener.send("GET", "/ready")
                #expect(before.status == 503)
                #expect(before.header("Retry-After") == "5")
                #expect(before.text.contains(#""detail":"The database's schema is not up to date: run torq-monitor migrate.""#))
                _ = try await SchemaMigrator(client: database.client).migrate()
                #expect(try await listener.send("GET", "/ready").text == #"{"status":"ready"}"#)
            }
        }
    }

    @Test("supervisors are told that it lives, and how it is doing")
    func operation() async throws {
        try await withListener { listener in
            #expect(try await listener.send("GET", "/health").text == #"{"status":"ok"}"#)
            let metrics = try await listener.send("GET", "/metrics")
            #expect(metrics.header("Content-Type") == "text/plain; version=0.0.4; charset=utf-8")
            #expect(
                metrics.text.hasPrefix(
                    """
                    # HELP torq_monitor_alerts Alerts that are not resolved or ignored.
                    # TYPE torq_monitor_alerts gauge
                    torq_monitor_alerts{severity="critical",status="open"} 0
                    torq_monitor_alerts{severity="critical",status="acknowledged"} 0
                    torq_monitor_alerts{severity="high",status="open"} 1
                    torq_monitor_alerts{severity="high",status="acknowledged"} 0
                    torq_monitor_alerts{severity="medium",status="open"} 0
                    torq_monitor_alerts{severity="medium",status="acknowledged"} 0
                    torq_monitor_alerts{severity="low",status="open"} 1
                    torq_monitor_alerts{severity="low",status="acknowledged"} 0
                    # HELP torq_monitor_notifications The outbox: waiting and dead ones, and those of the last day that are finished.
                    # TYPE torq_monitor_notifications gauge
                    torq_monitor_notifications{status="pending"} 0
                    torq_monitor_notifications{status="sending"} 0
                    torq_monitor_notifications{status="delivered"} 1
                    torq_monitor_notifications{status="superseded"} 0
                    torq_monitor_notifications{status="dead"} 0
                    torq_monitor_notifications{status="dropped"} 0
                    # HELP torq_monitor_oldest_notification_age_seconds How long the oldest waiting notification has been due.
                    # TYPE torq_monitor_oldest_notification_age_seconds gauge
                    torq_monitor_oldest_notification_age_seconds 0

                    """))
        }
    }
}
