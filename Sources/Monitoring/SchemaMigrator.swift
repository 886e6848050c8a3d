public import MonitoringSchema
public import Postgres

/// Brings a database's schema up to date: each migration once, the functions whenever one of them changed, all in one
/// transaction under a lock, so that any number of processes may do it at once.
public struct SchemaMigrator: Sendable {
    let client: PostgresClient
    /// How long to wait for another process that builds the index.
    var indexPatience: Duration = .seconds(30)

    /// - Parameter client: Of the database; its user owns the schema, or will. It needs two connections.
    public init(client: PostgresClient) {
        self.client = client
    }

    /// What stands between a database and this version's schema.
    public struct Plan: Sendable, Hashable {
        /// Files that are still to be applied, in order.
        public var pending: [MonitoringSchema.File]
        /// Whether the schema is up to date.
        public var isCurrent: Bool { pending.isEmpty }
    }

    /// What a migration did.
    public struct Report: Sendable, Hashable {
        /// Names of the files that were applied.
        public var applied: [String]
        /// What somebody else has to do, a sentence each.
        public var advice: [String]
    }

    /// Compares without changing anything.
    ///
    /// - Parameter timeout: Of each of three statements; nil: the client's.
    /// - Throws: `MonitoringError` with `.schemaMismatch` where a migration was applied in another version, where the database
    ///   is ahead of this program, or where row level security hides from this user what was applied.
    public func plan(timeout: Duration? = nil) async throws -> Plan {
        try await client.withConnection { try await Self.plan(on: $0, timeout: timeout) }
    }

    /// Applies what is pending.
    public func migrate() async throws -> Report {
        let applied = try await plan().isCurrent ? [] : try await applyPending()
        let state = try await client.query(Self.outside)[0]
        let index = try state.decode("indexed") ? [] : try await indexChanges()
        let hidden: String? = try state.decode("hidden")
        return Report(
            applied: applied,
            advice: reading(try state.decode("unreadable")) + (hidden.map { [Self.hiding($0)] } ?? []) + index
                + grants(try state.decode("missing")) + isolation(try state.decode("isolation")))
    }

    /// All of it, or nothing. It locks tables one after the other that a process of the version before works with, each time in an order of
    /// its own: whoever the server ends for that tries again.
    private func applyPending() async throws -> [String] {
        var tries = 0
        while true {
            do {
                return try await client.transaction { try await Self.applyPending(on: $0) }
            } catch let error as PostgresError where error.sqlState == "40P01" && tries < 10 {
                tries += 1
                try await Task.sleep(for: .milliseconds(200) * tries)
            }
        }
    }

    private static func applyPending(on connection: PostgresConnection) async throws -> [String] {
        // Another process may have been first: look again once the lock is held.
        try await connection.query("SELECT pg_advisory_xact_lock(hashtext('torq-monitor schema'))", timeout: .seconds(120))
        let pending = try await plan(on: connection).pending
        guard !pending.isEmpty else { return [] }
        try await connection.executeScript("SET LOCAL client_min_messages = warning; " + MonitoringSchema.ledger)
        for file in pending {
            try await connection.executeScript(file.sql, timeout: .seconds(300))
            try await connection.executeScript(MonitoringSchema.note(file))
        }
        return pending.map(\.name)
    }

    /// What is still to be granted so that there is anything to roll up.
    private func reading(_ missing: String?) -> [String] {
        missing.map { ["this user may not read learning_events, so that nothing is evaluated; its owner can run: \($0)"] } ?? []
    }

    /// What is still to be granted so that the roll-up sees how long other users' transactions have been running.
    private func grants(_ missing: String?) -> [String] {
        guard let grant = missing else { return [] }
        return [
            "this user does not see how long other users' transactions take, so that events of one that takes more than two minutes "
                + "are never counted; a superuser can run: \(grant)"
        ]
    }

    /// What sets right a default that the statements outside of transactions of ours have, too. That is the server's to keep: a pooler
    /// between keeps nothing that a session sets.
    private func isolation(_ setting: String?) -> [String] {
        guard let setting else { return [] }
        return [
            "a statement of this user does not see what others commit while it waits for them, so that work of several processes at once "
                + "fails and is done again; this user can run: \(setting)"
        ]
    }

    private static func plan(on connection: PostgresConnection, timeout: Duration? = nil) async throws -> Plan {
        let isFiltered: Bool? = try await connection.query(
            "SELECT row_security_active(to_regclass('monitoring_migrations')) AS filtered", timeout: timeout)[0].decode("filtered")
        guard let isFiltered else { return Plan(pending: MonitoringSchema.migrations + MonitoringSchema.functions) }
        var applied: [String: String] = [:]
        for row in try await connection.query("SELECT name, checksum FROM monitoring_migrations", timeout: timeout) {
            applied[try row.decode("name")] = try row.decode("checksum", as: String.self)
        }
        // The table is made along with its rows: to whom it is empty, they are hidden.
        if applied.isEmpty, isFiltered {
            throw MonitoringError(
                .schemaMismatch,
                "row level security hides from this user whether the schema is up to date: work as the user that ran migrate, "
                    + "or as one with BYPASSRLS")
        }
        let files = MonitoringSchema.migrations + MonitoringSchema.functions
        if let foreign = applied.keys.filter({ name in !files.contains { $0.name == name } }).min() {
            throw MonitoringError(
                .schemaMismatch, "the database's schema is newer than this program (it has \(foreign)): run a newer torq-monitor")
        }
        let checksums = Self.checksums
        if let changed = MonitoringSchema.migrations.first(where: { applied[$0.name] ?? checksums[$0.name] != checksums[$0.name] }) {
            throw MonitoringError(
                .schemaMismatch, "migration \(changed.name) was applied to this database in another version than this program's")
        }
        let tables = MonitoringSchema.migrations.filter { applied[$0.name] == nil }
        // Functions build upon each other and on the tables: where one changed, all are loaded again.
        var isStale = !tables.isEmpty || MonitoringSchema.functions.contains { applied[$0.name] != checksums[$0.name] }
        if !isStale { isStale = try await lacksFunctions(connection, timeout: timeout) }
        return Plan(pending: tables + (isStale ? MonitoringSchema.functions : []))
    }

