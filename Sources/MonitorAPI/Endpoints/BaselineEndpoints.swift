import Hummingbird
import Monitoring
import Postgres

/// The baseline, and its acceptance as a new normal.
struct BaselineEndpoints: Sendable {
    private let baselines: BaselineRepository

    init(client: PostgresClient) {
        baselines = BaselineRepository(client: client)
    }

    var all: [Endpoint] {
        [
            .get("/api/monitor/baseline") { _ in try await show() },
            .post("/api/monitor/baseline", deadline: .seconds(60)) { try await accept($0) },
        ]
    }

    private func show() async throws -> Response {
        guard let baseline = try await baselines.baseline() else {
            throw Problem(
                .notFound, "There is no baseline yet: it needs events, and is computed by POST /api/monitor/compute or by the worker.")
        }
        return try .json(BaselineAnswer(baseline))
    }

    private func accept(_ call: Call) async throws -> Response {
        let body = try JSONBody(call.body, allowed: ["reason", "accepted_by", "from", "baseline_name"])
        let reason = try body.text("reason", maximum: ActionOrder.maximumNote, multiline: true)
        let actor = try body.text("accepted_by", maximum: ActionOrder.maximumName)
        guard let reason else { throw JSONBody.refusal("reason", allowed: "a text that says why") }
        guard let actor else { throw JSONBody.refusal("accepted_by", allowed: "the name of who says so") }
        let baseline = try await baselines.accept(
            name: body.text("baseline_name", maximum: 100), actor: actor, credential: call.principal.credential, reason: reason,
            from: body.time("from"), at: call.now)
        return try .json(BaselineAnswer(baseline))
    }
}
