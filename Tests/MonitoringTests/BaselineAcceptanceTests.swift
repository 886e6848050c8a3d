import Foundation
import Monitoring
import Postgres
import TestSupport
import Testing

@Suite("Accepting a new normal", .enabled(if: TestDatabase.isAvailable, TestDatabase.hint))
struct BaselineAcceptanceTests {
    private func accept(_ fixture: EvaluationFixture, name: String? = nil, from: String?, at moment: String) async throws
        -> BaselineSnapshot
    {
        try await BaselineRepository(client: fixture.client).accept(
            name: name, actor: " ann ", credential: "cli", reason: "the new model is slower",
            from: from.flatMap(MonitoringJSON.date(fromTimestamp:)),
            at: try #require(MonitoringJSON.date(fromTimestamp: moment)))
    }

    private func verdicts(_ fixture: EvaluationFixture, at moment: String) async throws -> [String] {
        try await fixture.lines(
            """
            SELECT DISTINCT verdict AS line FROM monitoring_evaluate($1::timestamptz)
            WHERE metric_name = 'fallback_rate' AND slice_dimension IS NULL AND NOT evidence ? 'lag_days'
            """, [.text(moment)])
    }

    @Test("its alert ends with the person's name, nothing is armed for a while, and then the new rate is what is expected")
    func changedNormal() async throws {
        try await withEvaluationFixture { fixture in
            try await fixture.fill("2026-02-01T00:00Z", "2026-02-10T08:00Z")
            try await fixture.fill("2026-02-10T08:00Z", "2026-02-12T10:00Z", .init(fallback: 16))
            let opened = try await fixture.walk("2026-02-10T08:00Z", "2026-02-10T09:00Z")
            #expect(opened.contains { $0.contains("fallback_rate opened") })
            try await fixture.client.query(
                """
                SELECT act.outcome FROM monitoring_alerts a, LATERAL monitoring_act_on_alert(a.id, 'acknowledge', 'ben', p_at => '2026-02-10T09:00Z') act
                WHERE a.metric_name = 'fallback_rate'
                """)
            try await fixture.walk("2026-02-11T12:00Z", "2026-02-11T12:00Z")

            let baseline = try await accept(fixture, from: "2026-02-10T08:00:00Z", at: "2026-02-11T12:02:00Z")
            #expect(baseline.acceptedBy == "ann" && baseline.acceptedReason == "the new model is slower")
            #expect(MonitoringJSON.timestamp(try #require(baseline.acceptedFrom)) == "2026-02-10T08:00:00Z")
            let live = try await fixture.alerts().filter { !$0.contains("resolved") }
            #expect(live.isEmpty)
            let last = try await fixture.lines(
                """
                SELECT concat_ws('|', transition, from_status, actor, credential, note) AS line
                FROM monitoring_alert_transitions
                WHERE alert_id = (SELECT id FROM monitoring_alerts WHERE metric_name = 'fallback_rate')
                ORDER BY id DESC LIMIT 1
                """)
            #expect(
                last == [
                    "resolved|acknowledged|ann|cli|Accepted as the new normal from 2026-02-10 08:00 UTC by ann: the new model is slower"
                ])

            // Sixteen hours of it before this day are too few; forty before the next are enough.
            #expect(try await fixture.walk("2026-02-11T12:05Z", "2026-02-11T12:30Z") == [])
            #expect(try await verdicts(fixture, at: "2026-02-11T23:55:00Z") == ["not_armed"])
            #expect(try await fixture.walk("2026-02-12T00:00Z", "2026-02-12T00:30Z") == [])
            #expect(try await verdicts(fixture, at: "2026-02-12T00:30:00Z") == ["below_threshold"])
            let expected: Double = try await fixture.client.query(
                """
                SELECT baseline_value FROM monitoring_evaluate('2026-02-12T00:30Z')
                WHERE metric_name = 'fallback_rate' AND window_seconds = 3600
                """)[0].decode("baseline_value")
            #expect(abs(expected - 0.16) < 0.005)

            // What is worse than the new normal opens the alert again.
            try await fixture.fill("2026-02-12T10:00Z", "2026-02-12T11:00Z", .init(fallback: 60))
            #expect(try await fixture.walk("2026-02-12T10:30Z", "2026-02-12T11:00Z").contains { $0.contains("fallback_rate") })
        }
    }

