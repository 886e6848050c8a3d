import Postgres
import TestSupport
import Testing

/// Steady traffic with 4 % fallbacks; an incident from noon to two o'clock of the tenth of March.
@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint))
struct LifecycleTests {
    private static let begin = "2026-03-01T00:00:00Z"
    private static let noon = "2026-03-10T12:00:00Z"
    private static let two = "2026-03-10T14:00:00Z"
    private static let end = "2026-03-13T00:00:00Z"

    /// Twelve of a hundred events fall back between noon and two.
    private func incident(_ fixture: EvaluationFixture, fallback: Int = 12) async throws {
        try await fixture.fill(Self.begin, Self.end)
        try await fixture.fill(Self.noon, Self.two, .init(fallback: fallback))
    }

    @Test("an incident opens one alert, which escalates with the ratio and with time, and resolves by itself once it is calm")
    func wholeLife() async throws {
        try await withEvaluationFixture { fixture in
            try await incident(fixture)
            let steps = try await fixture.walk("2026-03-10T11:00:00Z", "2026-03-10T20:00:00Z")
            #expect(
                steps == [
                    "10 12:15 fallback_rate opened high", "10 12:45 fallback_rate escalated critical",
                    "10 15:20 fallback_rate resolved critical",
                ])
            let states = try await fixture.lines(
                """
                SELECT concat_ws(' ', sequence, from_status, to_status, from_severity, to_severity, actor, note) AS line
                FROM monitoring_alert_transitions ORDER BY sequence
                """)
            #expect(
                states == [
                    "1 open high monitor", "2 open open high critical monitor",
                    "3 open resolved critical critical monitor Calm since 2026-03-10 14:20 UTC.",
                ])
        }
    }

    @Test("one that no window shows any more ends as soon as it is calm, and what comes after it is told")
    func short() async throws {
        try await withEvaluationFixture { fixture in
            let usual = EvaluationFixture.Bucket(failed: 2)
            try await fixture.fill("2026-03-01T00:00:00Z", "2026-03-11T00:00:00Z", usual)
            try await fixture.fill("2026-03-10T12:00:00Z", "2026-03-10T12:50:00Z", .init(failed: 5))
            let steps = try await fixture.walk("2026-03-10T12:00:00Z", "2026-03-10T23:00:00Z").filter { $0.contains(" error_rate ") }
            #expect(steps.count == 2 && steps.first?.contains("opened") == true, "\(steps)")
            #expect(steps.last.map { $0.contains("resolved") && $0 < "10 15:30" } == true, "\(steps)")
            try await fixture.fill("2026-03-11T00:00:00Z", "2026-03-11T12:00:00Z", usual)
            try await fixture.fill("2026-03-11T10:00:00Z", "2026-03-11T11:00:00Z", .init(failed: 8))
            let later = try await fixture.walk("2026-03-10T23:05:00Z", "2026-03-11T11:00:00Z").filter { $0.contains(" error_rate ") }
            #expect(later.contains { $0.contains("opened") }, "\(later)")
        }
    }

    @Test("health that an alert had accounted for raises none when that alert is over; what comes then does")
    func accountedFor() async throws {
        try await withEvaluationFixture { fixture in
            try await incident(fixture, fallback: 30)
            try await fixture.fill("2026-03-10T17:00:00Z", "2026-03-10T18:00:00Z", .init(unsuccessful: 50))
            let steps = try await fixture.walk("2026-03-10T11:00:00Z", "2026-03-10T18:00:00Z")
            #expect(
                steps == [
                    "10 12:05 fallback_rate opened high", "10 12:35 fallback_rate escalated critical",
                    "10 15:00 fallback_rate resolved critical", "10 17:05 health_score opened high",
                ])
        }
    }

    @Test("an alert carries its sentence, thresholds, moment and evidence")
    func evidence() async throws {
        try await withEvaluationFixture { fixture in
            try await incident(fixture)
            for model in ["opus", "haiku"] { try await fixture.slice(Self.begin, Self.end, model: model) }
            try await fixture.slice(Self.noon, Self.two, model: "opus", fallback: 120)
            try await fixture.walk("2026-03-10T13:00:00Z", "2026-03-10T13:00:00Z")
            let alert = try await fixture.lines(
                """
                SELECT concat_ws('|', summary, alert_type, severity, current_value, baseline_value, deviation_ratio, threshold_low,
                    threshold_medium, threshold_high, metric_date, metric_hour, comparison_window_days, affected_model,
                    context_data ->> 'bad_events', context_data ->> 'expected_events', context_data -> 'slices' -> 0 ->> 'value') AS line
                FROM monitoring_alerts
                """)
            #expect(
                alert == [
                    "Fallback rate 12.0 % over the last 15 minutes, 3.0x the expected 4.0 % (36 of 300 events; expected 12), mostly model opus."
                        + "|fallback_spike|high|0.120000|0.040000|3.0000|1.5|2|3|2026-03-10|13|7|opus|36|12.000|opus"
                ])
        }
    }

    @Test("the same moment again changes nothing, and neither does an earlier one")
    func idempotent() async throws {
        try await withEvaluationFixture { fixture in
            try await incident(fixture)
            try await fixture.walk("2026-03-10T12:00:00Z", "2026-03-10T13:00:00Z")
            let state = "SELECT concat(a::text, (SELECT data_version FROM monitoring_rollup_state)) AS line FROM monitoring_alerts a"
            let before = try await fixture.lines(state)
            for moment in ["2026-03-10T13:00:00Z", "2026-03-10T13:04:59Z", "2026-03-10T12:40:00Z", "2026-03-01T00:00:00Z"] {
                let steps = try await fixture.client.query("SELECT * FROM monitoring_apply_evaluation($1::timestamptz)", [.text(moment)])
                #expect(steps.isEmpty, "\(moment)")
            }
            #expect(try await fixture.lines(state) == before)
        }
    }

    @Test("what people may do is what the table allows, and what is so already is no error and leaves no trace")
    func people() async throws {
        try await withEvaluationFixture { fixture in
            try await incident(fixture)
            try await fixture.walk("2026-03-10T13:00:00Z", "2026-03-10T13:00:00Z")
            let moment = "2026-03-10T13:01:00Z"
            var outcomes: [String] = []
            for action in [
                "acknowledge", "acknowledge", "reopen", "snooze", "snooze", "unacknowledge", "unacknowledge", "ignore", "ignore",
                "acknowledge",
                "reopen", "resolve", "resolve", "acknowledge", "ignore", "snooze", "unacknowledge", "reopen",
            ] {
                outcomes.append(action + ": " + (try await fixture.act(action, at: moment, until: "2026-03-10T15:00:00Z")))
            }
            #expect(
                outcomes == [
                    "acknowledge: changed open acknowledged", "acknowledge: unchanged acknowledged acknowledged",
                    "reopen: forbidden acknowledged acknowledged", "snooze: changed acknowledged acknowledged",
                    "snooze: unchanged acknowledged acknowledged", "unacknowledge: changed acknowledged open",
                    "unacknowledge: unchanged open open", "ignore: changed open ignored", "ignore: unchanged ignored ignored",
                    "acknowledge: forbidden ignored ignored", "reopen: changed ignored open", "resolve: changed open resolved",
                    "resolve: unchanged resolved resolved", "acknowledge: forbidden resolved resolved",
                    "ignore: forbidden resolved resolved",
                    "snooze: forbidden resolved resolved", "unacknowledge: forbidden resolved resolved", "reopen: changed resolved open",
                ])
            let count = try await fixture.lines("SELECT concat_ws(' ', count(*), max(sequence)) AS line FROM monitoring_alert_transitions")
            #expect(count == ["8 8"])
        }
    }

    @Test("an unknown alert is not found; an action nobody knows, a snooze without an end and an actor without a name are errors")
    func faultyActions() async throws {
        try await withEvaluationFixture { fixture in
            let sql =
                "SELECT outcome AS line FROM monitoring_act_on_alert(gen_random_uuid(), $1, $2, NULL, NULL, $3::timestamptz, $4::timestamptz)"
            let found = try await fixture.lines(sql, [.text("acknowledge"), .text("ann"), .text(nil), .text(Self.noon)])
            #expect(found == ["not_found"])
            for parameters: [PostgresValue] in [
                [.text("explode"), .text("ann"), .text(nil)], [.text("snooze"), .text("ann"), .text(nil)],
                [.text("snooze"), .text("ann"), .text("2026-03-10T11:00:00Z")], [.text("acknowledge"), .text(""), .text(nil)],
                [.text("escalate"), .text("ann"), .text(nil)],
            ] {
                let error = await #expect(throws: PostgresError.self) {
                    try await fixture.client.query(sql, parameters + [.text(Self.noon)])
                }
                #expect(error?.sqlState == "TMARG")
            }
        }
    }

    @Test("escalation keeps an acknowledgement, reopening takes it back")
    func acknowledgement() async throws {
        try await withEvaluationFixture { fixture in
            try await incident(fixture)
            try await fixture.walk("2026-03-10T12:00:00Z", "2026-03-10T12:35:00Z")
            _ = try await fixture.act("acknowledge", at: "2026-03-10T12:36:00Z", note: "on it")
            let sql = "SELECT concat_ws(' ', status, severity, acknowledged_by, resolved_by) AS line FROM monitoring_alerts"
            try await fixture.walk("2026-03-10T12:40:00Z", "2026-03-10T13:00:00Z")
            #expect(try await fixture.lines(sql) == ["acknowledged critical ann"])
            try await fixture.walk("2026-03-10T13:05:00Z", "2026-03-10T16:00:00Z")
            #expect(try await fixture.lines(sql) == ["resolved critical ann"])
            try await fixture.fill("2026-03-10T20:00:00Z", "2026-03-10T22:00:00Z", .init(fallback: 12))
            try await fixture.walk("2026-03-10T16:05:00Z", "2026-03-10T20:30:00Z")
            #expect(try await fixture.lines(sql) == ["open high"])
        }
    }

    @Test("what comes back within reopen_within is the same alert, later a new one", arguments: [(86400, 1), (3600, 2)])
    func reopening(within seconds: Int, alerts: Int) async throws {
        try await withEvaluationFixture { fixture in
            try await incident(fixture)
            try await fixture.fill("2026-03-10T20:00:00Z", "2026-03-10T22:00:00Z", .init(fallback: 12))
            try await fixture.walk("2026-03-10T12:00:00Z", "2026-03-10T20:30:00Z", settings: #"{"reopen_within_seconds": \#(seconds)}"#)
            let states = try await fixture.alerts()
            #expect(states.count == alerts)
            #expect(states.last == "fallback_rate open high")
        }
    }

    @Test("resolved by hand while it holds, it stays so until it has cleared once")
    func resolvedByHand() async throws {
        try await withEvaluationFixture { fixture in
            try await incident(fixture, fallback: 8)
            try await fixture.fill("2026-03-10T18:00:00Z", "2026-03-10T20:00:00Z", .init(fallback: 8))
            try await fixture.walk("2026-03-10T12:00:00Z", "2026-03-10T13:05:00Z")
            #expect(try await fixture.act("resolve", at: "2026-03-10T13:06:00Z", note: "known") == "changed open resolved")
            #expect(try await fixture.walk("2026-03-10T13:10:00Z", "2026-03-10T17:55:00Z") == [])
            let again = try await fixture.walk("2026-03-10T18:00:00Z", "2026-03-10T19:00:00Z")
            #expect(again == ["10 18:45 fallback_rate reopened medium"])
        }
    }

    @Test("resolved by hand, it reopens at once when it gets one severity worse")
    func resolvedByHandAndWorse() async throws {
        try await withEvaluationFixture { fixture in
            try await incident(fixture, fallback: 8)
            try await fixture.fill("2026-03-10T13:10:00Z", "2026-03-10T15:00:00Z", .init(fallback: 30))
            try await fixture.walk("2026-03-10T12:00:00Z", "2026-03-10T13:05:00Z")
            _ = try await fixture.act("resolve", at: "2026-03-10T13:06:00Z")
            let steps = try await fixture.walk(
                "2026-03-10T13:10:00Z", "2026-03-10T13:40:00Z", settings: #"{"metrics": {"health_score": {"enabled": false}}}"#)
            #expect(steps.first == "10 13:15 fallback_rate reopened high")
        }
    }

    @Test("an ignored alert keeps its fingerprint and ends when the condition clears")
    func ignored() async throws {
        try await withEvaluationFixture { fixture in
            try await incident(fixture)
            try await fixture.walk("2026-03-10T12:00:00Z", "2026-03-10T13:00:00Z")
            _ = try await fixture.act("ignore", at: "2026-03-10T13:01:00Z")
            #expect(
                try await fixture.walk("2026-03-10T13:05:00Z", "2026-03-10T18:00:00Z").last == "10 15:20 fallback_rate resolved critical")
            #expect(try await fixture.alerts() == ["fallback_rate resolved critical"])
        }
    }

    @Test("it de-escalates only after having been lower for as long as it takes to resolve")
    func deescalation() async throws {
        try await withEvaluationFixture { fixture in
            try await fixture.fill(Self.begin, Self.end)
            try await fixture.fill(Self.noon, "2026-03-10T13:00:00Z", .init(fallback: 12))
            try await fixture.fill("2026-03-10T13:00:00Z", "2026-03-10T20:00:00Z", .init(fallback: 7))
            let steps = try await fixture.walk(
                "2026-03-10T13:00:00Z", "2026-03-10T17:00:00Z", settings: #"{"critical_after_seconds": 86400}"#)
            #expect(
                steps == [
                    "10 13:00 fallback_rate opened high", "10 14:15 fallback_rate deescalated medium",
                ])
        }
    }

    @Test("a ratio that is critical opens as critical at once where health is critical too: one transition")
    func straightToCritical() async throws {
        try await withEvaluationFixture { fixture in
            try await fixture.fill(Self.begin, Self.end)
            try await fixture.fill(Self.noon, Self.two, .init(fallback: 60, unsuccessful: 80))
            let steps = try await fixture.walk("2026-03-10T13:00:00Z", "2026-03-10T13:00:00Z")
            #expect(steps.sorted() == ["10 13:00 fallback_rate opened critical", "10 13:00 health_score opened critical"])
        }
    }

    @Test("the alert of a metric that is switched off ends")
    func switchedOff() async throws {
        try await withEvaluationFixture { fixture in
            try await incident(fixture)
            try await fixture.walk("2026-03-10T12:00:00Z", "2026-03-10T13:00:00Z")
            let steps = try await fixture.walk(
                "2026-03-10T13:05:00Z", "2026-03-10T13:05:00Z", settings: #"{"metrics": {"fallback_rate": {"enabled": false}}}"#)
            #expect(steps == ["10 13:05 fallback_rate resolved critical"])
        }
    }

    @Test("an incident is no normal: its hours are left out of the baseline of the days after it")
    func unfitHours() async throws {
        try await withEvaluationFixture { fixture in
            try await incident(fixture, fallback: 40)
            try await fixture.walk("2026-03-10T12:00:00Z", "2026-03-10T18:00:00Z")
            let rates = try await fixture.lines(
                """
                SELECT round(rate::numeric, 4)::text AS line FROM monitoring_derive_profile('7day_rolling', 7, '2026-03-12')
                WHERE metric_name = 'fallback_rate' AND hour_of_day IN (3, 12, 13)
                """)
            #expect(rates == ["0.0400", "0.0400", "0.0400"])
        }
    }

    @Test("the check for pg_cron counts what it opened, and opens nothing in the past")
    func check() async throws {
        try await withEvaluationFixture { fixture in
            try await fixture.client.query(
                """
                INSERT INTO monitoring_rollup
                SELECT start, 100, 85, 1, CASE WHEN start >= now() - interval '65 minutes' THEN 12 ELSE 4 END, 2, 100, 0, '{}', 0, 0, '{}', '{}', start
                FROM generate_series(monitoring_bucket(now()) - interval '9 days', now(), interval '5 minutes') start
                """)
            let sql =
                "SELECT concat_ws(' ', alerts_created, cardinality(alert_ids)) AS line FROM check_drift_and_alert(p_at => now() + $1::interval)"
            #expect(try await fixture.lines(sql, [.text("-11 minutes")]) == ["0 0"])
            let early = await #expect(throws: PostgresError.self) { try await fixture.lines(sql, [.text("11 minutes")]) }
            #expect(early?.sqlState == "TMARG")
            #expect(try await fixture.lines("SELECT applied_at::text AS line FROM monitoring_evaluation_state") == ["-infinity"])
            #expect(try await fixture.lines(sql, [.text("0")]) == ["1 1"])
            #expect(try await fixture.lines(sql, [.text("0")]) == ["0 0"])
        }
    }

    @Test("the check's thresholds hold for every metric, also for one that has its own")
    func checkWithThresholds() async throws {
        try await withEvaluationFixture { fixture in
            try await fixture.client.query(
                """
                INSERT INTO monitoring_settings (settings) VALUES (
                    '{"metrics": {"fallback_rate": {"thresholds": {"low": 50, "medium": 50, "high": 50, "critical": 50}}}}')
                """)
            try await fixture.client.query(
                """
                INSERT INTO monitoring_rollup
                SELECT start, 100, 85, 1, CASE WHEN start >= now() - interval '65 minutes' THEN 12 ELSE 4 END, 2, 100, 0, '{}', 0, 0, '{}', '{}', start
                FROM generate_series(monitoring_bucket(now()) - interval '9 days', now(), interval '5 minutes') start
                """)
            let sql = "SELECT alerts_created::text AS line FROM check_drift_and_alert"
            #expect(try await fixture.lines("\(sql)()") == ["0"])
            #expect(try await fixture.lines("\(sql)(p_threshold_low => 1.4)") == ["1"])
        }
    }

    /// The model of `e3` is too long and cut, that of `e4` is not among those that the day keeps apart.
    @Test(
        "examples are read as the roll-up reads them",
        arguments: [
            ("fallback_rate", nil, nil, "e4,e3,e1"), ("fallback_rate", "version", "railway:1.0.8", "e1"),
            ("fallback_rate", "model", String(repeating: "m", count: 200) + "…", "e3"), ("fallback_rate", "model", "other", "e4"),
            ("fallback_rate", "model", "opus", "e1"), ("error_rate", nil, nil, "e2"), ("latency_p95", nil, nil, "e2"),
            ("duplicate_rate", "agent", "prince_flowers", "e5"),
        ] as [(String, String?, String?, String)])
    func examples(part: String, dimension: String?, value: String?, ids: String) async throws {
        try await withEvaluationFixture { fixture in
            let rollup = RollupFixture(client: fixture.client)
            func fallen(_ model: String, _ version: String) -> String {
                #"{"model": "\#(model)", "reward": 0.9, "telemetry": {"request_chain": "#
                    + #"[{"service": "railway", "version": "\#(version)", "fallback_reason": "slow"}]}}"#
            }
            let long = String(repeating: "m", count: 250)
            try await rollup.insert("e1", at: "2026-03-10T12:00:01Z", data: fallen("opus", "1.0.8"))
            try await rollup.insert("e2", at: "2026-03-10T12:00:02Z", data: #"{"model": "opus", "reward": "-1", "duration_ms": "2500.5"}"#)
            try await rollup.insert("e3", at: "2026-03-10T12:00:03Z", data: fallen(long, "1.0.9"))
            try await rollup.rollUp()
            try await rollup.insert("e4", at: "2026-03-10T12:00:04Z", data: fallen("rare", "1.0.9"))
            try await rollup.insert("e5", at: "2026-03-10T12:00:05Z", data: #"{"reward": 0.9}"#, retries: 3)
            try await rollup.insert("e6", at: "2026-03-10T12:00:06Z", data: #"[{"reward": 0}]"#, retries: 3)
            let found = try await fixture.lines(
                """
                SELECT array_to_string(monitoring_example_events($1, '2026-03-10T12:00Z', '2026-03-10T13:00Z', $2, $3, 2500), ',') AS line
                """, [.text(part), .text(dimension), .text(value)])
            #expect(found == [ids])
        }
    }

    @Test("every transition is notified and recorded in its own transaction")
    func notice() async throws {
        try await withEvaluationFixture { fixture in
            try await incident(fixture)
            let notices = fixture.client.notifications(on: "monitoring_transitions")
            var iterator = notices.makeAsyncIterator()
            #expect(await iterator.next() == .connected)
            try await fixture.walk("2026-03-10T13:00:00Z", "2026-03-10T13:00:00Z")
            let id = try await fixture.lines("SELECT id::text AS line FROM monitoring_alerts")[0]
            #expect(await iterator.next() == .received(payload: id))
        }
    }
}
