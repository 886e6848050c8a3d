import Foundation
import MonitoringSchema
import Postgres
import TestSupport
import Testing

/// Without a worker: pg_cron runs the jobs of deploy/supabase/cron.sql by its own clock.
@Suite(.enabled(if: PeerCronCluster.programs != nil, PeerProgram.hint("pg_cron")), .timeLimit(.minutes(9)))
struct PeerCronTests {
    @Test func itsJobsComputeAndOpenTheAlertOfARegression() async throws {
        try await PeerCronCluster.run(try #require(PeerCronCluster.programs)) { client in
            let jobs = try String(contentsOf: Self.jobs, encoding: .utf8)
            for _ in 0..<2 {
                try await client.withConnection { connection in
                    try await connection.executeScript(MonitoringSchema.whole, timeout: .seconds(60))
                    try await connection.executeScript(jobs)
                }
            }
            #expect(
                try await Self.names(client, "SELECT jobname AS name FROM cron.job ORDER BY jobname") == [
                    "compute-hourly-metrics", "monitoring-check", "monitoring-first-baseline",
                    "monitoring-retention", "monitoring-roll-up", "update-daily-baseline",
                ])
            // What is done at night, and once an hour, is seen to work now.
            try await client.query(
                """
                SELECT cron.alter_job(jobid, schedule => '* * * * *')
                FROM cron.job
                WHERE jobname IN ('update-daily-baseline', 'monitoring-retention')
                """)
            try await SpineTests.writeEvents(client)

            // Its clock strikes every minute. The events may be too fresh for the first stroke (the roll-up stays ten seconds
            // behind); the second rolls them up, while the check that it started as well looks; the third is sure to evaluate them.
            do {
                try await eventually("the alert is opened", timeout: .seconds(200)) {
                    try await Task.sleep(for: .milliseconds(100))
                    return try await Self.names(client, "SELECT alert_type AS name FROM monitoring_alerts").contains("fallback_spike")
                }
                try await eventually("every job of each minute has run", timeout: .seconds(30)) {
                    // That of each hour may have been among them.
                    try await Set(Self.names(client, Self.succeeded)).isSuperset(of: [
                        "monitoring-check", "monitoring-first-baseline", "monitoring-retention", "monitoring-roll-up",
                        "update-daily-baseline",
                    ])
                }
            } catch {
                Issue.record("\(try await Self.names(client, Self.runs))")
                throw error
            }
            #expect(try await Self.names(client, Self.failed) == [])
            #expect(
                try await Self.count(client, "FROM monitoring_metrics WHERE metric_hour IS NOT NULL AND total_events > 0")
                    == Self.hours(client))
            // The job of the night may have run before there was anything to see: then its next minute sees it.
            try await eventually("a baseline", timeout: .seconds(90)) {
                try await Self.count(client, "FROM monitoring_baseline WHERE baseline_name = '7day_rolling' AND valid_until > now()") == 1
            }
            try await eventually("days", timeout: .seconds(90)) { try await Self.count(client, "FROM mv_daily_metrics") > 0 }
        }
    }

    // MARK: -

    private static let jobs = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "deploy/supabase/cron.sql")

    private static let succeeded = """
        SELECT DISTINCT jobname AS name FROM cron.job_run_details JOIN cron.job USING (jobid) WHERE status = 'succeeded' ORDER BY 1
        """

    private static let failed = """
        SELECT jobname || ': ' || coalesce(return_message, '') AS name
        FROM cron.job_run_details JOIN cron.job USING (jobid) WHERE status = 'failed'
        """

    private static let runs = """
        SELECT concat_ws(' ', jobname, status, start_time, end_time, return_message) AS name
        FROM cron.job_run_details JOIN cron.job USING (jobid) ORDER BY runid
        """

    private static func names(_ client: PostgresClient, _ sql: String) async throws -> [String] {
        try await client.query(sql).map { try $0.decode("name") }
    }

    private static func hours(_ client: PostgresClient) async throws -> Int {
        try await count(client, "FROM (SELECT DISTINCT date_trunc('hour', occurred_at) FROM learning_events) AS hour")
    }

    private static func count(_ client: PostgresClient, _ what: String) async throws -> Int {
        try await client.query("SELECT count(*) AS count \(what)")[0].decode("count")
    }
}
