import Foundation

extension StateQueries.Gauges {
    /// What the database says, for Prometheus.
    func write(to text: inout PrometheusText, now: Date) {
        text.gauge(
            "torq_monitor_alerts", "Alerts that are not resolved or ignored.",
            ["critical", "high", "medium", "low"].flatMap { severity in
                ["open", "acknowledged"].map { status in
                    (
                        [("severity", severity), ("status", status)],
                        Double(alerts.first { $0.severity == severity && $0.status == status }?.count ?? 0)
                    )
                }
            })
        text.gauge(
            "torq_monitor_notifications", "The outbox: waiting and dead ones, and those of the last day that are finished.",
            ["pending", "sending", "delivered", "superseded", "dead", "dropped"].map { ([("status", $0)], Double(notifications[$0] ?? 0)) })
        text.gauge(
            "torq_monitor_oldest_notification_age_seconds", "How long the oldest waiting notification has been due.",
            [([], max(0, oldestDueAt.map { now.timeIntervalSince($0) } ?? 0))])
        text.gauge(
            "torq_monitor_receiver_queue", "Notifications of a receiver that wait or are being sent.",
            queues.map { ([("receiver", $0.receiver)], Double($0.waiting)) })
        text.gauge(
            "torq_monitor_receiver_queue_age_seconds", "How long the oldest waiting notification of a receiver has been due.",
            queues.map { ([("receiver", $0.receiver)], max(0, $0.oldestDueAt.map { now.timeIntervalSince($0) } ?? 0)) })
        text.gauge(
            "torq_monitor_receiver_dead", "Notifications of a receiver that could not be delivered.",
            queues.map { ([("receiver", $0.receiver)], Double($0.dead)) })
        text.gauge(
            "torq_monitor_rollup_backlog", "Hours that have changed and wait to be rolled up.", [([], Double(hoursPending))])
        if let rolledUpAt {
            text.gauge(
                "torq_monitor_rollup_age_seconds", "How long ago events were rolled up last.",
                [([], max(0, now.timeIntervalSince(rolledUpAt)))])
        }
        if let evaluatedAt {
            text.gauge(
                "torq_monitor_evaluation_age_seconds", "How long ago an evaluation was applied last.",
                [([], max(0, now.timeIntervalSince(evaluatedAt)))])
        }
    }
}
