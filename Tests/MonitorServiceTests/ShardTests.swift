import Foundation
import Monitoring
import Postgres
import TestSupport
import Testing

@testable import MonitorService

/// Events on three servers, rolled up on a fourth, as deploy/sharding.sql makes it.
@Suite(.serialized, .enabled(if: TestDatabase.isAvailable, TestDatabase.hint), .timeLimit(.minutes(6))) struct ShardTests {
    private static let script = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "deploy/sharding.sql")

    @Test func threeServersComeToTheSameFiguresAsOneTable() async throws {
        try await Self.run { place in
            // The same events in one table, and over the servers by the hash of their ids.
            try await place.one.withConnection { try await $0.executeScript(Self.events) }
            try await place.coordinator.query("INSERT INTO learning_events SELECT * FROM source.learning_events", timeout: .seconds(60))
            for shard in place.shards {
                let counted = try await shard.query("SELECT count(*) > 1000 AS has_some FROM learning_events")[0]
                #expect(try counted.decode("has_some", as: Bool.self))
                try await shard.query("ANALYZE learning_events", timeout: .seconds(60))
            }
            try await place.rollUpBoth()
            try await place.expectTheSame()

            // What each server is asked: hours alone, and nothing of a document comes back.
            let asked = try await Self.plan("EXPLAIN (VERBOSE, COSTS OFF) \(Self.reading)", place.coordinator)
            let remote = asked.filter { $0.contains("Remote SQL:") }.map { $0.split(separator: "Remote SQL: ")[1] }
            #expect(remote.count == 3, "\(asked)")
            for sql in remote {
                #expect(sql.contains("keys FROM public.monitoring_event_slices WHERE ((hour_start = ANY"), "\(sql)")
            }
            #expect(!asked.contains { $0.contains("event_data") })
            // And what it does then: it aggregates, over the events of these hours that an index finds.
            for shard in place.shards {
                let done = try await Self.plan("EXPLAIN (COSTS OFF) \(remote[0])", shard)
                #expect(done.contains { $0.contains("Aggregate") }, "\(done)")
                #expect(done.contains { $0.contains("monitoring_learning_events_hour") }, "\(done)")
            }

            // Changes are found by the time of their ingest, whichever server they come to.
            for client in [place.one, place.coordinator] {
                try await client.query(
                    """
                    INSERT INTO learning_events (event_id, event_type, source_agent, occurred_at, event_data)
                    SELECT 'late-' || n, 'success', 'agent', '2026-02-20 05:01:00+00', '{"reward": 0.9, "duration_ms": 70}'
                    FROM generate_series(1, 20) AS n
                    """)
            }
            for client in [place.one] + place.shards {
                try await client.query("UPDATE learning_events SET duplicate_count = 2 WHERE event_id IN ('e5', 'e6', 'e7', 'e8')")
            }
            try await place.rollUpBoth()
            try await place.expectTheSame()

            // Pruned events stay counted there as well.
            for client in [place.one] + place.shards {
                try await client.query("DELETE FROM learning_events WHERE occurred_at < '2026-02-20 12:00:00+00' AND event_id <> 'e9'")
                try await client.query("UPDATE learning_events SET duplicate_count = 2 WHERE event_id = 'e9'")
            }
            try await place.rollUpBoth()
            try await place.expectTheSame()
        }
    }

    /// A transaction that was open on a server while others were rolled up is found when it commits.
    @Test func whatCommitsLateOnAServerIsFound() async throws {
        try await Self.run { place in
            try await place.coordinator.query(
                "INSERT INTO learning_events (event_id, event_type) SELECT 'e' || n, 'success' FROM generate_series(1, 30) AS n")
            try await place.rollUp(place.coordinator)
            try await place.shards[1].transaction { connection in
                try await connection.query("INSERT INTO learning_events (event_id, event_type) VALUES ('slow', 'success')")
                // Until the coordinator's own clock would have passed it.
                try await eventually("a horizon behind it", timeout: .seconds(40)) {
                    try await place.rollUp(place.coordinator)
                    return try await connection.query("SELECT clock_timestamp() > now() + interval '11 seconds' AS is_past")[0].decode(
                        "is_past")
                }
                let begun: Date = try await connection.query("SELECT now() AS begun")[0].decode("begun")
                let watermark: Date = try await place.coordinator.query("SELECT watermark FROM monitoring_rollup_state")[0].decode(
                    "watermark")
                #expect(watermark <= begun)
            }
            try await place.rollUp(place.coordinator)
            #expect(
                try await place.coordinator.query("SELECT sum(total_events) AS count FROM monitoring_rollup")[0].decode(
                    "count", as: Int.self) == 31)
        }
    }

    /// Figures without a server's events would be wrong: there are none then.
    @Test func aServerThatIsAwayStopsTheRollUp() async throws {
        try await Self.run { place in
            try await place.coordinator.query(
                "INSERT INTO learning_events (event_id, event_type) SELECT 'e' || n, 'success' FROM generate_series(1, 30) AS n")
            try await place.servers[2].server.stop()
            await #expect(throws: PostgresError.self) { try await place.rollUp(place.coordinator) }
            #expect(
                try await place.coordinator.query("SELECT count(*) AS count FROM monitoring_rollup")[0].decode("count", as: Int.self) == 0)
            try await place.servers[2].server.start()
            try await eventually("it is read again", timeout: .seconds(30)) { (try? await place.rollUp(place.coordinator)) != nil }
            #expect(
                try await place.coordinator.query("SELECT sum(total_events) AS count FROM monitoring_rollup")[0].decode(
                    "count", as: Int.self) == 30)
        }
    }

    // MARK: -

    /// The servers and clients of a test.
    private struct Place: Sendable {
        let coordinator: PostgresClient
        /// Another database, with an ordinary table.
        let one: PostgresClient
        let shards: [PostgresClient]
        let servers: [TroubledServer]

        func rollUp(_ client: PostgresClient) async throws {
            for _ in 0..<100 {
                let pending: Int = try await client.query(
                    "SELECT hours_pending FROM monitoring_roll_up(200, '2026-03-01')", timeout: .seconds(120))[0].decode("hours_pending")
                if pending == 0 { return }
            }
            Issue.record("the roll-up does not come to an end")
        }

        func rollUpBoth() async throws {
            try await rollUp(one)
            try await rollUp(coordinator)
        }

        func expectTheSame() async throws {
            let first = try await ShardTests.figures(one), second = try await ShardTests.figures(coordinator)
            #expect(first.count > 100 && first == second, "\(Set(first).symmetricDifference(second).sorted().prefix(4))")
        }
    }

    private static func run(_ body: @escaping @Sendable (Place) async throws -> Void) async throws {
        try await withServers(4, []) { servers in
            let shards = try servers.prefix(3).map { PostgresClient(try PostgresConfiguration($0.conninfo), poolSize: 2) }
            let coordinator = PostgresClient(try PostgresConfiguration(servers[3].conninfo), poolSize: 2)
            try await coordinator.query("CREATE DATABASE one TEMPLATE template0", timeout: .seconds(60))
            let one = PostgresClient(
                try PostgresConfiguration(servers[3].conninfo(user: "postgres", database: "one")), poolSize: 2)
            let result: Result<Void, any Error>
            do {
                for client in shards + [coordinator, one] { _ = try await SchemaMigrator(client: client).migrate() }
                for shard in shards {
                    try await shard.query("SELECT monitoring_share_events()")
                    try await shard.query(index)
                }
                try await distribute(coordinator, servers)
                result = .success(
                    try await body(Place(coordinator: coordinator, one: one, shards: shards, servers: servers)))
            } catch {
                result = .failure(error)
            }
            for client in shards + [coordinator, one] { await client.close() }
            try result.get()
        }
    }

    private static func distribute(_ coordinator: PostgresClient, _ servers: [TroubledServer]) async throws {
        let text = try String(contentsOf: script, encoding: .utf8)
        try await coordinator.withConnection { try await $0.executeScript(text) }
        for (number, server) in servers.prefix(3).enumerated() {
            let host = URL(filePath: server.socket).deletingLastPathComponent().path
            try await coordinator.query(
                "SELECT monitoring_add_shard($1::name, $2::text, 'postgres')",
                [.text("shard_\(number)"), .text("host=\(host) dbname=postgres")])
        }
        try await coordinator.query("SELECT monitoring_distribute_events()")
        let host = URL(filePath: servers[3].socket).deletingLastPathComponent().path
        try await coordinator.withConnection {
            try await $0.executeScript(
                """
                CREATE SERVER one FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '\(host)', dbname 'one');
                CREATE USER MAPPING FOR CURRENT_USER SERVER one OPTIONS (user 'postgres');
                CREATE SCHEMA source;
                IMPORT FOREIGN SCHEMA public LIMIT TO (learning_events) FROM SERVER one INTO source;
                """)
        }
    }

    private static func withServers(
        _ count: Int, _ servers: [TroubledServer], _ body: @escaping @Sendable ([TroubledServer]) async throws -> Void
    ) async throws {
        guard servers.count < count else { return try await body(servers) }
        try await TroubledServer.run { try await withServers(count, servers + [$0], body) }
    }

    private static func plan(_ sql: String, _ client: PostgresClient) async throws -> [String] {
        try await client.withConnection { connection in
            // So few events that reading them all costs less.
            try await connection.query("SET enable_seqscan = off")
            return try await connection.query(sql).map { try $0.decode("QUERY PLAN") }
        }
    }

    /// Every row of what was computed; marks in one order, which they need not have.
    private static func figures(_ client: PostgresClient) async throws -> [String] {
        try await client.query(
            """
            SELECT (to_jsonb(m) - '{id,computed_at}'::text[])::text AS line FROM monitoring_metrics AS m
            UNION ALL
            SELECT (to_jsonb(b) - 'rolled_up_at')::text FROM monitoring_rollup AS b
            UNION ALL
            SELECT (to_jsonb(s) - '{mark_values,mark_counts}'::text[])::text || (
                SELECT jsonb_object_agg(value, events)
                FROM (SELECT value, sum(events) AS events FROM unnest(mark_values, mark_counts) AS mark (value, events) GROUP BY value) AS marks
            )::text
            FROM monitoring_rollup_slices AS s
            ORDER BY 1
            """, timeout: .seconds(60)
        ).map { try $0.decode("line") }
    }

    private static let index = """
        CREATE INDEX CONCURRENTLY monitoring_learning_events_hour
            ON learning_events (date_bin('1 hour', occurred_at, '2000-01-01 00:00:00+00'))
            WHERE occurred_at >= '0001-01-01 00:00:00+00' AND occurred_at < '10000-01-01 00:00:00+00'
        """

    /// What the roll-up reads of other servers.
    private static let reading = """
        SELECT hour_start, model, backend, agent, version, event_type, reason, newest, key
        FROM monitoring_shard_slices
        CROSS JOIN LATERAL unnest(keys) AS key
        WHERE hour_start = ANY ('{2026-02-20 04:00:00+00, 2026-02-20 05:00:00+00}')
        """

    /// 6,000 events of 28 hours, and some of them hold what nobody can read.
    private static let events = """
        INSERT INTO learning_events (event_id, event_type, source_agent, duplicate_count, occurred_at, event_data)
        SELECT
            'e' || n, CASE n % 7 WHEN 0 THEN 'failure' ELSE 'chat_interaction' END, 'agent' || n % 3, CASE WHEN n % 41 = 0 THEN 3 ELSE 1 END,
            timestamptz '2026-02-20 03:00:00+00' + n * interval '17 seconds',
            CASE n % 97
                WHEN 0 THEN '"text"'
                WHEN 1 THEN '{"reward": "n/a", "duration_ms": "2.3s", "model": 5}'
                WHEN 2 THEN '{"telemetry": "x", "reward": true, "duration_ms": 1e12}'
                WHEN 3 THEN jsonb_build_object('model', repeat('ü', 300), 'reward', '0.6', 'duration_ms', '12.5')
                WHEN 4 THEN '{"duration_ms": 2147483647, "backend": [1], "telemetry": {"request_chain": {}}}'
                WHEN 5 THEN '{"duration_ms": -1, "reward": null, "model": "", "telemetry": {"request_chain": [{"fallback_reason": {"a": 1}}]}}'
                ELSE jsonb_build_object(
                    'reward', n % 10 / 10.0, 'duration_ms', n * 7919 % 4000, 'model', 'model-' || n % 4,
                    'backend', CASE n % 2 WHEN 0 THEN 'railway' ELSE 'vercel' END,
                    'telemetry', jsonb_build_object('request_chain', jsonb_build_array(jsonb_build_object(
                        'service', 'railway', 'version', '1.0.' || n % 2, 'fallback_reason', CASE WHEN n % 13 = 0 THEN 'timeout' END))))
            END::jsonb
        FROM generate_series(1, 6000) AS n
        """
}
