import Foundation
import Postgres

/// Where the time of statements goes, as pg_stat_statements counts it.
enum StatementFigures {
    static func reset(_ client: PostgresClient) async throws {
        try await client.query("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        try await client.query("SELECT pg_stat_statements_reset()")
    }

    /// The statements that took the most time, a line each.
    static func top(_ client: PostgresClient, alerts: Int) async throws -> [String] {
        let rows = try await client.query(
            """
            SELECT
                calls::integer AS calls, rows::integer AS rows, total_exec_time + total_plan_time AS milliseconds,
                left(regexp_replace(query, '\\s+', ' ', 'g'), 90) AS statement
            FROM pg_stat_statements
            WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
            ORDER BY total_exec_time + total_plan_time DESC
            LIMIT 14
            """)
        return try rows.map { row in
            let (calls, count): (Int, Int) = (try row.decode("calls"), try row.decode("rows"))
            let (milliseconds, statement): (Double, String) = (try row.decode("milliseconds"), try row.decode("statement"))
            return String(format: "%7.1f µs an alert, %6d calls, %7d rows: ", milliseconds * 1e3 / Double(alerts), calls, count) + statement
        }
    }
}
