import Metrics
import TestSupport
import Testing

@testable import MonitorAPI

/// What is measured, as Prometheus reads it.
struct MetricTests {
    @Test("counters, gauges and timers of swift-metrics are written in order, with their labels escaped")
    func text() {
        let registry = PrometheusRegistry()
        registry.describe("monitor_b_total", "What was counted.")
        Counter(label: "monitor_b_total", dimensions: [("receiver", "a\"b\\c\nd")], factory: registry).increment(by: 2)
        Counter(label: "monitor_b_total", dimensions: [("receiver", "a")], factory: registry).increment()
        Counter(label: "monitor_b_total", dimensions: [("receiver", "a")], factory: registry).increment()
        Gauge(label: "monitor.a", factory: registry).record(1.5)
        #expect(
            registry.text() == #"""
                # HELP torq_monitor_a Without a description.
                # TYPE torq_monitor_a gauge
                torq_monitor_a 1.5
                # HELP torq_monitor_b_total What was counted.
                # TYPE torq_monitor_b_total counter
                torq_monitor_b_total{receiver="a"} 2
                torq_monitor_b_total{receiver="a\"b\\c\nd"} 2

                """#)
    }

    @Test("a timer is a histogram of seconds, cumulated")
    func histogram() {
        let registry = PrometheusRegistry()
        let timer = Timer(label: "monitor_t_seconds", dimensions: [("route", "/a")], factory: registry)
        for milliseconds in [1, 3, 3, 40_000] { timer.recordMilliseconds(milliseconds) }
        let text = registry.text()
        for line in [
            #"torq_monitor_t_seconds_bucket{route="/a",le="0.001"} 1"#, #"torq_monitor_t_seconds_bucket{route="/a",le="0.0025"} 1"#,
            #"torq_monitor_t_seconds_bucket{route="/a",le="0.005"} 3"#, #"torq_monitor_t_seconds_bucket{route="/a",le="30"} 3"#,
            #"torq_monitor_t_seconds_bucket{route="/a",le="+Inf"} 4"#, #"torq_monitor_t_seconds_count{route="/a"} 4"#,
            "# TYPE torq_monitor_t_seconds histogram",
        ] {
            #expect(text.contains(line + "\n"), "\(line)")
        }
    }

    @Test("a name with too many labels folds what comes beyond; one of another type is not shown")
    func bounds() {
        let registry = PrometheusRegistry()
        for number in 0..<(PrometheusRegistry.mostSeries + 50) {
            Counter(label: "monitor_x_total", dimensions: [("n", String(number))], factory: registry).increment()
        }
        Gauge(label: "monitor_x_total", factory: registry).record(7)
        let text = registry.text()
        #expect(text.contains("torq_monitor_x_total{overflow=\"true\"} 50\n"))
        #expect(text.split(separator: "\n").count == PrometheusRegistry.mostSeries + 3)
    }

    @Test("requests are counted by method, route and status; no path is a label", .enabled(if: TestDatabase.isAvailable, TestDatabase.hint))
    func requests() async throws {
        try await withListener { listener in
            _ = try await listener.send("GET", "/api/monitor/alerts/\(Fixture.alert)")
            _ = try await listener.send("GET", "/api/monitor/alerts/\(Fixture.absent)")
            _ = try await listener.send("GET", "/no/such/path")
            _ = try await listener.send("PROPFIND", "/health")
            let text = try await listener.send("GET", "/metrics").text
            for (method, route, status) in [
                ("GET", "/api/monitor/alerts/{id}", 200), ("GET", "/api/monitor/alerts/{id}", 404), ("GET", "NotFound", 404),
            ] {
                let labels = #"{method="\#(method)",route="\#(route)",status="\#(status)"}"#
                #expect(text.contains("torq_monitor_http_request_duration_seconds_count\(labels) 1\n"), "\(text)")
            }
            #expect(!text.contains(Fixture.alert) && !text.contains("such"))
            #expect(text.contains(#"torq_monitor_pool_connections{state="waiting"} 0"#))
            #expect(text.contains(#"torq_monitor_receiver_dead{"#) == false)
        }
    }

    @Test("what waits and what is dead is told by receiver", .enabled(if: TestDatabase.isAvailable, TestDatabase.hint))
    func queues() async throws {
        try await withListener { listener in
            try await listener.run(
                GroupFixture.sql(3, status: "dead")
                    + """
                    INSERT INTO monitoring_notifications (alert_id, receiver, cause, sequence, severity, status, due_at)
                    VALUES ('\(Fixture.alert)', 'audit', 'transition', 1, 'low', 'pending', '2026-03-10T11:58Z');
                    """)
            let text = try await listener.send("GET", "/metrics").text
            for line in [
                #"torq_monitor_receiver_dead{receiver="oncall"} 3"#, #"torq_monitor_receiver_queue{receiver="audit"} 1"#,
                #"torq_monitor_receiver_queue_age_seconds{receiver="audit"} 120"#, #"torq_monitor_receiver_queue{receiver="oncall"} 0"#,
                "torq_monitor_rollup_backlog 0",
            ] {
                #expect(text.contains(line + "\n"), "\(line)")
            }
        }
    }
}