    @Test("from the present hour on, the rest of the day goes by nothing rather than by the old normal")
    func fromNow() async throws {
        try await withEvaluationFixture { fixture in
            try await fixture.fill("2026-02-01T00:00Z", "2026-02-10T08:00Z")
            try await fixture.fill("2026-02-10T08:00Z", "2026-02-12T01:00Z", .init(fallback: 16))
            try await fixture.walk("2026-02-10T08:30Z", "2026-02-10T08:40Z")
            let open = try await fixture.alerts()
            #expect(open.contains { $0.hasPrefix("fallback_rate open") })
            let baseline = try await accept(fixture, from: nil, at: "2026-02-10T08:44:00Z")
            #expect(MonitoringJSON.timestamp(try #require(baseline.acceptedFrom)) == "2026-02-10T08:00:00Z")
            #expect(try await fixture.walk("2026-02-10T08:45Z", "2026-02-10T09:15Z") == [])
            for (moment, verdict) in [
                ("2026-02-10T09:15:00Z", "not_armed"), ("2026-02-11T12:00:00Z", "not_armed"), ("2026-02-12T00:30:00Z", "below_threshold"),
            ] {
                #expect(try await verdicts(fixture, at: moment) == [verdict], "\(moment)")
            }
            // The day before goes by what was normal then.
            #expect(try await verdicts(fixture, at: "2026-02-09T12:00:00Z") == ["below_threshold"])
        }
    }

