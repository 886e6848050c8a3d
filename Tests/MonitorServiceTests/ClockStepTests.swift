import Foundation
import MonitorAPI
import Postgres
import TestSupport
import Testing

@testable import MonitorService

/// Clocks that are set back or ahead, the machine's and the database's.
@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint), .timeLimit(.minutes(3))) struct ClockStepTests {
    /// A machine that is an hour ahead evaluates the present all the same, and goes on when its clock is set right.
    @Test(arguments: [3600.0, -3600.0])
    func aMachineWhoseClockIsWrong(seconds: Double) async throws {
        try await withTestDatabase(schema: true) { database in
            let clock = Clock(seconds)
            try await Self.withWorker(database.client, clock) {
                try await Self.isEvaluated(database.client)
                #expect(try await Self.isNow("applied_at", of: "monitoring_evaluation_state", database.client))
                clock.set(0)
                try await Self.isEvaluated(database.client)
                #expect(try await Self.isNow("applied_at", of: "monitoring_evaluation_state", database.client))
            }
        }
    }

    /// All that an hour ahead has left: a lease that ends in an hour, a moment that was evaluated, an alert that was seen then, and a
    /// watermark. Evaluations go on at once, nothing is opened twice, and events of the hour that comes again are counted.
    @Test func aDatabaseWhoseClockIsSetBack() async throws {
        try await withTestDatabase(schema: true) { database in
            let client = database.client
            try await SpineTests.writeEvents(client)
            try await Self.withWorker(client, Clock(0)) {
                try await eventually("an alert", timeout: .seconds(60)) { try await Self.count("monitoring_alerts", client) > 0 }
                try await Self.isEvaluated(client)
            }
            let opened = try await Self.count("monitoring_alert_transitions", client)
            try await client.withConnection { try await $0.executeScript(Self.setAhead) }
            try await client.query(
                """
                INSERT INTO learning_events (event_id, event_type, event_data)
                SELECT 'again-' || n, 'success', '{"reward": 0.9}' FROM generate_series(1, 7) AS n
                """)
            let watch = EvaluationWatch()
            try await Self.withWorker(client, Clock(0), watch: watch, process: "another") {
                try await Self.isEvaluated(client)
                try await Self.isEvaluated(client)
                #expect(try await Self.isNow("applied_at", of: "monitoring_evaluation_state", client))
                try await eventually("all events are counted", timeout: .seconds(30)) {
                    try await client.query(
                        "SELECT (SELECT count(*) FROM learning_events) = (SELECT sum(total_events) FROM monitoring_rollup) AS are_all")[0]
                        .decode("are_all")
                }
                #expect(try await Self.isNow("max(last_evidence_at)", of: "monitoring_alerts WHERE status = 'open'", client))
                #expect(watch.failingSince == nil)
            }
            #expect(try await Self.count("monitoring_alert_transitions", client) == opened)
        }
    }

    /// Years ahead it removes and ends what is past, and nothing else.
    @Test func aMachineThatIsYearsAheadRemovesNothing() async throws {
        try await withTestDatabase(schema: true) { database in
            let client = database.client
            try await client.withConnection { try await $0.executeScript(Self.kept) }
            let clock = Clock(800 * 86_400)
            let service = ServiceClock(client: client, clock: { clock.now }, machine: { clock.now }, logger: TroubledServer.silent)
            let keeper = RelayKeeper(
                client: client, clock: service, logger: TroubledServer.silent, onTransitions: {}, interval: .milliseconds(20),
                grace: .zero)
            try await Self.withWorker(client, clock) {
                try await Self.isEvaluated(client)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await keeper.run() }
                    try await eventually("what is over is ended", timeout: .seconds(20)) {
                        try await Self.count("monitoring_relayed_alerts", client) == 1
                    }
                    group.cancelAll()
                }
                // Retention has its turn as soon as nothing is to be evaluated.
                try await eventually("what is past is removed", timeout: .seconds(20)) {
                    try await Self.count("monitoring_audit", client) == 1
                }
            }
            #expect(try await Self.count("monitoring_alerts WHERE status = 'open'", client) == 1)
            #expect(abs(service.now.timeIntervalSinceNow) < 60)
        }
    }

    /// Whatever is over by its time when the service starts may be said again in its first minutes.
    @Test func aStartLeavesSourcesTimeToSayWhatGoesOn() async throws {
        try await withTestDatabase(schema: true) { database in
            let client = database.client
            try await client.withConnection { try await $0.executeScript(Self.kept) }
            let keeper = RelayKeeper(
                client: client, clock: ServiceClock(client: client, clock: { Date() }, logger: TroubledServer.silent),
                logger: TroubledServer.silent, onTransitions: {}, interval: .milliseconds(20), grace: .seconds(2))
            let began = ContinuousClock.now
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await keeper.run() }
                try await eventually("what is over is ended", timeout: .seconds(20)) {
                    try await Self.count("monitoring_relayed_alerts", client) == 1
                }
                group.cancelAll()
            }
            #expect(began.duration(to: .now) >= .seconds(2))
        }
    }

    /// What differs by less than two machines' clocks may is waited for.
    @Test func aFewMinutesAreWaitedFor() async throws {
        try await withTestDatabase(schema: true) { database in
            for (ahead, isTaken) in [("4 minutes", false), ("6 minutes", true)] {
                try await database.client.query("UPDATE monitoring_evaluation_state SET applied_at = now() + '\(ahead)'::interval")
                let row = try await database.client.query("SELECT monitoring_take_back_future() AS is_taken")[0]
                #expect(try row.decode("is_taken") == isTaken)
            }
        }
    }

    // MARK: -

    private static let kept = """
        INSERT INTO monitoring_audit (occurred_at, actor, action, subject, reason)
        VALUES (now() - interval '2 days', 'ann', 'accept_baseline', 'b', 'r'), (now() - interval '3000 days', 'ann', 'accept_baseline', 'b', 'r');
        SELECT monitoring_relay_alerts(
            ARRAY['a', 'b'], ARRAY['{"alertname": "A"}', '{"alertname": "B"}'], ARRAY['{}', '{}'], ARRAY['', ''], ARRAY['x', 'y'],
            ARRAY['high', 'high'], ARRAY['A', 'B'], ARRAY['A', 'B'], ARRAY[now() - interval '2 hours', now() - interval '2 hours'],
            ARRAY[now() + interval '1 hour', now() + interval '1 millisecond'], 'test', 'test', now(), interval '1 hour', 100,
            '{true,true}');
        """

    private static let setAhead = """
        UPDATE monitoring_lease SET holder = 'one of the future', expires_at = clock_timestamp() + interval '1 hour';
        UPDATE monitoring_evaluation_state SET applied_at = applied_at + interval '1 hour';
        UPDATE monitoring_rollup_state SET watermark = watermark + interval '1 hour', seen = '{}';
        UPDATE monitoring_alerts SET
            opened_at = opened_at + interval '1 hour', live_since = live_since + interval '1 hour',
            last_evidence_at = last_evidence_at + interval '1 hour', high_since = high_since + interval '1 hour';
        """

    /// The machine's time, and the service's with it.
    private final class Clock: @unchecked Sendable {  // `ahead` is guarded by `lock`.
        private let lock = NSLock()
        private var ahead: TimeInterval

        init(_ ahead: TimeInterval) { self.ahead = ahead }

        var now: Date { lock.withLock { Date().addingTimeInterval(ahead) } }
        func set(_ ahead: TimeInterval) { lock.withLock { self.ahead = ahead } }
    }

    private static func withWorker(
        _ client: PostgresClient, _ clock: Clock, watch: EvaluationWatch = EvaluationWatch(), process: String = "test",
        _ body: @Sendable () async throws -> Void
    ) async throws {
        var configuration = ServiceConfiguration()
        configuration.detection.evaluationInterval = .seconds(1)
        let worker = Worker(
            client: client, running: RunningConfiguration(configuration), process: process,
            clock: ServiceClock(client: client, clock: { clock.now }, machine: { clock.now }, logger: TroubledServer.silent),
            logger: TroubledServer.silent, watch: watch, onTransitions: {})
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await worker.run() }
            try await body()
            group.cancelAll()
        }
    }

    private static func isEvaluated(_ client: PostgresClient) async throws {
        try await client.query("UPDATE monitoring_evaluation_state SET last_run_at = NULL")
        try await eventually("an evaluation", timeout: .seconds(40)) {
            try await client.query("SELECT last_run_at IS NOT NULL AS is_run FROM monitoring_evaluation_state")[0].decode("is_run")
        }
    }

    private static func isNow(_ value: String, of what: String, _ client: PostgresClient) async throws -> Bool {
        try await client.query("SELECT \(value) BETWEEN now() - interval '11 minutes' AND now() AS is_now FROM \(what)")[0].decode("is_now")
    }

    private static func count(_ what: String, _ client: PostgresClient) async throws -> Int {
        try await client.query("SELECT count(*) AS count FROM \(what)")[0].decode("count")
    }
}
