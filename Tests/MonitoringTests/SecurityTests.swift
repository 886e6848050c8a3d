import MonitoringSchema
import Postgres
import TestSupport
import Testing

@Suite("Who may what", .enabled(if: TestDatabase.isAvailable, TestDatabase.hint))
struct SecurityTests {
    /// Roles belong to the whole server: another test may make them at the same time.
    private static let roles = """
        DO $$
        DECLARE v_role text;
        BEGIN
            FOREACH v_role IN ARRAY '{anon,authenticated,service_role}'::text[] LOOP
                BEGIN
                    EXECUTE 'CREATE ROLE ' || v_role || ' NOLOGIN';
                EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
                END;
            END LOOP;
        END
        $$;
        ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO anon, authenticated, service_role;
        ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON FUNCTIONS TO anon, authenticated, service_role;
        GRANT USAGE ON SCHEMA public TO anon, authenticated, service_role;
        """

    /// A database with Supabase's roles and its generous default privileges, the schema loaded twice.
    private func withRoles(_ body: @Sendable (PostgresClient) async throws -> Void) async throws {
        try await withTestDatabase { database in
            try await database.client.withConnection { connection in
                try await connection.executeScript(Self.roles)
                for file in MonitoringSchema.migrations + MonitoringSchema.functions + MonitoringSchema.functions {
                    try await connection.executeScript(file.sql)
                }
            }
            try await body(database.client)
        }
    }

    /// nil where the role may, else the error's SQLSTATE.
    private func attempt(_ sql: String, as role: String, _ client: PostgresClient) async throws -> String? {
        do {
            try await client.transaction { connection in
                try await connection.query("SET LOCAL ROLE \(role)")
                try await connection.query(sql)
            }
            return nil
        } catch let error as PostgresError {
            return error.sqlState ?? "\(error)"
        }
    }

    @Test("authenticated reads metrics, baseline and alerts, and nothing else")
    func authenticated() async throws {
        try await withRoles { client in
            for name in [
                "monitoring_metrics", "monitoring_baseline", "monitoring_alerts", "v_monitoring_current_status",
                "v_monitoring_alert_summary",
            ] {
                #expect(try await attempt("SELECT * FROM \(name)", as: "authenticated", client) == nil, "\(name)")
                #expect(try await attempt("SELECT * FROM \(name)", as: "anon", client) == "42501", "\(name)")
            }
            try await client.query("SELECT compute_daily_metrics('2026-02-20')")
            let seen = try await client.transaction { connection in
                try await connection.query("SET LOCAL ROLE authenticated")
                return try await connection.query("SELECT count(*) AS rows FROM monitoring_metrics").first?.decode("rows", as: Int.self)
            }
            #expect(seen == 25)
            for name in [
                "mv_daily_metrics", "monitoring_notifications", "monitoring_delivery_attempts", "monitoring_link_keys", "monitoring_rollup",
            ] {
                for role in ["authenticated", "anon"] {
                    #expect(try await attempt("SELECT * FROM \(name)", as: role, client) == "42501", "\(role) \(name)")
                }
            }
            for sql in [
                "UPDATE monitoring_alerts SET status = 'resolved'", "DELETE FROM monitoring_metrics", "SELECT monitoring_roll_up()",
                "SELECT compute_daily_metrics()", "SELECT update_baseline()", "SELECT refresh_daily_metrics_mv()",
                "SELECT monitoring_bump_data_version()",
            ] {
                for role in ["authenticated", "anon"] {
                    #expect(try await attempt(sql, as: role, client) == "42501", "\(role) \(sql)")
                }
            }
        }
    }

