import Foundation
import MonitoringSchema
import Postgres

/// A schema of a backtest's own, shaped like the live one and beside it. Everything in it happens for nobody: it waits for no
/// lock of the live schema and sends no notice.
struct BacktestScratch: Sendable {
    static let prefix = "monitoring_backtest_"

    let client: PostgresClient
    let name: String
    /// Quoted names of the schemas that were searched before.
    let searchPath: String

    init(client: PostgresClient, id: UUID) async throws {
        self.client = client
        name = Self.prefix + id.uuidString.lowercased().filter { $0 != "-" }
        searchPath = try await client.query(Self.currentPath)[0].decode("path")
    }

    /// Runs `body` while a connection says that this schema is in use: an advisory lock in an open transaction, which holds
    /// no snapshot, ends with the process, and goes through a transaction pooler.
    ///
    /// - Parameter body: Gets a check that throws where the lock was lost.
    func whileLocked<R: Sendable>(_ body: @Sendable (@Sendable () async throws -> Void) async throws -> R) async throws -> R {
        try await client.transaction { connection in
            try await connection.query("SELECT pg_advisory_xact_lock(hashtextextended($1::text, 0))", [.text(name)])
            // Should it be cut off while idle, the next check tells. It is no SELECT, whose portal would keep a snapshot.
            let check = { @Sendable in _ = try await connection.query("SET LOCAL idle_in_transaction_session_timeout = 0") }
            try await check()
            return try await body(check)
        }
    }

    /// A transaction in which unqualified names mean the scratch schema, and what is not in it the live one.
    func transaction<R: Sendable>(_ body: @Sendable (PostgresConnection) async throws -> R) async throws -> R {
        try await client.transaction { connection in
            // The system's names come second, so that the scratch schema's own locks and notices, which do nothing, come first.
            try await connection.query("SET LOCAL search_path = \(name), pg_catalog\(searchPath.isEmpty ? "" : ", " + searchPath)")
            try await connection.query("SET LOCAL client_min_messages = warning")
            return try await body(connection)
        }
    }

    /// Makes it, with what evaluations up to `end` read of the live one.
    func create(copyingFrom start: Date, to end: Date) async throws {
        try await client.query("CREATE SCHEMA \(name)")
        try await transaction { connection in
            try await connection.executeScript(Self.silence)
            for file in MonitoringSchema.migrations + MonitoringSchema.functions where Self.belongs(file) {
                try await connection.executeScript(file.sql, timeout: .seconds(120))
            }
            try await connection.executeScript(Self.walk)
        }
        try await transaction { connection in
            let live = try await connection.query(Self.liveSchema, [.text(searchPath)])[0].decode("live", as: String.self)
            let range: [PostgresValue] = [.timestamp(start), .timestamp(end)]
            for (table, column) in [("monitoring_rollup", "bucket_start"), ("monitoring_rollup_slices", "hour_start")] {
                let copied = try await Self.copy(table, from: live, connection)
                try await connection.query(
                    "\(copied) WHERE \(column) >= $1::timestamptz AND \(column) < $2::timestamptz", range, timeout: .seconds(300))
            }
            // Of baselines only what was accepted as a new normal counts: the rest is derived.
            try await connection.query(try await Self.copy("monitoring_baseline", from: live, connection))
            for table in ["monitoring_rollup", "monitoring_rollup_slices"] {
                try await connection.query("ANALYZE \(table)", timeout: .seconds(120))
            }
        }
    }

    /// The statement that copies a table, column by column: the live one may have another order of them.
    private static func copy(_ table: String, from live: String, _ connection: PostgresConnection) async throws -> String {
        let columns: String = try await connection.query(columnList, [.text(table)])[0].decode("list")
        return "INSERT INTO \(table) (\(columns)) OVERRIDING SYSTEM VALUE SELECT \(columns) FROM \(live).\(table)"
    }

    /// Evaluates one moment after the other; the transitions that came of it.
    func walk(from moment: Date, count: Int, stepSeconds: Int, settings: String) async throws -> Int {
        try await transaction { connection in
            try await connection.query(
                "SELECT monitoring_backtest_walk($1::timestamptz, $2::integer, $3::integer, $4::jsonb) AS transitions",
                [.timestamp(moment), .int(count), .int(stepSeconds), .json(settings)], timeout: .seconds(300))[0].decode("transitions")
        }
    }

    /// Drops it, also when the task is cancelled.
    func drop() async throws {
        let name = name
        let client = client
        try await Task.detached { _ = try await client.query("DROP SCHEMA IF EXISTS \(name) CASCADE", timeout: .seconds(60)) }.value
    }

