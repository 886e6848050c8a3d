import Postgres
import TestSupport
import Testing

@testable import Monitoring

/// The console's table has row level security on: whom no policy lets read sees an empty one, and gets no error.
@Suite("Events that a policy hides", .enabled(if: TestDatabase.isAvailable, TestDatabase.hint))
struct RowSecurityTests {
    private static let events = """
        CREATE TABLE learning_events (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(), event_id text NOT NULL UNIQUE, event_type text NOT NULL,
            source_agent text, event_data jsonb NOT NULL DEFAULT '{}', duplicate_count integer DEFAULT 1,
            occurred_at timestamptz NOT NULL DEFAULT now(), created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now());
        CREATE INDEX ON learning_events (updated_at);
        ALTER TABLE learning_events ENABLE ROW LEVEL SECURITY;
        """

    /// A user that may do all that the README asks for, in a database whose events are another's.
    private func withUser(
        _ body: @Sendable (_ user: PostgresClient, _ owner: PostgresClient, _ name: String) async throws -> Void
    ) async throws {
        try await withTestDatabase { database in
            let name = database.name + "-user"
            try await database.client.withConnection { connection in
                try await connection.executeScript(
                    """
                    \(Self.events)
                    CREATE ROLE "\(name)-group";
                    CREATE ROLE "\(name)" LOGIN IN ROLE "\(name)-group", pg_read_all_stats;
                    GRANT ALL ON SCHEMA public TO "\(name)";
                    GRANT SELECT ON learning_events TO "\(name)";
                    """)
            }
            let url = database.url + (database.url.contains("://") ? (database.url.contains("?") ? "&user=" : "?user=") : " user=") + name
            let user = PostgresClient(try PostgresConfiguration(url), poolSize: 2)
            let result: Result<Void, any Error>
            do {
                result = .success(try await body(user, database.client, name))
            } catch {
                result = .failure(error)
            }
            await user.close()
            try await database.client.withConnection { connection in
                for role in [name, name + "-group"] {
                    try await connection.executeScript("DROP OWNED BY \"\(role)\"; DROP ROLE \"\(role)\"")
                }
            }
            try result.get()
        }
    }

    @Test func whoseEventsAreHiddenIsToldWhatShowsThem() async throws {
        try await withUser { user, owner, name in
            let migrator = SchemaMigrator(client: user)
            let remedy =
                "the owner of learning_events can run: "
                + "CREATE POLICY monitor_reads ON learning_events FOR SELECT TO \"\(name)\" USING (true)"
            let hidden = "row level security hides events from this user, so that they are not counted; "
            #expect(try await migrator.migrate().advice == [hidden + remedy])
            for (policy, advice) in [
                ("FOR SELECT TO \"\(name)\" USING (true)", nil), ("FOR SELECT TO PUBLIC USING (true)", nil),
                ("TO \"\(name)-group\" USING (true)", nil), ("FOR SELECT TO pg_monitor USING (true)", remedy),
                ("FOR SELECT USING (event_type = 'success')", remedy), ("FOR INSERT WITH CHECK (true)", remedy),
                (
                    "USING (true); CREATE POLICY narrow ON learning_events AS RESTRICTIVE USING (event_type = 'success')",
                    "a restrictive policy does it, which a superuser can lift: ALTER ROLE \"\(name)\" BYPASSRLS"
                ),
                ("USING (true); CREATE POLICY narrow ON learning_events AS RESTRICTIVE USING (true)", nil),
                ("USING (false); ALTER TABLE learning_events DISABLE ROW LEVEL SECURITY", nil),
            ] {
                try await owner.withConnection { connection in
                    try await connection.executeScript(
                        """
                        DROP POLICY IF EXISTS p ON learning_events;
                        DROP POLICY IF EXISTS narrow ON learning_events;
                        CREATE POLICY p ON learning_events \(policy);
                        """)
                }
                #expect(try await migrator.migrate().advice == (advice.map { [hidden + $0] } ?? []), "\(policy)")
            }
        }
    }

    @Test func whoMayNotSeeWhatWasAppliedIsNotToldToMigrate() async throws {
        try await withUser { user, owner, name in
            _ = try await SchemaMigrator(client: owner).migrate()
            try await owner.query("GRANT SELECT ON ALL TABLES IN SCHEMA public TO \"\(name)\"")
            await #expect(
                throws: MonitoringError(
                    .schemaMismatch,
                    "row level security hides from this user whether the schema is up to date: work as the user that ran migrate, "
                        + "or as one with BYPASSRLS")
            ) { try await SchemaMigrator(client: user).plan() }
        }
    }
}
