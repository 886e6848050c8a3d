import Foundation
import Monitoring
import Postgres
import TestSupport
import Testing

@testable import MonitorAPI

/// Requests that say the same alerts at the same time, as the Prometheus of two places do.
@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint))
struct RelayRaceTests {
    private static let hour = Listener.now

    /// What a request says: fingerprints, and seconds from the full hour on until they end.
    private static func say(
        _ fingerprints: [String], until seconds: Double, at offset: Double = 0, _ connection: PostgresConnection
    ) async throws {
        let texts = PostgresValue.textArray(fingerprints)
        func each(_ text: String) -> PostgresValue { .textArray(fingerprints.map { _ in text }) }
        try await connection.query(
            """
            SELECT *
            FROM monitoring_relay_alerts(
                $1::text[], $2::text[], $3::text[], $3::text[], $4::text[], $5::text[], $4::text[], $4::text[], $6::timestamptz[],
                $7::timestamptz[], 'test', 'test', $8::timestamptz, interval '1 day', 1000, $9::boolean[])
            """,
            [
                texts, .textArray(fingerprints.map { "{\"alertname\": \"\($0)\"}" }), each("{}"), each("words"),
                each("high"),
                .timestampArray(fingerprints.map { _ in hour }),
                .timestampArray(fingerprints.map { _ in hour.addingTimeInterval(seconds) }),
                .timestamp(hour.addingTimeInterval(offset)), .boolArray(fingerprints.map { _ in true }),
            ], timeout: .seconds(20))
    }

    @Test("one that says an alert again and opens another, and one that ends the first, do not wait for each other")
    func renewalAndEnd() async throws {
        try await withTestDatabase(schema: true, poolSize: 4) { database in
            let client = database.client
            try await client.withConnection { try await Self.say(["x"], until: 240, $0) }
            try await client.transaction { first in
                // It has the lock of what changes, and waits for nothing as yet.
                try await Self.say(["z"], until: 240, first)
                async let second: Void = client.withConnection { try await Self.say(["x", "y"], until: 540, $0) }
                try await eventually("the other waits") {
                    try await client.query(
                        """
                        SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock') AS waits
                        """)[0].decode("waits")
                }
                try await Self.say(["x"], until: -60, first)
                try await first.query("COMMIT")
                try await second
                try await first.query("BEGIN")
            }
            let standing = try await client.query(
                "SELECT string_agg(fingerprint, ' ' ORDER BY fingerprint) AS names FROM monitoring_relayed_alerts")[0]
            #expect(try standing.decode("names", as: String.self) == "x y z")
        }
    }

    @Test("what is said again while its end is being written down goes on")
    func silentEnd() async throws {
        try await withTestDatabase(schema: true, poolSize: 4) { database in
            let client = database.client
            try await client.withConnection { try await Self.say(["x"], until: 60, $0) }
            try await client.transaction { first in
                try await Self.say(["x"], until: 600, at: 61, first)
                async let ended: Int = client.query(
                    "SELECT monitoring_end_relayed($1::timestamptz) AS ended", [.timestamp(Self.hour.addingTimeInterval(62))],
                    timeout: .seconds(20))[0].decode("ended")
                try await eventually("the other waits") {
                    try await client.query(
                        """
                        SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock') AS waits
                        """)[0].decode("waits")
                }
                try await first.query("COMMIT")
                #expect(try await ended == 0)
                try await first.query("BEGIN")
            }
            #expect(try await client.query("SELECT status FROM monitoring_alerts")[0].decode("status", as: String.self) == "open")
        }
    }

    @Test("what is said of one that a person reopened is taken over when it is said again")
    func reopened() async throws {
        try await withTestDatabase(schema: true) { database in
            let client = database.client
            try await client.withConnection { connection in
                try await Self.say(["x"], until: 60, connection)
                try await Self.say(["x"], until: -1, connection)
                try await connection.query(
                    "SELECT monitoring_act_on_alert(id, 'reopen', 'ann', 'cli', NULL, NULL, $1::timestamptz) FROM monitoring_alerts",
                    [.timestamp(Self.hour)])
                try await connection.query("UPDATE monitoring_alerts SET summary = 'former words'")
                try await Self.say(["x"], until: 60, connection)
                try await Self.say(["x"], until: 120, connection)
            }
            #expect(try await client.query("SELECT summary FROM monitoring_alerts")[0].decode("summary", as: String.self) == "words")
        }
    }
}
