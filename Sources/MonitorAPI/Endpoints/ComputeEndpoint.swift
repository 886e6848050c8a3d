import Hummingbird
import Monitoring
import Postgres

/// POST /api/monitor/compute: rolls up, computes, and looks at the result.
struct ComputeEndpoint: Sendable {
    private let computation: Computation

    init(client: PostgresClient) {
        computation = Computation(client: client)
    }

    var all: [Endpoint] {
        [.post("/api/monitor/compute", deadline: .seconds(300)) { try await compute($0) }]
    }

    private func compute(_ call: Call) async throws -> Response {
        let body = try JSONBody(call.body, allowed: ["date", "hour", "update_baseline"])
        let day = try body.day("date")
        let hour = try body.integer("hour", in: 0...23)
        let updatesBaseline = try body.flag("update_baseline", default: true)
        if let day, day > Day(containing: call.now) { throw JSONBody.refusal("date", allowed: "a date that has begun") }
        // Each step is bounded; the deadline of the endpoint ends a backfill that takes longer, and the worker goes on with it.
        return try .json(await computation.run(day: day, hour: hour, updatesBaseline: updatesBaseline, at: call.now))
    }
}