    @Test("what was resolved by hand while it held, and what opened since, leaves no hour out")
    func nothingIsLeftOut() async throws {
        try await withEvaluationFixture { fixture in
            try await fixture.fill("2026-02-01T00:00Z", "2026-02-10T08:00Z")
            try await fixture.fill("2026-02-10T08:00Z", "2026-02-12T00:00Z", .init(fallback: 16))
            try await fixture.walk("2026-02-10T08:30Z", "2026-02-10T09:00Z")
            try await fixture.client.query(
                """
                SELECT a.id, act.outcome FROM monitoring_alerts a,
                    LATERAL monitoring_act_on_alert(a.id, 'resolve', 'ann', p_at => '2026-02-10T09:01Z') act
                """)
            _ = try await accept(fixture, from: "2026-02-10T08:00:00Z", at: "2026-02-10T09:05:00Z")
            #expect(
                try await fixture.lines(
                    """
                    SELECT monitoring_unfit_hours(array_agg(metric_name), '2026-02-10T08:00Z', '2026-02-12T00:00Z')::text AS line
                    FROM monitoring_alerts
                    """) == ["{}"])
            #expect(try await fixture.walk("2026-02-10T09:05Z", "2026-02-10T09:30Z") == [])
        }
    }

    @Test("it stands in the audit, empties what was derived, and tells caches of the API")
    func audit() async throws {
        try await withEvaluationFixture { fixture in
            try await fixture.fill("2026-02-01T00:00Z", "2026-02-10T08:00Z")
            try await fixture.walk("2026-02-10T08:00Z", "2026-02-10T08:00Z")
            let state = """
                SELECT (SELECT data_version FROM monitoring_rollup_state) || ' ' || (SELECT count(*) FROM monitoring_baseline_profile) AS line
                """
            let before = try await fixture.lines(state)[0].split(separator: " ").compactMap { Int($0) }
            #expect(before[1] > 0)
            _ = try await accept(fixture, from: "2026-02-10T00:00:00Z", at: "2026-02-10T08:02:00Z")
            let after = try await fixture.lines(state)[0].split(separator: " ").compactMap { Int($0) }
            #expect(after[0] > before[0] && after[1] == 0)
            let audit = try await fixture.lines(
                """
                SELECT concat_ws('|', action, subject, actor, credential, reason, details ->> 'accepted_from', details ->> 'ended_alerts',
                    occurred_at AT TIME ZONE 'UTC') AS line
                FROM monitoring_audit
                """)
            #expect(audit == ["accept_baseline|7day_rolling|ann|cli|the new model is slower|2026-02-10T00:00:00Z|[]|2026-02-10 08:02:00"])
        }
    }

    @Test("a baseline that nothing is compared with ends no alert")
    func otherBaseline() async throws {
        try await withEvaluationFixture { fixture in
            try await fixture.fill("2026-02-01T00:00Z", "2026-02-10T08:00Z")
            try await fixture.fill("2026-02-10T08:00Z", "2026-02-10T09:00Z", .init(fallback: 16))
            try await fixture.walk("2026-02-10T08:30Z", "2026-02-10T08:40Z")
            let before = try await fixture.alerts()
            let baseline = try await accept(fixture, name: "other", from: nil, at: "2026-02-10T08:44:00Z")
            #expect(baseline.baselineName == "other" && baseline.totalEvents == 0)
            #expect(try await fixture.alerts() == before)
        }
    }

    /// Who acts on one alert and who accepts what all of them show never wait for each other in a circle.
    @Test("it is not in the way of people who act on the alerts at the same time")
    func together() async throws {
        try await withEvaluationFixture { fixture in
            try await fixture.fill("2026-02-01T00:00Z", "2026-02-10T08:00Z")
            try await fixture.fill("2026-02-10T08:00Z", "2026-02-10T12:00Z", .init(fallback: 30, failed: 20, duplicate: 30, slowness: 3))
            try await fixture.walk("2026-02-10T08:30Z", "2026-02-10T08:40Z")
            let ids = try await fixture.lines("SELECT id::text AS line FROM monitoring_alerts")
            #expect(ids.count > 2)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for id in ids {
                    group.addTask {
                        for action in ["acknowledge", "unacknowledge", "acknowledge"] {
                            try await fixture.client.query(
                                "SELECT outcome FROM monitoring_act_on_alert($1::uuid, $2, 'ben', p_at => '2026-02-10T08:41Z')",
                                [.text(id), .text(action)])
                        }
                    }
                }
                group.addTask { _ = try await accept(fixture, from: nil, at: "2026-02-10T08:44:00Z") }
                try await group.waitForAll()
            }
            #expect(try await fixture.lines("SELECT DISTINCT status AS line FROM monitoring_alerts") == ["resolved"])
        }
    }

    @Test(
        "what cannot be is refused, and changes nothing",
        arguments: [
            ("'', 'cli', 'why', NULL", "somebody must accept it"), ("'ann', 'cli', ' ', NULL", "there must be a reason"),
            ("NULL, 'cli', 'why', NULL", "somebody must accept it"), ("'ann', 'cli', NULL, NULL", "there must be a reason"),
            ("'ann', 'cli', 'why', '2026-02-10T09:00Z'", "whole UTC hour of the last 28 days"),
            ("'ann', 'cli', 'why', '2026-02-10T07:30Z'", "whole UTC hour of the last 28 days"),
            ("'ann', 'cli', 'why', '2026-01-13T08:00Z'", "whole UTC hour of the last 28 days"),
            ("'ann', 'cli', 'why', '-infinity'", "whole UTC hour of the last 28 days"),
        ])
    func refused(arguments: String, words: String) async throws {
        try await withEvaluationFixture { fixture in
            let sql = "SELECT baseline_name FROM monitoring_accept_baseline(NULL, \(arguments), '2026-02-10T08:44Z')"
            let error = await #expect(throws: PostgresError.self) { try await fixture.client.query(sql) }
            #expect(error?.sqlState == "TMARG" && error?.message.contains(words) == true, "\(String(describing: error))")
            let rows = try await fixture.lines("SELECT 'row' AS line FROM monitoring_baseline UNION ALL SELECT 'row' FROM monitoring_audit")
            #expect(rows.isEmpty)
        }
    }
}