    @Test("every table of ours has row level security, and no function of ours is anybody's")
    func everything() async throws {
        try await withRoles { client in
            let fixture = RollupFixture(client: client)
            let open = try await fixture.text(
                """
                SELECT count(*) FROM pg_class
                WHERE relnamespace = 'public'::regnamespace AND relname ~ '^monitoring_' AND relkind = 'r' AND NOT relrowsecurity
                """)
            #expect(open == "0")
            let executable = try await fixture.text(
                """
                SELECT string_agg(oid::regprocedure::text, ', ')
                FROM pg_proc, unnest('{anon,authenticated}'::text[]) AS role
                WHERE pronamespace = 'public'::regnamespace AND proname <> 'learning_events_touch_updated_at'
                    AND NOT (proname = 'monitoring_baseline_name' AND role = 'authenticated')
                    AND has_function_privilege(role, oid, 'EXECUTE')
                """)
            #expect(executable == nil)
        }
    }

    @Test("whoever may read the status view sees the baseline that the settings name, and not the settings")
    func namedBaseline() async throws {
        try await withRoles { client in
            try await client.withConnection { connection in
                try await connection.executeScript(
                    """
                    INSERT INTO monitoring_settings (settings) VALUES ('{"baseline": {"name": "weekly"}}');
                    INSERT INTO learning_events (event_id, event_type, occurred_at) VALUES ('e', 'success', '2026-02-20T12:00:00Z');
                    SELECT compute_daily_metrics('2026-02-20');
                    SELECT update_baseline(p_now => '2026-02-21T01:00:00Z');
                    """)
            }
            #expect(try await attempt("SELECT * FROM monitoring_settings", as: "authenticated", client) == "42501")
            let rate = try await client.transaction { connection in
                try await connection.query("SET LOCAL ROLE authenticated")
                return try await connection.query("SELECT baseline_error_rate::text AS rate FROM v_monitoring_current_status")
                    .map { try $0.decode("rate", as: String?.self) }
            }
            #expect(rate == ["0.0000"])
        }
    }

    @Test("service_role rolls up, computes, refreshes and reads everything")
    func service() async throws {
        try await withRoles { client in
            try await RollupFixture(client: client).insertMany(50, from: "2026-02-20T00:00:00Z")
            for sql in [
                "SELECT * FROM monitoring_roll_up()", "SELECT compute_daily_metrics('2026-02-20')",
                "SELECT update_baseline('7day_rolling', 7, '2026-02-21T01:00:00Z')", "SELECT refresh_daily_metrics_mv()",
                "SELECT * FROM monitoring_link_keys", "SELECT * FROM mv_daily_metrics", "SELECT * FROM v_monitoring_current_status",
            ] {
                #expect(try await attempt(sql, as: "service_role", client) == nil, "\(sql)")
            }
        }
    }

    @Test("learning_events that exists is left as it is")
    func existing() async throws {
        try await withTestDatabase { database in
            try await database.client.withConnection { connection in
                try await connection.executeScript(
                    """
                    CREATE TABLE learning_events (
                        id uuid PRIMARY KEY DEFAULT gen_random_uuid(), event_id text NOT NULL UNIQUE, event_type text NOT NULL,
                        source_agent text, event_data jsonb NOT NULL DEFAULT '{}', duplicate_count integer DEFAULT 1,
                        occurred_at timestamptz NOT NULL DEFAULT now(), created_at timestamptz NOT NULL DEFAULT now(),
                        updated_at timestamptz NOT NULL DEFAULT now());
                    CREATE SCHEMA scratch;
                    SET search_path = scratch, public;
                    """)
                for file in MonitoringSchema.migrations + MonitoringSchema.functions { try await connection.executeScript(file.sql) }
                let tables = try await connection.query(
                    "SELECT relnamespace::regnamespace::text AS place FROM pg_class WHERE relname IN ('learning_events', 'monitoring_metrics') ORDER BY relname"
                )
                let places = try tables.map { try $0.decode("place", as: String.self) }
                #expect(places == ["public", "scratch"])
                let indexes = try await connection.query(
                    "SELECT indexrelid FROM pg_index WHERE indrelid = 'public.learning_events'::regclass")
                #expect(indexes.count == 2)
                try await connection.query("RESET search_path")
            }
        }
    }
}
