import Metrics
import MonitorAPI

/// What this process measures: swift-metrics takes one backend a process, and everything in it reports there.
enum ProcessMetrics {
    static let registry: PrometheusRegistry = {
        let registry = PrometheusRegistry()
        for (label, help) in [
            ("monitor_evaluations_total", "Evaluations by outcome: done or failed."),
            ("monitor_evaluation_duration_seconds", "How long evaluations took, the baseline included."),
            ("monitor_rollup_duration_seconds", "How long it took to roll up what had changed."),
            ("monitor_alert_transitions_total", "Steps in the life of alerts that evaluations led to."),
            ("monitor_delivery_attempts_total", "Requests made for messages, by receiver, outcome and reason."),
            ("monitor_delivery_attempt_duration_seconds", "How long requests to receivers took."),
        ] {
            registry.describe(label, help)
        }
        MetricsSystem.bootstrap(registry)
        return registry
    }()

    /// From here on everything that is measured is kept.
    static func begin() { _ = registry }
}
