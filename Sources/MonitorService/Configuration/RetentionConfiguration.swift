/// How long the monitor's own tables keep what is past. nil keeps it for ever. learning_events is never touched.
public struct RetentionConfiguration: Sendable, Hashable {
    /// Delivery attempts and the notifications that are finished.
    public var attempts: Duration? = .seconds(30 * 86400)

    /// Rolled-up detail: buckets and slices. Hours and days of monitoring_metrics stay.
    public var rollup: Duration? = .seconds(120 * 86400)

    /// Resolved alerts with their transitions.
    public var resolvedAlerts: Duration? = .seconds(365 * 86400)

    /// What people did beyond single alerts, and the settings that held.
    public var audit: Duration? = .seconds(730 * 86400)

    /// 30 days of attempts, 120 of detail, 365 of alerts, 730 of the audit.
    public init() {}
}
