import Postgres

extension EvaluationFixture {
    /// What every five minutes of a stretch hold of one model, backend, agent and version.
    struct Share: Sendable {
        var model: String
        var backend = "railway"
        var agent = "prince_flowers"
        var version = "railway:1.0.8"
        var total = 60
        var fallback = 0
        var failed = 0
        var duplicate = 0
        /// Those that took three times as long as the others.
        var slow = 1
        /// How long the others took, in milliseconds.
        var duration = 1000
    }

    /// Writes what all events of a stretch were, over what is there: by five minutes and, with what each five minutes of an hour
    /// held, by hour and slice. No event is bad in two ways; nothing else than these shares was there.
    func shares(_ from: String, _ until: String, _ shares: [Share]) async throws {
        try await client.query(
            """
            CREATE TABLE IF NOT EXISTS fixture_shares (
                bucket_start timestamptz, model text, backend text, agent text, version text,
                total integer, fallback integer, failed integer, duplicate integer, slow integer, duration integer,
                PRIMARY KEY (bucket_start, model, backend, agent, version))
            """)
        try await client.query(
            "DELETE FROM fixture_shares WHERE bucket_start >= $1::timestamptz AND bucket_start < $2::timestamptz",
            [.text(from), .text(until)])
        for share in shares {
            try await client.query(
                """
                INSERT INTO fixture_shares
                SELECT start, $3, $4, $5, $6, $7::int, $8::int, $9::int, $10::int, $11::int, $12::int
                FROM generate_series($1::timestamptz, $2::timestamptz - interval '5 minutes', interval '5 minutes') start
                """,
                [
                    .text(from), .text(until), .text(share.model), .text(share.backend), .text(share.agent), .text(share.version),
                    .int(share.total), .int(share.fallback), .int(share.failed), .int(share.duplicate), .int(share.slow),
                    .int(share.duration),
                ])
        }
        try await rollUpShares(from, until)
    }

    /// Applies single moments; the evaluation's transitions, as `DD HH:MM metric slice transition severity`.
    func step(_ moments: [String], settings: String? = nil) async throws -> [String] {
        var transitions: [String] = []
        for moment in moments {
            try await client.query(
                "SELECT * FROM monitoring_apply_evaluation($1::timestamptz, $2::jsonb)", [.text(moment), .json(settings)])
            transitions += try await lines(
                """
                SELECT concat_ws(' ', to_char(t.occurred_at AT TIME ZONE 'UTC', 'DD HH24:MI'), a.metric_name, a.slice_dimension,
                    a.slice_value, t.transition, t.to_severity) AS line
                FROM monitoring_alert_transitions t JOIN monitoring_alerts a ON a.id = t.alert_id
                WHERE t.occurred_at = $1::timestamptz AND t.actor = 'monitor' ORDER BY t.id
                """, [.text(moment)])
        }
        return transitions
    }

    /// Brings the roll-up of the hours of a stretch to what the table of shares says.
    func rollUpShares(_ from: String, _ until: String) async throws {
        let stretch: [PostgresValue] = [.text(from), .text(until)]
        let begin = ">= date_trunc('hour', $1::timestamptz, 'UTC')"
        let end = "< date_trunc('hour', $2::timestamptz + interval '59 minutes', 'UTC')"
        let touched = "bucket_start \(begin) AND bucket_start \(end)"
        try await client.query("DELETE FROM monitoring_rollup WHERE \(touched)", stretch)
        try await client.query(
            "DELETE FROM monitoring_rollup_slices WHERE hour_start \(begin) AND hour_start \(end)", stretch)
        try await client.query(
            """
            INSERT INTO monitoring_rollup
            SELECT
                bucket_start, sum(total), sum(total - failed), sum(failed), sum(fallback), sum(duplicate), sum(total), 0, '{}', sum(total),
                sum(duration * (total + slow * 2)), min(latency.durations), min(latency.events), bucket_start
            FROM fixture_shares
            JOIN LATERAL (
                SELECT array_agg(bar.value ORDER BY bar.value) AS durations, array_agg(bar.events ORDER BY bar.value) AS events
                FROM (
                    SELECT each.value, sum(each.events) AS events
                    FROM fixture_shares held
                    CROSS JOIN LATERAL (VALUES (duration, total - slow), (duration * 3, slow)) each (value, events)
                    WHERE held.bucket_start = fixture_shares.bucket_start AND each.events > 0
                    GROUP BY each.value) bar
            ) latency ON true
            WHERE \(touched)
            GROUP BY bucket_start
            """, stretch)
        try await client.query(
            """
            WITH share AS (
                SELECT date_trunc('hour', bucket_start, 'UTC') AS hour, extract(minute FROM bucket_start AT TIME ZONE 'UTC')::integer / 5 * 16 AS place, *
                FROM fixture_shares
                WHERE \(touched)
            ),
            mark AS (
                SELECT
                    hour, model, backend, agent, version,
                    array_agg(place + kind ORDER BY place + kind) AS mark_values, array_agg(events ORDER BY place + kind) AS mark_counts
                FROM share
                CROSS JOIN LATERAL (
                    VALUES (0, total - fallback - failed - duplicate), (1, duplicate), (2, fallback), (12, failed)) marks (kind, events)
                WHERE events > 0
                GROUP BY hour, model, backend, agent, version
            )
            INSERT INTO monitoring_rollup_slices
                (hour_start, model, backend, agent, version, total_events, successful_events, failed_events, fallback_events,
                 duplicate_events, scored_events, latency_events, latency_sum, latency_values, latency_counts, mark_values, mark_counts)
            SELECT
                hour, model, backend, agent, version, sum(total), sum(total - failed), sum(failed), sum(fallback), sum(duplicate),
                sum(total), sum(total), sum(duration * (total + slow * 2)), ARRAY[min(duration), min(duration) * 3],
                ARRAY[sum(total - slow), sum(slow)], min(mark_values), min(mark_counts)
            FROM share
            JOIN mark USING (hour, model, backend, agent, version)
            GROUP BY hour, model, backend, agent, version
            """, stretch)
    }
}
