import Postgres
import TestSupport
import Testing

@Suite(
    .enabled(if: TestDatabase.isAvailable, TestDatabase.hint),
    .enabled(if: Program.isBuilt, "torq-monitor was not built beside the tests"))
struct RowSecurityCommandTests {
    @Test func whatCountsEventsSaysThatSomeAreHidden() async throws {
        try await withTestDatabase { database in
            let name = database.name + "-user"
            try await database.client.withConnection { connection in
                try await connection.executeScript(
                    """
                    CREATE TABLE learning_events (
                        id uuid PRIMARY KEY, event_id text NOT NULL UNIQUE, event_type text NOT NULL, source_agent text, event_data jsonb,
                        duplicate_count integer, occurred_at timestamptz NOT NULL, created_at timestamptz, updated_at timestamptz NOT NULL);
                    CREATE INDEX ON learning_events (updated_at);
                    ALTER TABLE learning_events ENABLE ROW LEVEL SECURITY;
                    CREATE ROLE "\(name)" LOGIN IN ROLE pg_read_all_stats;
                    GRANT CREATE ON SCHEMA public TO "\(name)";
                    GRANT CREATE ON DATABASE "\(database.name)" TO "\(name)";
                    GRANT SELECT ON learning_events TO "\(name)";
                    """)
            }
            let url = database.url + (database.url.contains("://") ? (database.url.contains("?") ? "&user=" : "?user=") : " user=") + name
            var errors: [String] = []
            for command in [
                ["migrate"], ["compute", "--date", "2026-02-21"], ["check"], ["backtest", "--from", "2026-02-21", "--to", "2026-02-22"],
                ["alerts", "list"],
            ] {
                errors.append(try await Program.run(command + ["--database", url]).errors)
            }
            try await database.client.withConnection { try await $0.executeScript("DROP OWNED BY \"\(name)\"; DROP ROLE \"\(name)\"") }
            for (number, text) in errors.enumerated() {
                #expect(text.contains("note: row level security hides events from this user") == (number < 4), "\(number): \(text)")
            }
        }
    }
}
