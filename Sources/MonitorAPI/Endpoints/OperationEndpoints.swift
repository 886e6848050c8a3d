import Foundation
import Hummingbird
import Monitoring
import Postgres

/// What supervisors ask: is it alive, is it ready, and how is it doing.
struct OperationEndpoints: Sendable {
    private let client: PostgresClient

    init(client: PostgresClient) {
        self.client = client
    }

    var all: [Endpoint] {
        [
            .get("/health", access: .open) { _ in try .json(["status": "ok"]) },
            .get("/ready", access: .open) { _ in try await ready() },
            .get("/metrics") { try await metrics($0) },
        ]
    }

    /// Ready: the database answers, and its schema is this version's.
    private func ready() async throws -> Response {
        let plan = try await SchemaMigrator(client: client).plan()
        guard plan.isCurrent else {
            throw Problem(
                .unavailable, "The database's schema is not up to date: run torq-monitor migrate.", headers: [.retryAfter: "10"])
        }
        return try .json(["status": "ready"])
    }

    private func metrics(_ call: Call) async throws -> Response {
        let gauges = try await client.transaction(readOnly: true) { try await StateQueries(client: $0).gauges(now: call.now) }
        return .text(PrometheusText.render(gauges, now: call.now), type: "text/plain; version=0.0.4; charset=utf-8")
    }
}
