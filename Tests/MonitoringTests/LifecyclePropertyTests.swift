import Foundation
import Postgres
import TestSupport
import Testing

/// Whatever evaluations and people do, from two connections and in whatever order, the alerts stay coherent.
@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint))
struct LifecyclePropertyTests {
    /// SplitMix64: the same numbers for the same seed, everywhere.
    private struct Numbers: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }
    }

    /// What cannot be: each line is a fault.
    private static let faults = """
        WITH steps AS (
            SELECT
                t.*, a.status, a.severity, a.sequence AS last,
                lag(t.to_status) OVER life AS status_before, lag(t.to_severity) OVER life AS severity_before,
                row_number() OVER life AS place
            FROM monitoring_alert_transitions t JOIN monitoring_alerts a ON a.id = t.alert_id
            WINDOW life AS (PARTITION BY t.alert_id ORDER BY t.sequence)
        )
        SELECT 'two live alerts: ' || fingerprint AS line FROM monitoring_alerts WHERE status <> 'resolved' GROUP BY fingerprint HAVING count(*) > 1
        UNION ALL
        SELECT 'an alert without a transition: ' || id FROM monitoring_alerts a
        WHERE NOT EXISTS (SELECT FROM monitoring_alert_transitions t WHERE t.alert_id = a.id)
        UNION ALL
        SELECT 'a gap: ' || place || ' ' || sequence FROM steps WHERE place <> sequence
        UNION ALL
        SELECT 'does not follow: ' || transition || ' ' || concat(status_before, '/', from_status, ' ', severity_before, '/', from_severity) FROM steps
        WHERE (from_status, from_severity) IS DISTINCT FROM (status_before, severity_before)
        UNION ALL
        SELECT 'does not end in the present state: ' || concat_ws(' ', to_status, status, to_severity, severity) FROM steps
        WHERE sequence = last AND (to_status <> status OR to_severity <> severity)
        UNION ALL
        SELECT 'not in the table: ' || concat_ws(' ', actor, from_status, to_status, transition) FROM steps
        WHERE NOT EXISTS (
            SELECT FROM monitoring_allowed_transitions() allowed
            WHERE allowed.actor = CASE steps.actor WHEN 'monitor' THEN 'evaluation' ELSE 'person' END
              AND allowed.from_status IS NOT DISTINCT FROM steps.from_status AND allowed.to_status = steps.to_status
              AND allowed.transition = steps.transition)
        """

    @Test("two connections that evaluate and act at once leave a coherent history", arguments: [1, 2, 3] as [UInt64])
    func interleaving(seed: UInt64) async throws {
        try await withEvaluationFixture { fixture in
            var numbers = Numbers(state: seed)
            try await fixture.fill("2026-03-01T00:00:00Z", "2026-03-12T00:00:00Z")
            for hour in stride(from: 0, to: 24, by: 2) {
                let from = String(format: "2026-03-10T%02d:00:00Z", hour)
                let until = hour == 22 ? "2026-03-11T00:00:00Z" : String(format: "2026-03-10T%02d:00:00Z", hour + 2)
                let level = [4, 4, 8, 14, 40].randomElement(using: &numbers) ?? 4
                let failed = [1, 1, 3].randomElement(using: &numbers) ?? 1
                try await fixture.fill(from, until, .init(fallback: level, failed: failed, unsuccessful: 14 + failed))
            }
            let seeds = (numbers.next(), numbers.next())
            async let one: Void = work(fixture, seed: seeds.0)
            async let other: Void = work(fixture, seed: seeds.1)
            _ = try await (one, other)
            #expect(try await fixture.lines(Self.faults) == [])
            let count: Int = try await fixture.client.query("SELECT count(*) FROM monitoring_alert_transitions")[0].decode("count")
            #expect(count > 10)
        }
    }

    /// What a connection does in one transaction.
    private enum Deed: Sendable, CustomStringConvertible {
        case evaluate(at: Int)
        case act(String, on: Int, at: Int)
        case configure(String)
        case accept(at: Int)
        case notice(Int)

        static func random(at moment: Int, using numbers: inout Numbers) -> Deed {
            switch Int.random(in: 0..<20, using: &numbers) {
            case 0..<9: return .evaluate(at: moment)
            case 9..<16:
                let action =
                    ["acknowledge", "unacknowledge", "resolve", "ignore", "snooze", "reopen"].randomElement(using: &numbers) ?? "resolve"
                return .act(action, on: Int.random(in: 0..<100, using: &numbers), at: moment)
            case 16, 17:
                let settings = [
                    "{}", "{}", #"{"slices": {"enabled": false}}"#, #"{"metrics": {"fallback_rate": {"enabled": false}}}"#,
                    #"{"rule": "ratio"}"#, #"{"metrics": {"error_rate": {"rule": "ratio"}, "total_events": {"enabled": false}}}"#,
                    #"{"resolve_after_seconds": 600, "reopen_within_seconds": 1800, "critical_after_seconds": 600}"#,
                ]
                return .configure(settings.randomElement(using: &numbers) ?? "{}")
            case 18: return moment < 220 ? .evaluate(at: moment) : .accept(at: moment)  // nothing is armed after it
            default: return .notice(Int.random(in: 0..<2, using: &numbers))
            }
        }

        var description: String {
            switch self {
            case .evaluate(let moment): "evaluates \(moment)"
            case .act(let action, let place, let moment): "\(action)s \(place) at \(moment)"
            case .configure(let settings): "configures \(settings)"
            case .accept(let moment): "accepts at \(moment)"
            case .notice(let day): "rolls up \(day)"
            }
        }

        /// A moment is in five minutes of the tenth of March.
        func run(_ connection: PostgresConnection) async throws {
            let time = "'2026-03-10T00:00:00Z'::timestamptz + $1::integer * interval '5 minutes'"
            switch self {
            case .evaluate(let moment):
                try await connection.query("SELECT * FROM monitoring_apply_evaluation(\(time))", [.int(moment)])
            case .act(let action, let place, let moment):
                try await connection.query(
                    """
                    SELECT acted.*
                    FROM (SELECT id FROM monitoring_alerts ORDER BY id OFFSET $3::int % greatest(1, (SELECT count(*) FROM monitoring_alerts)) LIMIT 1)
                        chosen,
                        monitoring_act_on_alert(chosen.id, $2, 'ann', NULL, NULL, \(time) + interval '2 hours', \(time)) acted
                    """, [.int(moment), .text(action), .int(place)])
            case .configure(let settings):
                try await connection.query("INSERT INTO monitoring_settings (settings) VALUES ($1)", [.json(settings)])
            case .accept(let moment):
                try await connection.query(
                    "SELECT * FROM monitoring_accept_baseline(NULL, 'ann', NULL, 'so be it', NULL, \(time))", [.int(moment)])
            case .notice(let day):  // what a step of the roll-up locks, in its order
                try await connection.query("SELECT FROM monitoring_rollup_lock FOR UPDATE")
                try await connection.query("SELECT monitoring_find_changes()")
                try await connection.query(
                    "UPDATE monitoring_rollup SET rolled_up_at = now() WHERE bucket_start = '2026-03-02T00:00:00Z'::timestamptz + $1::integer * interval '5 days'",
                    [.int(day)])
            }
        }
    }

    /// A deed in a transaction that ends well, or is taken back.
    private static func transact(_ fixture: EvaluationFixture, _ deed: Deed, isKept: Bool, meanwhile: @Sendable () async throws -> Void)
        async throws
    {
        try await fixture.client.withConnection { connection in
            try await connection.query("BEGIN")
            try await connection.query("SET LOCAL statement_timeout = '10s'")
            try await deed.run(connection)
            try await meanwhile()
            try await connection.query(isKept ? "COMMIT" : "ROLLBACK")
        }
    }

    /// Deeds that came through or not: true.
    private actor Flag {
        private(set) var isUp = false
        func raise() { isUp = true }
    }

    /// Two hours at a time: rates that rise and fall, a mix that moves, a model that gets worse, hours without events.
    private func history(_ fixture: EvaluationFixture, _ numbers: inout Numbers) async throws {
        try await fixture.shares(
            "2026-03-01T00:00:00Z", "2026-03-11T00:00:00Z",
            [
                .init(model: "opus", total: 200, fallback: 6, failed: 4, duplicate: 2, slow: 6),
                .init(model: "haiku", total: 60, fallback: 2, failed: 1),
            ])
        for hour in stride(from: 0, to: 24, by: 2) {
            let from = String(format: "2026-03-10T%02d:00:00Z", hour)
            let until = hour == 22 ? "2026-03-11T00:00:00Z" : String(format: "2026-03-10T%02d:00:00Z", hour + 2)
            var opus = EvaluationFixture.Share(model: "opus", total: 200, fallback: 6, failed: 4, duplicate: 2, slow: 6)
            var haiku = EvaluationFixture.Share(model: "haiku", total: 60, fallback: 2, failed: 1)
            switch Int.random(in: 0..<8, using: &numbers) {
            case 0: opus.fallback = [12, 30, 80].randomElement(using: &numbers) ?? 30
            case 1: haiku.failed = 12
            case 2: (opus.total, haiku.total) = (80, 180)
            case 3: (opus.total, haiku.total, opus.fallback, opus.failed) = (10, 4, 0, 0)
            case 4: (opus.failed, haiku.failed) = (30, 10)
            case 5: (opus.duplicate, haiku.slow) = (12, 30)
            default: break
            }
            try await fixture.shares(from, until, [opus, haiku])
        }
    }

    @Test(
        "two transactions that are open at once, of whatever kind: nobody hangs, none fails, and the history stays coherent",
        arguments: [11, 12, 13] as [UInt64])
    func heldOpen(seed: UInt64) async throws {
        try await withEvaluationFixture(poolSize: 6) { fixture in
            var numbers = Numbers(state: seed)
            try await history(fixture, &numbers)
            var moment = 0
            var overlaps = 0
            while moment < 286 {
                let lag = Int.random(in: -2...2, using: &numbers)
                let one = Deed.random(at: moment, using: &numbers)
                let other = Deed.random(at: max(0, moment + lag), using: &numbers)
                let isKept = Int.random(in: 0..<8, using: &numbers) > 0
                let isOver = Flag()
                let waited = Flag()
                do {
                    // The other one begins while the first is held open, until it is through or waits for the first.
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        let hasBegun = Flag()
                        group.addTask {
                            try await Self.transact(fixture, one, isKept: isKept) {
                                await hasBegun.raise()
                                try await eventually("the other is through or waits") {
                                    if await isOver.isUp { return true }
                                    let count: Int = try await fixture.client.query(
                                        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
                                    )[0]
                                    .decode("count")
                                    if count > 0 { await waited.raise() }
                                    return count > 0
                                }
                            }
                        }
                        group.addTask {
                            try await eventually("the first has begun") { await hasBegun.isUp }
                            try await Self.transact(fixture, other, isKept: true) {}
                            await isOver.raise()
                        }
                        try await group.waitForAll()
                    }
                } catch let error as PostgresError {
                    Issue.record("seed \(seed): one \(one), the other \(other): \(error)")
                    return
                }
                if await waited.isUp { overlaps += 1 }
                let faults = try await fixture.lines(Self.faults)
                guard faults.isEmpty else {
                    Issue.record("seed \(seed): one \(one), the other \(other): \(faults)")
                    return
                }
                moment += Int.random(in: 3...9, using: &numbers)
            }
            let count: Int = try await fixture.client.query("SELECT count(*) FROM monitoring_alert_transitions")[0].decode("count")
            #expect(count > 5)
            #expect(overlaps > 5)
        }
    }

    /// Walks through the tenth of March, now and then doing something to an alert.
    private func work(_ fixture: EvaluationFixture, seed: UInt64) async throws {
        var numbers = Numbers(state: seed)
        for step in 0..<144 {
            let moment = "2026-03-10T00:00:00Z"
            try await fixture.client.query(
                "SELECT * FROM monitoring_apply_evaluation($1::timestamptz + $2 * interval '10 minutes')",
                [.text(moment), .double(Double(step))])
            guard Int.random(in: 0..<4, using: &numbers) == 0 else { continue }
            let action = ["acknowledge", "unacknowledge", "resolve", "ignore", "snooze", "reopen"].randomElement(using: &numbers)
            try await fixture.client.query(
                """
                SELECT acted.*
                FROM (SELECT id FROM monitoring_alerts ORDER BY id OFFSET $4::int % greatest(1, (SELECT count(*) FROM monitoring_alerts)) LIMIT 1) chosen,
                    monitoring_act_on_alert(chosen.id, $1, 'ann', NULL, NULL, $2::timestamptz + interval '2 days',
                        $2::timestamptz + $3 * interval '10 minutes') acted
                """, [.text(action), .text(moment), .double(Double(step)), .int(Int.random(in: 0..<100, using: &numbers))])
        }
    }
}
