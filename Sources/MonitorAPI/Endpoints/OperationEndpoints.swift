import Foundation
import Hummingbird
import Monitoring
import Postgres

/// What supervisors ask: is it alive, is it ready, and how is it doing.
struct OperationEndpoints: Sendable {
    private let client: PostgresClient
    private let evaluations: EvaluationWatch?

    /// - Parameter evaluations: nil in a process that does not evaluate.
    init(client: PostgresClient, evaluations: EvaluationWatch?) {
        self.client = client
        self.evaluations = evaluations
    }

    var all: [Endpoint] {
        [
            .get("/health", access: .open) { _ in try .json(["status": "ok"]) },
            .get("/ready", access: .open) { try await ready($0) },
            .get("/metrics") { try await metrics($0) },
        ]
    }

    /// Ready: the database answers and takes changes, its schema is this version's, and evaluations have not failed for ten minutes on end.
    private func ready(_ call: Call) async throws -> Response {
        try await Readiness(client: client).check()
        if let since = evaluations?.failingSince, call.now.timeIntervalSince(since) > EvaluationWatch.patience {
            throw Problem(
                .unavailable, "Evaluations have failed since \(MonitoringJSON.timestamp(since)); the log says why.",
                members: ["reason": .string("evaluations_fail"), "since": .string(MonitoringJSON.timestamp(since))],
                headers: [.retryAfter: "60"])
        }
        return try .json(["status": "ready"])
    }

    private func metrics(_ call: Call) async throws -> Response {
        let gauges = try await client.transaction(readOnly: true) { try await StateQueries(client: $0).gauges(now: call.now) }
        return .text(PrometheusText.render(gauges, now: call.now), type: "text/plain; version=0.0.4; charset=utf-8")
    }
}
