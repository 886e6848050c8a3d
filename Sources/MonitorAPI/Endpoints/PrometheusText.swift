import Foundation

/// Figures in Prometheus' text format.
enum PrometheusText {
    static func render(_ gauges: StateQueries.Gauges, now: Date) -> String {
        var text = ""
        write(
            &text, "torq_monitor_alerts", "Alerts that are not resolved or ignored.",
            ["critical", "high", "medium", "low"].flatMap { severity in
                ["open", "acknowledged"].map { status in
                    (
                        #"{severity="\#(severity)",status="\#(status)"}"#,
                        Double(gauges.alerts.first { $0.severity == severity && $0.status == status }?.count ?? 0)
                    )
                }
            })
        write(
            &text, "torq_monitor_notifications", "The outbox: waiting and dead ones, and those of the last day that are finished.",
            ["pending", "sending", "delivered", "superseded", "dead", "dropped"].map { status in
                (#"{status="\#(status)"}"#, Double(gauges.notifications[status] ?? 0))
            })
        write(
            &text, "torq_monitor_oldest_notification_age_seconds", "How long the oldest waiting notification has been due.",
            [("", max(0, gauges.oldestDueAt.map { now.timeIntervalSince($0) } ?? 0))])
        if let rolledUpAt = gauges.rolledUpAt {
            write(
                &text, "torq_monitor_rollup_age_seconds", "How long ago events were rolled up last.",
                [("", max(0, now.timeIntervalSince(rolledUpAt)))])
        }
        return text
    }

    private static func write(_ text: inout String, _ name: String, _ help: String, _ samples: [(labels: String, value: Double)]) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) gauge\n"
        for sample in samples {
            let value = sample.value == sample.value.rounded() ? String(Int(sample.value)) : String(sample.value)
            text += "\(name)\(sample.labels) \(value)\n"
        }
    }
}
