import Postgres
import TestSupport
import Testing

/// Steady traffic of 1,200 events an hour from the first of March on, with 4 % fallbacks, 1 % failures, 2 % duplicates.
@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint))
struct EvaluationTests {
    private static let begin = "2026-03-01T00:00:00Z"
    private static let noon = "2026-03-10T12:00:00Z"

    private static let verdicts = """
        SELECT concat_ws(' ', metric_name, window_seconds, verdict, would_be) AS line
        FROM monitoring_evaluate($1::timestamptz, $2::jsonb)
        WHERE metric_name = $3 AND slice_dimension IS NULL AND NOT evidence ? 'lag_days' AND window_seconds IN (3600, 21600, 86400, 259200)
        ORDER BY window_seconds
        """

    private func verdicts(
        _ fixture: EvaluationFixture, _ metric: String = "fallback_rate", at moment: String = noon, settings: String? = nil
    ) async throws -> [String] {
        try await fixture.lines(Self.verdicts, [.text(moment), .json(settings), .text(metric)])
    }

    @Test("a spike is seen in the window that shows it, with figures that a pocket calculator confirms")
    func spike() async throws {
        try await withEvaluationFixture { fixture in
            try await fixture.fill(Self.begin, "2026-03-10T11:00:00Z")
            try await fixture.fill("2026-03-10T11:00:00Z", Self.noon, .init(fallback: 10))
            let row = try await fixture.client.query(
                """
                SELECT *, evidence ->> 'window_start' AS starts, evidence ->> 'window_end' AS ends
                FROM monitoring_evaluate($1::timestamptz) WHERE metric_name = 'fallback_rate' AND window_seconds = 3600
                """, [.text("2026-03-10T12:04:59Z")])[0]
            let values: [String: Double] = try [
                "current_value", "baseline_value", "ratio", "total_events", "bad_events", "expected_events", "dispersion",
            ].reduce(into: [:]) { $0[$1] = try row.decode($1) }
            #expect(
                values == [
                    "current_value": 0.1, "baseline_value": 0.04, "ratio": 2.5, "total_events": 1200, "bad_events": 120,
                    "expected_events": 48, "dispersion": 1,
                ])
            let texts: [String?] = try ["alert_type", "verdict", "would_be", "severity", "starts", "ends", "affected_model"].map {
                try row.decode($0)
            }
            #expect(texts == ["fallback_spike", "medium", "medium", "medium", "2026-03-10T11:00:00Z", "2026-03-10T12:00:00Z", nil])
            let bound: Double = try row.decode("lower_bound")
            let chance: Double = try row.decode("p_value")
            #expect(bound > 1 && bound < 2.5)
            #expect(chance > 0 && chance < 1e-9)
        }
    }

    @Test("every metric and window has a verdict with a reason")
    func reasons() async throws {
        try await withEvaluationFixture { fixture in
            let nothing = try await verdicts(fixture)
            #expect(nothing == [3600, 21600, 86400, 259_200].map { "fallback_rate \($0) no_data no_data" })
            try await fixture.fill("2026-03-08T00:00:00Z", Self.noon)
            let young = try await verdicts(fixture)
            #expect(young == [3600, 21600, 86400, 259_200].map { "fallback_rate \($0) not_armed not_armed" })
            try await fixture.fill(Self.begin, "2026-03-10T11:00:00Z", .init(total: 20, fallback: 1))
            try await fixture.fill("2026-03-10T11:00:00Z", Self.noon, .init(total: 2, fallback: 0, duplicate: 0, unsuccessful: 0))
            try await fixture.fill(
                "2026-03-10T11:50:00Z", "2026-03-10T11:55:00Z", .init(total: 2, fallback: 2, duplicate: 0, unsuccessful: 0))
            try await fixture.fill("2026-03-10T11:55:00Z", Self.noon, .init(total: 2, fallback: 1, duplicate: 0, unsuccessful: 0))
            let sparse = try await verdicts(fixture)
            #expect(
                sparse == [
                    "fallback_rate 3600 too_few medium", "fallback_rate 21600 below_threshold below_threshold",
                    "fallback_rate 86400 below_threshold below_threshold", "fallback_rate 259200 below_threshold below_threshold",
                ])
            try await fixture.fill("2026-03-10T11:50:00Z", Self.noon, .init(total: 20, fallback: 4, unsuccessful: 3))
            let noisy = try await verdicts(fixture)
            #expect(noisy[0] == "fallback_rate 3600 within_noise medium")
        }
    }

    @Test("the ratio rule is to be had, for all or for one metric, and either rule names the other's verdict")
    func ratioRule() async throws {
        try await withEvaluationFixture { fixture in
            try await fixture.fill(Self.begin, "2026-03-10T11:00:00Z", .init(total: 20, fallback: 1, failed: 1))
            try await fixture.fill(
                "2026-03-10T11:00:00Z", Self.noon, .init(total: 2, fallback: 0, failed: 0, duplicate: 0, unsuccessful: 0))
            try await fixture.fill(
                "2026-03-10T11:50:00Z", Self.noon, .init(total: 2, fallback: 2, failed: 2, duplicate: 0, unsuccessful: 2))
            #expect(try await verdicts(fixture, settings: #"{"rule": "ratio"}"#)[0] == "fallback_rate 3600 high too_few")
            let mixed = #"{"metrics": {"error_rate": {"rule": "ratio"}}}"#
            #expect(try await verdicts(fixture, "error_rate", settings: mixed)[0] == "error_rate 3600 high too_few")
            #expect(try await verdicts(fixture, settings: mixed)[0] == "fallback_rate 3600 too_few high")
            let strict = #"{"rule": "ratio", "least_events": 100}"#
            #expect(try await verdicts(fixture, settings: strict)[0] == "fallback_rate 3600 too_few too_few")
        }
    }

    @Test("a rate that was nearly nought is compared with the floor, and the evidence says so")
    func floor() async throws {
        try await withEvaluationFixture { fixture in
            try await fixture.fill(Self.begin, "2026-03-10T11:00:00Z", .init(failed: 0))
            try await fixture.fill("2026-03-10T11:00:00Z", Self.noon, .init(failed: 2))
            let seen = try await fixture.lines(
                """
                SELECT concat_ws(' ', baseline_value, ratio, severity, evidence ->> 'floor_applied') AS line
                FROM monitoring_evaluate($1::timestamptz) WHERE metric_name = 'error_rate' AND window_seconds = 3600
                """, [.text(Self.noon)])
            #expect(seen == ["0.005000 4.0000 high true"])
        }
    }

    @Test("latency: the p95 of the window over what the hours of day expect, exact to the interpolation")
    func latency() async throws {
        try await withEvaluationFixture { fixture in
            try await fixture.fill(Self.begin, "2026-03-10T11:30:00Z")
            try await fixture.fill("2026-03-10T11:30:00Z", Self.noon, .init(slowness: 2.5))
            let seen = try await fixture.lines(
                """
                SELECT concat_ws(' ', current_value, baseline_value, ratio, bad_events, total_events, severity) AS line
                FROM monitoring_evaluate($1::timestamptz) WHERE metric_name = 'latency_p95' AND window_seconds = 3600
                """, [.text(Self.noon)])
            // Of 1,200 durations 600 are 2.5 times as long: 300 of 2250, 270 of 2500 and 30 of 5000 ms; the p95 is the 61st from above.
            #expect(seen == ["2500.00 1000.00 2.5000 630 1200 medium"])
            let exact: [Double] = try await fixture.client.query(
                """
                SELECT percentile_cont(share) WITHIN GROUP (ORDER BY duration) - monitoring_window_latency($1, $2, share, guess) AS error
                FROM monitoring_rollup, unnest(latency_values, latency_counts) AS h (duration, events), generate_series(1, events),
                    (VALUES (0.5::float8, 0::float8), (0.95, 1500), (0.95, 2600), (0.95, 9000), (0.99, 0), (1, 0), (0, 0)) p (share, guess)
                WHERE bucket_start >= $1::timestamptz AND bucket_start < $2::timestamptz
                GROUP BY share, guess
                """, [.text("2026-03-10T11:00:00Z"), .text(Self.noon)]
            ).map { try $0.decode("error") }
            #expect(exact == [0, 0, 0, 0, 0, 0, 0])
        }
    }

    @Test("health declines where its baseline was good and a part of it gives evidence, with its own two thresholds")
    func health() async throws {
        try await withEvaluationFixture { fixture in
            try await fixture.fill(Self.begin, "2026-03-10T11:00:00Z")
            try await fixture.fill("2026-03-10T11:00:00Z", Self.noon, .init(fallback: 20, unsuccessful: 30))
            let sql = """
                SELECT concat_ws(' ', current_value, baseline_value, ratio, severity, evidence ->> 'counted') AS line
                FROM monitoring_evaluate($1::timestamptz, $2::jsonb) WHERE metric_name = 'health_score' AND window_seconds = 3600
                """
            // 0.70 * 50 + 0 * 30 + (1 - 0.06) * 20 against 0.85 * 50 + 0.8 * 30 + 0.94 * 20. The fallbacks have an alert of their own:
            // without them, and with what they were expected to be, health is 77.80.
            #expect(try await fixture.lines(sql, [.text(Self.noon), .json(nil)]) == ["53.80 85.30 1.5855 fallback_rate"])
            let alone = #"{"metrics": {"fallback_rate": {"enabled": false}}}"#
            #expect(try await fixture.lines(sql, [.text(Self.noon), .json(alone)]) == ["53.80 85.30 1.5855 high fallback_rate"])
            let settings = #"{"health": {"critical": 60}}"#
            #expect(try await fixture.lines(sql, [.text(Self.noon), .json(settings)]) == ["53.80 85.30 1.5855 critical fallback_rate"])
            let expecting = #"{"health": {"warning": 90, "critical": 10}}"#
            #expect(try await fixture.lines(sql, [.text(Self.noon), .json(expecting)]) == ["53.80 85.30 1.5855 fallback_rate"])
        }
    }

    @Test("the slice that holds the excess is named; where all have grown alike none is")
    func attribution() async throws {
        let sql = """
            SELECT DISTINCT concat_ws(' ', 'all', affected_model, affected_backend, affected_agent, affected_version) AS line
            FROM monitoring_evaluate($1::timestamptz)
            WHERE metric_name = 'fallback_rate' AND severity IS NOT NULL AND slice_dimension IS NULL
            """
        try await withEvaluationFixture { fixture in
            try await fixture.fill(Self.begin, "2026-03-10T11:00:00Z")
            try await fixture.fill("2026-03-10T11:00:00Z", Self.noon, .init(fallback: 10))
            for model in ["opus", "haiku"] { try await fixture.slice(Self.begin, "2026-03-10T12:00:00Z", model: model) }
            try await fixture.slice("2026-03-10T11:00:00Z", Self.noon, model: "opus", fallback: 96)
            #expect(try await fixture.lines(sql, [.text(Self.noon)]) == ["all opus"])
            try await fixture.slice("2026-03-10T11:00:00Z", Self.noon, model: "opus", fallback: 60)
            try await fixture.slice("2026-03-10T11:00:00Z", Self.noon, model: "haiku", fallback: 60)
            #expect(try await fixture.lines(sql, [.text(Self.noon)]) == ["all"])
        }
    }

    @Test("an evaluation writes nothing, and says the same with a cached profile and without")
    func readOnly() async throws {
        try await withEvaluationFixture { fixture in
            try await fixture.fill(Self.begin, Self.noon)
            let sql = "SELECT evaluation::text AS line FROM monitoring_evaluate($1::timestamptz) evaluation"
            let derived = try await fixture.client.transaction(readOnly: true) { connection in
                try await connection.query(sql, [.text(Self.noon)]).map { try $0.decode("line", as: String.self) }
            }
            // Five metrics in four windows, traffic in one, four of them once more for slow drift in two; there are no slices.
            #expect(derived.count == 29)
            let filled = try await fixture.lines("SELECT monitoring_fill_profile('7day_rolling', 7, '2026-03-10')::text AS line")
            let again = try await fixture.lines("SELECT monitoring_fill_profile('7day_rolling', 7, '2026-03-10')::text AS line")
            #expect(filled + again == ["true", "false"])
            #expect(try await fixture.lines(sql, [.text(Self.noon)]) == derived)
        }
    }

    @Test("a profile is forgotten when buckets that it rests on change, and by no others")
    func forgetting() async throws {
        try await withEvaluationFixture { fixture in
            try await fixture.fill(Self.begin, Self.noon)
            let count = "SELECT count(*)::text AS line FROM monitoring_baseline_profile"
            try await fixture.client.query("SELECT monitoring_fill_profile('7day_rolling', 7, '2026-03-10')")
            #expect(try await fixture.lines(count) == ["144"])
            try await fixture.fill("2026-03-09T00:00:00Z", "2026-03-10T13:00:00Z")
            #expect(try await fixture.lines(count) == ["144"])
            try await fixture.fill("2026-03-05T00:00:00Z", "2026-03-05T00:05:00Z")
            #expect(try await fixture.lines(count) == ["0"])
        }
    }

    @Test("the session's time zone changes nothing")
    func timeZone() async throws {
        try await withEvaluationFixture { fixture in
            try await fixture.fill(Self.begin, "2026-03-10T11:00:00Z")
            try await fixture.fill("2026-03-10T11:00:00Z", Self.noon, .init(fallback: 10))
            let sql = "SELECT evaluation::text AS line FROM monitoring_evaluate('2026-03-10T12:00:00Z'::timestamptz) evaluation"
            let answers = try await fixture.client.withConnection { connection in
                var answers: [[String]] = []
                for zone in ["UTC", "Asia/Kolkata", "America/St_Johns"] {
                    try await connection.executeScript("SET TimeZone = '\(zone)'")
                    answers.append(try await connection.query(sql).map { try $0.decode("line") })
                }
                try await connection.executeScript("RESET TimeZone")
                return answers
            }
            #expect(answers[1] == answers[0] && answers[2] == answers[0])
        }
    }

    @Test(
        "faulty settings are refused with the name of the key",
        arguments: [
            (#"{"rul": "ratio"}"#, "settings: rul is no key of the settings; known are "),
            (#"{"rule": "magic"}"#, #"settings: rule must be evidence or ratio, not "magic""#),
            (#"{"thresholds": {"low": "2"}}"#, #"settings: thresholds.low must be a number, not "2""#),
            (#"{"thresholds": {"low": 2.5}}"#, "settings: thresholds must not fall from low to critical: "),
            (#"{"metrics": {"fallback": {}}}"#, "settings: fallback is no key of metrics; known are fallback_rate, "),
            (#"{"metrics": {"error_rate": {"floor": 2}}}"#, "settings: metrics.error_rate.floor must be from 0 to 1, not 2"),
            (#"{"windows_seconds": [100]}"#, "settings: windows_seconds must hold whole multiples of 300 from 300 to 604800, not 100"),
            (
                #"{"windows_seconds": [3600.0]}"#,
                "settings: windows_seconds must hold whole multiples of 300 from 300 to 604800, not 3600.0"
            ),
            (#"{"baseline": {"window_days": 7.5}}"#, "settings: baseline.window_days must be a whole number, without a point, not 7.5"),
            (#"{"step_seconds": 60.0}"#, "settings: step_seconds must be a whole number, without a point, not 60.0"),
            (#"{"rule": null}"#, "settings: rule must be evidence or ratio, not null"),
            (#"{"health": {"warning": 101}}"#, "settings: health.warning must be from 0 to 100, not 101"),
        ])
    func settings(faulty: String, message: String) async throws {
        try await withEvaluationFixture { fixture in
            for sql in [
                "INSERT INTO monitoring_settings (settings) VALUES ($1::jsonb)", "SELECT * FROM monitoring_evaluate(now(), $1::jsonb)",
            ] {
                let error = await #expect(throws: PostgresError.self) { try await fixture.client.query(sql, [.json(faulty)]) }
                #expect(error?.sqlState == "TMSET")
                #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
            }
        }
    }

    @Test("thresholds under that which is known of latency are settings like others, and whoever reads hears of them")
    func lowThresholds() async throws {
        try await withEvaluationFixture { fixture in
            let version = "SELECT data_version::text AS line FROM monitoring_rollup_state"
            let before = try await fixture.lines(version)
            let given = #"{"thresholds": {"low": 1.1, "medium": 1.2, "high": 2, "critical": 2}}"#
            try await fixture.client.query("INSERT INTO monitoring_settings (settings) VALUES ($1::jsonb)", [.json(given)])
            #expect(try await fixture.lines(version) != before)
            let held = try await fixture.lines(
                """
                SELECT concat_ws(' ', metric_name, threshold_low, threshold_medium) AS line
                FROM monitoring_metric_settings(monitoring_effective_settings())
                WHERE metric_name IN ('latency_p95', 'error_rate')
                ORDER BY 1
                """)
            #expect(held == ["error_rate 1.1 1.2", "latency_p95 1.2 1.2"])
            try await fixture.client.query("SELECT * FROM check_drift_and_alert('7day_rolling', 1.05, 1.1, 2.0)")
        }
    }

    @Test("durations of whatever length are judged")
    func longDurations() async throws {
        try await withEvaluationFixture { fixture in
            try await fixture.fill(Self.begin, Self.noon)
            try await fixture.client.query(
                """
                UPDATE monitoring_rollup
                SET latency_values = '{800,1771660000}', latency_counts = '{90,10}'
                WHERE extract(hour FROM bucket_start AT TIME ZONE 'UTC') = 3
                """)
            #expect(try await verdicts(fixture, "latency_p95").count == 4)
            try await fixture.client.query("SELECT * FROM monitoring_apply_evaluation($1::timestamptz)", [.text(Self.noon)])
        }
    }

    @Test("the newest settings hold, and an argument is laid over them key by key")
    func overlay() async throws {
        try await withEvaluationFixture { fixture in
            for settings in [#"{"resolve_after_seconds": 60}"#, #"{"health": {"warning": 80}, "thresholds": {"low": 1.2}}"#] {
                try await fixture.client.query("INSERT INTO monitoring_settings (settings) VALUES ($1::jsonb)", [.json(settings)])
            }
            let seen = try await fixture.lines(
                """
                SELECT concat_ws(' ', s -> 'resolve_after_seconds', s -> 'health', s -> 'thresholds') AS line
                FROM monitoring_effective_settings('{"thresholds": {"medium": 1.8}}') s
                """)
            #expect(seen == [#"3600 {"warning": 80, "critical": 50} {"low": 1.2, "high": 3.0, "medium": 1.8, "critical": 3.0}"#])
        }
    }

    /// What the settings of the fallback rate say with an argument, one after the other.
    @Test(
        "thresholds in an argument overrule those of a single metric, its other settings and everything else stays",
        arguments: [
            (#"{}"#, "3 4 5 6 0.02"), (#"{"thresholds": {}}"#, "3 4 5 6 0.02"), (#"{"health": {"warning": 80}}"#, "3 4 5 6 0.02"),
            (#"{"thresholds": {"low": 1.2}}"#, "1.2 2 3 3 0.02"),
            (#"{"thresholds": {"low": 1.2}, "metrics": {"fallback_rate": {"thresholds": {"high": 2.5}}}}"#, "1.2 2 2.5 3 0.02"),
        ])
    func explicitThresholds(argument: String, expected: String) async throws {
        try await withEvaluationFixture { fixture in
            try await fixture.client.query(
                """
                INSERT INTO monitoring_settings (settings) VALUES (
                    '{"metrics": {"fallback_rate": {"floor": 0.02, "thresholds": {"low": 3, "medium": 4, "high": 5, "critical": 6}}}}')
                """)
            // Laid over once more, as by a function that is given whole settings, it stays the same.
            let seen = try await fixture.lines(
                """
                SELECT concat_ws(' ', threshold_low, threshold_medium, threshold_high, threshold_critical, floor) AS line
                FROM (VALUES (1, $1::jsonb), (2, monitoring_effective_settings($1::jsonb))) given (place, settings),
                    monitoring_metric_settings(monitoring_effective_settings(given.settings))
                WHERE metric_name = 'fallback_rate'
                ORDER BY place
                """, [.json(argument)])
            #expect(seen == [expected, expected])
        }
    }
}
