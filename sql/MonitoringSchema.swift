/// The schema as SQL text, embedded in the binary: migrations for tables, each applied once, and files of functions and
/// views, applied again whenever one of them has changed.
public enum MonitoringSchema {
    /// A piece of the schema: a file of `sql/`.
    public struct File: Sendable, Hashable {
        /// The file's name without its ending: `v001_tables`.
        public var name: String
        /// Its statements.
        public var sql: String
    }

    /// In the order in which they are applied; the number of a migration is its position, and none is ever changed after a release.
    public static let migrations: [File] = [
        file("v000_learning_events", PackageResources.v000_learning_events_sql),
        file("v001_tables", PackageResources.v001_tables_sql),
        file("v002_rollup", PackageResources.v002_rollup_sql),
        file("v003_audit", PackageResources.v003_audit_sql),
        file("v004_detection", PackageResources.v004_detection_sql),
        file("v005_delivery", PackageResources.v005_delivery_sql),
        file("v006_rollup_storage", PackageResources.v006_rollup_storage_sql),
        file("v007_outbox_cost", PackageResources.v007_outbox_cost_sql),
        file("v008_operation", PackageResources.v008_operation_sql),
        file("v009_idempotency", PackageResources.v009_idempotency_sql),
        file("v010_sessions", PackageResources.v010_sessions_sql),
        file("v011_waiting_notifications", PackageResources.v011_waiting_notifications_sql),
        file("v012_outbox_speed", PackageResources.v012_outbox_speed_sql),
        file("v013_moments", PackageResources.v013_moments_sql),
        file("v014_relay", PackageResources.v014_relay_sql),
        file("v015_shards", PackageResources.v015_shards_sql),
    ]

    /// Functions, views and grants: every statement can be run again at any time, in this order.
    public static let functions: [File] = [
        file("f010_settings", PackageResources.f010_settings_sql),
        file("f015_extraction", PackageResources.f015_extraction_sql),
        file("f016_shards", PackageResources.f016_shards_sql),
        file("f020_rollup", PackageResources.f020_rollup_sql),
        file("f022_sharing", PackageResources.f022_sharing_sql),
        file("f030_metrics", PackageResources.f030_metrics_sql),
        file("f040_baseline", PackageResources.f040_baseline_sql),
        file("f050_profile", PackageResources.f050_profile_sql),
        file("f052_baseline_slices", PackageResources.f052_baseline_slices_sql),
        file("f055_statistics", PackageResources.f055_statistics_sql),
        file("f056_windows", PackageResources.f056_windows_sql),
        file("f060_evaluation", PackageResources.f060_evaluation_sql),
        file("f061_rates", PackageResources.f061_rates_sql),
        file("f062_traffic", PackageResources.f062_traffic_sql),
        file("f063_mix", PackageResources.f063_mix_sql),
        file("f064_slices", PackageResources.f064_slices_sql),
        file("f065_attribution", PackageResources.f065_attribution_sql),
        file("f070_lifecycle", PackageResources.f070_lifecycle_sql),
        file("f071_clock", PackageResources.f071_clock_sql),
        file("f072_documents", PackageResources.f072_documents_sql),
        file("f073_stream", PackageResources.f073_stream_sql),
        file("f074_relay", PackageResources.f074_relay_sql),
        file("f075_delivery", PackageResources.f075_delivery_sql),
        file("f077_fallback", PackageResources.f077_fallback_sql),
        file("f080_check", PackageResources.f080_check_sql),
        file("f085_retention", PackageResources.f085_retention_sql),
        file("f090_views", PackageResources.f090_views_sql),
        file("f095_security", PackageResources.f095_security_sql),
    ]

    private static func file(_ name: String, _ bytes: [UInt8]) -> File {
        File(name: name, sql: String(decoding: bytes, as: UTF8.self))
    }
}