    /// Whether somebody dropped one, or left them out of a restore: what was applied once need not be there.
    private static func lacksFunctions(_ connection: PostgresConnection, timeout: Duration?) async throws -> Bool {
        try await connection.query(
            """
            SELECT EXISTS (
                SELECT
                FROM unnest($1::text[]) AS name
                WHERE NOT EXISTS (
                    SELECT
                    FROM pg_proc AS function
                    JOIN pg_class AS ledger ON ledger.oid = to_regclass('monitoring_migrations')
                    WHERE function.proname = name AND function.pronamespace = ledger.relnamespace)) AS lacks
            """, [.textArray(functionNames)], timeout: timeout)[0].decode("lacks")
    }

    /// Of all that the files of functions make.
    private static let functionNames = MonitoringSchema.functions.flatMap { file in
        file.sql.matches(of: #/CREATE OR REPLACE FUNCTION ([a-z0-9_]+)\(/#).map { String($0.1) }
    }

    /// By name, made once: supervisors have them compared every few seconds.
    private static let checksums = Dictionary(
        uniqueKeysWithValues: (MonitoringSchema.migrations + MonitoringSchema.functions).map { ($0.name, $0.checksum) })

    /// Finding changed events needs an index on updated_at. On a table that is in use it is built without blocking writers,
    /// which cannot be done in a transaction; where the table is somebody else's, its owner is told what to run.
    private func indexChanges() async throws -> [String] {
        let deadline = ContinuousClock.now + indexPatience
        while try await !hasIndex() {
            if let advice = try await buildIndexAlone() { return advice }
            guard ContinuousClock.now < deadline else {
                return ["another process is still building the index on updated_at of learning_events"]
            }
            try await Task.sleep(for: .milliseconds(250))
        }
        return []
    }

    /// Builds the index while an idle transaction says so to other processes: its lock ends with the process, and it holds no
    /// snapshot that the build would wait for. For the same reason others must not wait for the lock, but ask again.
    ///
    /// - Returns: nil where another process is at it.
    private func buildIndexAlone() async throws -> [String]? {
        try await client.transaction { connection in
            guard try await connection.query(Self.lock)[0].decode("is_free") else { return nil }
            // The portal of a SELECT keeps its snapshot until the next statement's takes its place: this one has none.
            try await connection.query("SET LOCAL idle_in_transaction_session_timeout = 0")
            guard try await !hasIndex() else { return [] }
            do {
                // A build that was cut off leaves an index that is never read, and costs every insert.
                if try await client.query(Self.isBroken)[0].decode("is_broken") {
                    try await client.query(Self.removal, timeout: .seconds(600))
                }
                try await client.query(Self.index, timeout: .seconds(3600))
                return []
            } catch let error as PostgresError where error.sqlState == "0A000" {
                return [
                    "learning_events has no index on updated_at; it is partitioned, and such an index is built while writers wait: "
                        + "when that does no harm, its owner can run: \(Self.index.replacing(" CONCURRENTLY", with: ""))"
                ]
            } catch let error as PostgresError where error.sqlState == "42501" {
                return ["learning_events has no index on updated_at, and this user may not build it; its owner can run: \(Self.index)"]
            }
        }
    }

    private func hasIndex() async throws -> Bool {
        try await client.query(Self.indexed)[0].decode("indexed")
    }

    /// What is not for the transaction: the index, and the grants of others that are missing.
    private static let outside = """
        SELECT
            CASE WHEN NOT has_table_privilege(to_regclass('learning_events'), 'SELECT')
                THEN format('GRANT SELECT ON learning_events TO %I', current_user) END AS unreadable,
            \(hidden) AS hidden,
            CASE WHEN current_setting('default_transaction_isolation') <> 'read committed' THEN format(
                'ALTER ROLE %I IN DATABASE %I SET default_transaction_isolation = ''read committed''', session_user, current_database())
                END AS isolation,
            CASE WHEN NOT pg_has_role('pg_read_all_stats', 'USAGE') THEN format('GRANT pg_read_all_stats TO %I', current_user) END AS missing,
            indexed
        FROM (\(indexed)) AS state
        """

    private static let lock = "SELECT pg_try_advisory_xact_lock(hashtext('torq-monitor index')) AS is_free"

    private static let removal = "DROP INDEX CONCURRENTLY IF EXISTS monitoring_learning_events_updated_at"

    private static let isBroken = """
        SELECT EXISTS (
            SELECT
            FROM pg_index i
            WHERE i.indexrelid = to_regclass('monitoring_learning_events_updated_at') AND NOT i.indisvalid
        ) AS is_broken
        """

    private static let index = "CREATE INDEX CONCURRENTLY monitoring_learning_events_updated_at ON learning_events (updated_at)"

    private static let indexed = """
        SELECT EXISTS (
            SELECT
            FROM pg_index i
            JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
            WHERE i.indrelid = to_regclass('learning_events') AND a.attname = 'updated_at' AND i.indisvalid AND i.indpred IS NULL
        )
        -- Partitions on other servers have indexes there.
        OR EXISTS (
            SELECT FROM pg_partition_tree(to_regclass('learning_events')) part JOIN pg_class c ON c.oid = part.relid WHERE c.relkind = 'f'
        ) AS indexed
        """
}
