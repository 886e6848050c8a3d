import Foundation
import Hummingbird
import Logging
import Monitoring
import Postgres
import Synchronization

/// Why the service was not ready when somebody asked last; nil: it was.
final class LastReason: Sendable {
    private let reason = Mutex<String?>(nil)

    /// - Returns: Whether it is another one now.
    func becomes(_ next: String?) -> Bool {
        reason.withLock { reason in
            defer { reason = next }
            return reason != next
        }
    }
}

/// What supervisors ask: is it alive, is it ready, and how is it doing.
struct OperationEndpoints: Sendable {
    /// Whoever asks waits a few seconds at most, and is told why by then.
    private static let patience = Duration.seconds(2)

    private let client: PostgresClient
    private let evaluations: EvaluationWatch?
    private let registry: PrometheusRegistry
    private let isStarting: Bool
    private let lastReason: LastReason

    /// - Parameters:
    ///   - evaluations: nil in a process that does not evaluate.
    ///   - registry: What this process measures.
    ///   - lastReason: What is known of it from before.
    ///   - isStarting: It is not ready yet, however well the database is.
    init(
        client: PostgresClient, evaluations: EvaluationWatch?, registry: PrometheusRegistry, lastReason: LastReason = LastReason(),
        isStarting: Bool = false
    ) {
        self.client = client
        self.evaluations = evaluations
        self.registry = registry
        self.lastReason = lastReason
        self.isStarting = isStarting
    }

    var all: [Endpoint] { probes + [figures] }

    /// Whether it lives, and whether it is ready.
    var probes: [Endpoint] {
        [
            .get(
                "/health", access: .open, freshness: nil,
                Operation(
                    id: "health", tag: .operation, summary: "Whether the process lives", answer: .json(StatusAnswer.self),
                    needsDatabase: false)
            ) { _ in try .json(StatusAnswer(status: "ok")) },
            .get(
                "/ready", access: .open, freshness: nil,
                Operation(
                    id: "ready", tag: .operation, summary: "Whether it can work",
                    detail: "The service has started, the database answers, its schema is this version's, and evaluations have not "
                        + "failed for ten minutes on end.",
                    answer: .json(StatusAnswer.self),
                    problems: [.unavailable: "The database's schema is not up to date: run torq-monitor migrate."], needsDatabase: false)
            ) { try await ready($0) },
        ]
    }

    private var figures: Endpoint {
        .get(
            "/metrics", freshness: nil,
            Operation(
                id: "metrics", tag: .operation, summary: "Figures for Prometheus",
                answer: .text(
                    "text/plain; version=0.0.4; charset=utf-8",
                    example: "# TYPE torq_monitor_alerts gauge\ntorq_monitor_alerts{severity=\"high\",status=\"open\"} 1\n"))
        ) { try await metrics($0) }
    }

    /// Answers, and logs when the answer becomes another one: who starts it asks often.
    private func ready(_ call: Call) async throws -> Response {
        do {
            try await checkReadiness(at: call.now)
        } catch let problem as Problem {
            if lastReason.becomes(problem.reason), !isStarting {
                call.context.logger.warning("The service is not ready", metadata: ["reason": "\(problem.reason ?? problem.detail)"])
            }
            throw problem
        }
        if lastReason.becomes(nil) { call.context.logger.notice("The service is ready again") }
        return try .json(StatusAnswer(status: "ready"))
    }

    /// Ready: the database answers and takes changes, its schema is this version's, and evaluations have not failed for ten minutes on end.
    private func checkReadiness(at moment: Date) async throws {
        try await Self.promptly(else: Readiness.slow) { try await Readiness(client: client).check(isStarting: isStarting) }
        if isStarting { throw Readiness.starting }
        if evaluations?.isDiskFull == true { throw Readiness.diskIsFull }
        if let since = evaluations?.failingSince, moment.timeIntervalSince(since) > EvaluationWatch.patience {
            throw Problem(
                .unavailable, "Evaluations have failed since \(MonitoringJSON.timestamp(since)); the log says why.",
                members: ["reason": .string("evaluations_fail"), "since": .string(MonitoringJSON.timestamp(since))],
                headers: [.retryAfter: "60"])
        }
    }

    private func metrics(_ call: Call) async throws -> Response {
        // Before this request itself takes a connection.
        let pool = client.poolCounts
        let gauges = try await Self.promptly(else: .unavailable) {
            try await client.transaction(readOnly: true) { try await StateQueries(client: $0).gauges(now: call.now) }
        }
        var text = PrometheusText()
        gauges.write(to: &text, now: call.now)
        text.gauge(
            "torq_monitor_pool_connections", "Connections of this process to the database, and who waits for one.",
            [
                ([("state", "idle")], Double(pool.idle)), ([("state", "used")], Double(pool.used)),
                ([("state", "waiting")], Double(pool.waiting)),
            ])
        return .text(text.text + registry.text(), type: "text/plain; version=0.0.4; charset=utf-8")
    }

    /// What `body` gives within our patience, else `problem`. A database that hangs is not waited for: what was asked of it is given
    /// up, which takes some seconds more, and whoever asked us has their answer.
    private static func promptly<Value: Sendable>(
        else problem: Problem, _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        let (results, result) = AsyncThrowingStream.makeStream(of: Value.self)
        // It bounds its own time, by the same patience.
        let work = Task {
            do {
                result.yield(try await PostgresClient.$patience.withValue(patience) { try await body() })
                result.finish()
            } catch {
                result.finish(throwing: error)
            }
        }
        defer { work.cancel() }
        return try await EndpointTable.within(patience, else: problem) {
            for try await value in results { return value }
            throw problem
        }
    }
}
