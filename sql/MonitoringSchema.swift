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

    /// In the order of their names, in which they are applied; none is ever changed after a release.
    public static let migrations = Scripts.migrations.map { File(name: $0.name, sql: $0.sql) }

    /// Functions, views and grants: every statement can be run again at any time, in this order.
    public static let functions = Scripts.functions.map { File(name: $0.name, sql: $0.sql) }
}