    /// Drops what processes that died have left: schemas of this kind whose lock nobody holds.
    static func dropLeftovers(_ client: PostgresClient) async throws {
        let names = try await client.query(leftovers, [.text(prefix)]).map { try $0.decode("name", as: String.self) }
        for name in names where name.dropFirst(prefix.count).allSatisfy({ $0.isHexDigit }) {
            try await client.transaction { connection in
                let isFree: Bool = try await connection.query(
                    "SELECT pg_try_advisory_xact_lock(hashtextextended($1::text, 0)) AS is_free", [.text(name)])[0].decode("is_free")
                if isFree { try await connection.query("DROP SCHEMA IF EXISTS \(name) CASCADE", timeout: .seconds(60)) }
            }
        }
    }

    /// learning_events is read where it is, and who may read the scratch schema is nobody's question.
    private static func belongs(_ file: MonitoringSchema.File) -> Bool {
        !file.name.hasSuffix("_learning_events") && !file.name.hasSuffix("_security")
    }

    private static let currentPath = """
        SELECT coalesce(string_agg(quote_ident(name), ', ' ORDER BY place), '') AS path
        FROM unnest(current_schemas(false)) WITH ORDINALITY schema (name, place)
        """

    /// Where the live tables are.
    private static let liveSchema = """
        SELECT quote_ident(n.nspname) AS live
        FROM unnest(string_to_array($1::text, ', ')) WITH ORDINALITY path (name, place)
        JOIN pg_namespace n ON quote_ident(n.nspname) = path.name
        JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = 'monitoring_rollup'
        ORDER BY path.place
        LIMIT 1
        """

    private static let columnList = """
        SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) AS list
        FROM pg_attribute
        WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
        """

    private static let leftovers = """
        SELECT nspname::text AS name
        FROM pg_namespace
        WHERE starts_with(nspname, $1::text) AND pg_get_userbyid(nspowner) = current_user
        ORDER BY nspname
        """

    private static let silence = """
        CREATE FUNCTION pg_notify(text, text) RETURNS void LANGUAGE sql AS 'SELECT';
        CREATE FUNCTION pg_advisory_xact_lock(bigint) RETURNS void LANGUAGE sql AS 'SELECT';
        """

    private static let walk = """
        -- The metrics that had nothing to compare with, and at how many moments.
        CREATE TABLE monitoring_backtest_unarmed (metric_name text PRIMARY KEY, moments integer NOT NULL);

        CREATE FUNCTION monitoring_backtest_note_unarmed(p_moments timestamptz[], p_settings jsonb) RETURNS void
        LANGUAGE sql
        AS $$
        INSERT INTO monitoring_backtest_unarmed AS noted (metric_name, moments)
        SELECT metric.metric_name, sum(days.moments)
        FROM (
            SELECT date_trunc('day', monitoring_evaluated_moment(moment, p_settings), 'UTC') AS day, count(*) AS moments
            FROM unnest(p_moments) AS moment
            GROUP BY 1
        ) AS days
        CROSS JOIN LATERAL monitoring_arming(days.day, p_settings) AS metric
        WHERE NOT metric.armed
        GROUP BY metric.metric_name
        ON CONFLICT (metric_name) DO UPDATE SET moments = noted.moments + excluded.moments
        $$;

        CREATE FUNCTION monitoring_backtest_walk(p_from timestamptz, p_count integer, p_step_seconds integer, p_settings jsonb)
        RETURNS integer
        LANGUAGE plpgsql
        AS $$
        DECLARE
            v_next        timestamptz := p_from;
            v_last        CONSTANT timestamptz := p_from + (p_count - 1) * p_step_seconds * interval '1 second';
            v_batch       integer := 96;
            v_here        integer;
            v_transitions integer := 0;
            v_moments     timestamptz[];
            v_applied     timestamptz;
        BEGIN
            -- Many moments at a time, as long as none of them changes what the next ones are judged by.
            WHILE v_next <= v_last LOOP
                v_moments := ARRAY(
                    SELECT generate_series(
                        v_next, least(v_last, v_next + (v_batch - 1) * p_step_seconds * interval '1 second'),
                        p_step_seconds * interval '1 second'));
                SELECT count(*) INTO v_here FROM monitoring_apply_evaluations(v_moments, p_settings);
                v_transitions := v_transitions + v_here;
                SELECT applied_at INTO v_applied FROM monitoring_evaluation_state;
                v_batch := CASE WHEN v_here > 0 THEN 12 ELSE least(v_batch * 2, 96) END;
                -- The first of the moments that has not been applied; one that lies in the same step as the last was.
                SELECT min(moment) INTO v_next
                FROM unnest(v_moments || (v_moments[cardinality(v_moments)] + p_step_seconds * interval '1 second')) moment
                WHERE monitoring_evaluated_moment(moment, p_settings) > v_applied OR moment > v_moments[cardinality(v_moments)];
            END LOOP;
            PERFORM monitoring_backtest_note_unarmed(
                ARRAY(SELECT generate_series(p_from, v_last, p_step_seconds * interval '1 second')), p_settings);
            RETURN v_transitions;
        END
        $$;
        """
}
