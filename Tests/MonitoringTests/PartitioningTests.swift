import Foundation
import Postgres
import TestSupport
import Testing

@testable import Monitoring

/// learning_events as deploy/partitioning.sql makes it: in weekly partitions, of which the old ones are dropped.
@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint), .timeLimit(.minutes(3))) struct PartitioningTests {
    private static let script = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "deploy/partitioning.sql")

    private static func partition(_ client: PostgresClient) async throws {
        let text = try String(contentsOf: script, encoding: .utf8)
        try await client.withConnection { try await $0.executeScript(text) }
    }

    @Test func theTableBecomesPartitionedAndTheRollUpSeesNoDifference() async throws {
        try await withTestDatabase { database in
            _ = try await SchemaMigrator(client: database.client).migrate()
            let fixture = RollupFixture(client: database.client)
            try await fixture.insertMany(400, from: "2026-02-20 22:00:00+00", every: 60)
            try await fixture.rollUp()
            let before = try await fixture.figures()
            try await Self.partition(database.client)
            try await Self.partition(database.client)
            #expect(try await fixture.text("SELECT relkind FROM pg_class WHERE oid = 'learning_events'::regclass") == "p")
            #expect(try await fixture.text("SELECT count(*) FROM learning_events") == "400")
            try await fixture.rollUp()
            #expect(try await fixture.figures() == before)
            // Computed from the beginning as well, and by retries that the table's trigger dates.
            try await fixture.forget()
            try await fixture.rollUp()
            #expect(try await fixture.figures() == before)
            try await database.client.query("UPDATE learning_events SET duplicate_count = 2 WHERE event_id = 'e1'")
            #expect(try await fixture.step()[0] == 1)
            // A service does not ask for the index that there is.
            #expect(try await SchemaMigrator(client: database.client).migrate().advice.allSatisfy { !$0.contains("updated_at") })
        }
    }

    @Test func whatIsDroppedStaysRolledUpAndWhatComesLateIsAdded() async throws {
        try await withTestDatabase(schema: true) { database in
            let fixture = RollupFixture(client: database.client)
            try await fixture.insertMany(400, from: "2026-02-20 22:00:00+00", every: 60)
            try await Self.partition(database.client)
            try await fixture.rollUp()
            try await database.client.query("SELECT compute_daily_metrics('2026-02-21')")
            let before = try await fixture.figures()
            // Ten years on: everything that is there is old.
            #expect(try await fixture.text("SELECT learning_events_drop_partitions('180 days', now() + interval '10 years')") != "0")
            #expect(try await fixture.text("SELECT count(*) FROM learning_events") == "0")
            try await fixture.rollUp()
            try await database.client.query("SELECT compute_daily_metrics('2026-02-21')")
            #expect(try await fixture.figures() == before)
            try await fixture.insert("late", at: "2026-02-21 01:00:30+00")
            try await fixture.rollUp()
            #expect(try await fixture.text("SELECT sum(total_events) FROM monitoring_rollup") == "401")
        }
    }

    @Test func anImportKnowsWhatIsThere() async throws {
        try await withTestDatabase(schema: true) { database in
            let fixture = RollupFixture(client: database.client)
            try await Self.partition(database.client)
            let line = #"{"event_id": "e1", "event_type": "chat_interaction", "occurred_at": "2026-02-21T01:00:00Z", "event_data": {}}"#
            let importer = EventImporter(client: database.client)
            for existing in [EventImporter.OnExisting.skip, .skip, .count] {
                let source = AsyncStream<[UInt8]> {
                    $0.yield(Array(line.utf8))
                    $0.finish()
                }
                try await importer.run(source, onExisting: existing)
            }
            #expect(try await fixture.text("SELECT count(*) || ' ' || max(duplicate_count) FROM learning_events") == "1 2")
        }
    }

    @Test func nothingIsDroppedThatWasNotRolledUp() async throws {
        try await withTestDatabase(schema: true) { database in
            let fixture = RollupFixture(client: database.client)
            try await Self.partition(database.client)
            try await fixture.rollUp()
            try await fixture.insert("e", at: "2026-02-21 01:00:30+00")
            try await database.client.query("INSERT INTO monitoring_rollup_pending (hour_start) VALUES ('2026-02-21 01:00:00+00')")
            try await database.client.query("SELECT learning_events_drop_partitions('180 days', now() + interval '10 years')")
            #expect(try await fixture.text("SELECT count(*) FROM learning_events") == "1")
            try await database.client.query("DELETE FROM monitoring_rollup_pending")
            try await database.client.query("UPDATE monitoring_rollup_state SET watermark = now() - interval '2 hours'")
            try await database.client.query("SELECT learning_events_drop_partitions('180 days', now() + interval '10 years')")
            #expect(try await fixture.text("SELECT count(*) FROM learning_events") == "1")
        }
    }

    /// An event of a week that nobody expected waits in the default partition, and moves into its own when that is made.
    @Test func partitionsOfWeeksToComeAreMadeAndTakeWhatWaited() async throws {
        try await withTestDatabase(schema: true) { database in
            let fixture = RollupFixture(client: database.client)
            try await fixture.insert("later", at: "2099-01-01 00:00:00+00")
            try await Self.partition(database.client)
            try await fixture.insert("next", at: "2099-01-08 12:00:00+00")
            #expect(try await fixture.text("SELECT count(*) FROM learning_events_default") == "2")
            #expect(try await fixture.text("SELECT learning_events_make_partitions(1, '2099-01-02')") == "2")
            #expect(try await fixture.text("SELECT count(*) FROM learning_events_default") == "0")
            #expect(try await fixture.text("SELECT count(DISTINCT tableoid) FROM learning_events") == "2")
            #expect(try await fixture.text("SELECT learning_events_make_partitions(1, '2099-01-02')") == "0")
        }
    }

    /// Rights, policies, triggers and indexes are those that the table had, and no partition is open to anybody by itself.
    @Test func whatBelongsToTheTableGoesOver() async throws {
        try await withTestDatabase(schema: true) { database in
            let fixture = RollupFixture(client: database.client)
            try await database.client.withConnection {
                try await $0.executeScript(
                    """
                    CREATE POLICY everybody_reads ON learning_events FOR SELECT TO PUBLIC USING (event_type <> 'secret');
                    GRANT SELECT ON learning_events TO PUBLIC;
                    """)
            }
            try await Self.partition(database.client)
            #expect(try await fixture.text("SELECT has_table_privilege('pg_monitor', 'learning_events', 'SELECT')") == "true")
            #expect(
                try await fixture.text(
                    "SELECT qual FROM pg_policies WHERE policyname = 'everybody_reads' AND tablename = 'learning_events'")?
                    .contains("secret") == true)
            #expect(
                try await fixture.text(
                    "SELECT bool_and(relrowsecurity) FROM pg_class WHERE relname ~ '^learning_events(_default|_[0-9]+)?$' AND relkind IN ('r', 'p')"
                ) == "true")
            #expect(
                try await fixture.text(
                    "SELECT bool_or(has_table_privilege('pg_monitor', part.relid, 'SELECT')) FROM pg_partition_tree('learning_events') AS part WHERE part.isleaf AND part.relid <> 'learning_events_before'::regclass"
                ) == "false")
            #expect(
                try await fixture.text("SELECT count(*) FROM pg_trigger WHERE tgrelid = 'learning_events'::regclass AND NOT tgisinternal")
                    == "1")
            #expect(try await fixture.text("SELECT count(*) FROM pg_index WHERE indrelid = 'learning_events'::regclass") == "8")
        }
    }
}
