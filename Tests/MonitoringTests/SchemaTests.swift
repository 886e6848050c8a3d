import Foundation
import Postgres
import TestSupport
import Testing

@testable import Monitoring
@testable import MonitoringSchema

@Suite struct SchemaFileTests {
    @Test func theScriptInTheRepositoryIsTheGeneratedOne() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../sql/monitoring_schema.sql")
        let script = try String(contentsOf: file, encoding: .utf8)
        #expect(script == MonitoringSchema.whole, "regenerate it: torq-monitor schema > sql/monitoring_schema.sql")
    }

    @Test func everyFileOfTheFolderIsListed() throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../sql")
        for (name, listed) in [("migrations", MonitoringSchema.migrations), ("functions", MonitoringSchema.functions)] {
            let files = try FileManager.default.contentsOfDirectory(atPath: folder.appending(path: name).path).sorted()
            #expect(files == listed.map { $0.name + ".sql" })
        }
    }

    @Test func aChecksumTellsFilesApart() {
        let file = MonitoringSchema.File(name: "a", sql: "SELECT 1")
        #expect(file.checksum.count == 16)
        #expect(file.checksum != MonitoringSchema.File(name: "a", sql: "SELECT 2").checksum)
    }
}

@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint)) struct SchemaTests {
    /// What a Supabase project has before the monitor comes.
    static let supabase = """
        DO $$
        DECLARE
            role_name text;
        BEGIN
            FOREACH role_name IN ARRAY ARRAY['anon', 'authenticated', 'service_role'] LOOP
                BEGIN
                    EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
                EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
                END;
            END LOOP;
        END $$;
        CREATE SCHEMA extensions;
        GRANT USAGE ON SCHEMA public TO anon, authenticated, service_role;
        CREATE TABLE learning_events (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(), event_id text NOT NULL UNIQUE, event_type text NOT NULL, category text,
            source_agent text, source_tool text, source_trace_id text, trace_id text, session_id text,
            event_data jsonb NOT NULL DEFAULT '{}', before_state jsonb, after_state jsonb, impact_score numeric(3,2),
            confidence numeric(3,2), status text DEFAULT 'pending', reviewed_by text, reviewed_at timestamptz, related_event_id uuid,
            duplicate_count integer DEFAULT 1, last_seen_at timestamptz, occurred_at timestamptz NOT NULL DEFAULT now(),
            created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now());
        CREATE INDEX ON learning_events (occurred_at DESC);
        ALTER TABLE learning_events ENABLE ROW LEVEL SECURITY;
        CREATE POLICY everything ON learning_events TO service_role USING (true) WITH CHECK (true);
        CREATE POLICY reading ON learning_events FOR SELECT TO anon, authenticated USING (true);
        """

    @Test(arguments: ["", supabase])
    func theScriptLoadsTwiceAndIsRecognised(before: String) async throws {
        try await withTestDatabase { database in
            try await database.client.withConnection { connection in
                if !before.isEmpty { try await connection.executeScript(before) }
                try await connection.executeScript(MonitoringSchema.whole)
                try await connection.executeScript(MonitoringSchema.whole)
            }
            let migrator = SchemaMigrator(client: database.client)
            #expect(try await migrator.plan().isCurrent)
            #expect(try await migrator.migrate() == .init(applied: [], advice: []))
            let indexed: Bool = try await database.client.query(
                """
                SELECT count(*) = 1 AS indexed
                FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
                WHERE i.indrelid = 'learning_events'::regclass AND a.attname = 'updated_at' AND i.indisvalid
                """)[0].decode("indexed")
            #expect(indexed)
        }
    }

    @Test func severalMigrateAtOnce() async throws {
        try await withTestDatabase(poolSize: 8) { database in
            let reports = try await withThrowingTaskGroup(of: SchemaMigrator.Report.self) { group in
                for _ in 0..<4 { group.addTask { try await SchemaMigrator(client: database.client).migrate() } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            let all = (MonitoringSchema.migrations + MonitoringSchema.functions).map(\.name)
            #expect(reports.map(\.applied).filter { !$0.isEmpty } == [all])
        }
    }

    @Test func severalMigrateAtOnceWhereTheDefaultIsolationIsAnother() async throws {
        try await withTestDatabase { database in
            try await database.client.query("ALTER DATABASE \(database.name) SET default_transaction_isolation = 'repeatable read'")
            let client = PostgresClient(try PostgresConfiguration(database.url), poolSize: 8)
            let reports = try await withThrowingTaskGroup(of: SchemaMigrator.Report.self) { group in
                for _ in 0..<4 { group.addTask { try await SchemaMigrator(client: client).migrate() } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            await client.close()
            #expect(reports.filter { !$0.applied.isEmpty }.count == 1)
            let advice = try #require(reports[0].advice.first)
            let remedy = try #require(advice.firstRange(of: "this user can run: ")).upperBound
            try await database.client.query(String(advice[remedy...]))
            let other = PostgresClient(try PostgresConfiguration(database.url), poolSize: 2)
            #expect(try await SchemaMigrator(client: other).migrate() == .init(applied: [], advice: []))
            await other.close()
        }
    }

    /// What a build leaves that was cut off: an index of that name which is not valid.
    private func breakIndex(_ client: PostgresClient) async throws {
        try await client.withConnection { connection in
            try await connection.executeScript(
                """
                DROP INDEX monitoring_learning_events_updated_at;
                INSERT INTO learning_events (event_id, event_type, updated_at) SELECT 'e' || n, 'success', '2026-02-20' FROM generate_series(1, 2) n;
                """)
        }
        await #expect(throws: PostgresError.self) {
            try await client.query("CREATE UNIQUE INDEX CONCURRENTLY monitoring_learning_events_updated_at ON learning_events (updated_at)")
        }
    }

    private func index(_ client: PostgresClient) async throws -> String {
        try await client.query(
            """
            SELECT concat_ws(' ', indisvalid, indisunique) AS line
            FROM pg_index WHERE indexrelid = 'monitoring_learning_events_updated_at'::regclass
            """)[0].decode("line")
    }

    @Test func anIndexWhoseBuildWasCutOffIsBuiltAgain() async throws {
        try await withTestDatabase { database in
            let migrator = SchemaMigrator(client: database.client)
            _ = try await migrator.migrate()
            try await breakIndex(database.client)
            #expect(try await migrator.migrate() == .init(applied: [], advice: []))
            #expect(try await index(database.client) == "t f")
        }
    }

    @Test func anIndexThatAnotherProcessIsBuildingIsLeftAlone() async throws {
        try await withTestDatabase { database in
            var migrator = SchemaMigrator(client: database.client)
            _ = try await migrator.migrate()
            try await breakIndex(database.client)
            migrator.indexPatience = .milliseconds(300)
            let second = migrator
            let report = try await database.client.transaction { connection in
                try await connection.query("SELECT pg_advisory_xact_lock(hashtext('torq-monitor index'))")
                return try await second.migrate()
            }
            #expect(report == .init(applied: [], advice: ["another process is still building the index on updated_at of learning_events"]))
            #expect(try await index(database.client) == "f t")
        }
    }

    @Test func whoLacksAGrantIsTold() async throws {
        try await withTestDatabase { database in
            let role = database.name + "-user"
            try await database.client.withConnection { connection in
                try await connection.executeScript(
                    """
                    CREATE ROLE "\(role)" LOGIN;
                    GRANT ALL ON SCHEMA public TO "\(role)";
                    """)
            }
            let result: Result<[SchemaMigrator.Report], any Error>
            do {
                let client = PostgresClient(try PostgresConfiguration(user(role, of: database.url)), poolSize: 2)
                let before = try await SchemaMigrator(client: client).migrate()
                try await database.client.query("GRANT pg_read_all_stats TO \"\(role)\"")
                let after = try await SchemaMigrator(client: client).migrate()
                try await database.client.query("REVOKE SELECT ON learning_events FROM \"\(role)\"")
                let anothers = try await SchemaMigrator(client: client).migrate()
                await client.close()
                result = .success([before, after, anothers])
            } catch {
                result = .failure(error)
            }
            try await database.client.withConnection { try await $0.executeScript("DROP OWNED BY \"\(role)\"; DROP ROLE \"\(role)\"") }
            #expect(
                try result.get().map(\.advice) == [
                    [
                        "this user does not see how long other users' transactions take, so that events of one that takes more than two "
                            + "minutes are never counted; a superuser can run: GRANT pg_read_all_stats TO \"\(role)\""
                    ], [],
                    [
                        "this user may not read learning_events, so that nothing is evaluated; its owner can run: "
                            + "GRANT SELECT ON learning_events TO \"\(role)\""
                    ],
                ])
        }
    }

    /// The same database as another user.
    private func user(_ role: String, of url: String) -> String {
        url + (url.contains("://") ? (url.contains("?") ? "&user=" : "?user=") : " user=") + role
    }

    /// As a restore of tables alone leaves them out.
    @Test(arguments: ["monitoring_take_unrouted(integer, text[])", "monitoring_lock_relay()"])
    func aFunctionThatWasDroppedIsMissedAndMadeAgain(function: String) async throws {
        try await withTestDatabase { database in
            let migrator = SchemaMigrator(client: database.client)
            _ = try await migrator.migrate()
            try await database.client.query("DROP FUNCTION \(function)")
            #expect(try await !migrator.plan().isCurrent)
            #expect(try await migrator.migrate().applied == MonitoringSchema.functions.map(\.name))
            #expect(try await migrator.plan().isCurrent)
        }
    }

    @Test func aChangedFunctionIsLoadedAgain() async throws {
        try await withTestDatabase { database in
            let migrator = SchemaMigrator(client: database.client)
            _ = try await migrator.migrate()
            try await database.client.query("UPDATE monitoring_migrations SET checksum = 'old' WHERE name = 'f060_evaluation'")
            #expect(try await migrator.migrate().applied == MonitoringSchema.functions.map(\.name))
            #expect(try await migrator.plan().isCurrent)
        }
    }

    @Test(arguments: [
        (
            "INSERT INTO monitoring_migrations VALUES ('v999_later', 'x')",
            "the database's schema is newer than this program (it has v999_later): run a newer torq-monitor"
        ),
        (
            "UPDATE monitoring_migrations SET checksum = 'x' WHERE name = 'v001_tables'",
            "migration v001_tables was applied to this database in another version than this program's"
        ),
    ])
    func aForeignSchemaIsRefused(change: String, message: String) async throws {
        try await withTestDatabase { database in
            let migrator = SchemaMigrator(client: database.client)
            _ = try await migrator.migrate()
            try await database.client.query(change)
            await #expect(throws: MonitoringError(.schemaMismatch, message)) { try await migrator.migrate() }
        }
    }
}
