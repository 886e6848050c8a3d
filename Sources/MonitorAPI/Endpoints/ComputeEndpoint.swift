import Hummingbird
import Monitoring
import Postgres

/// POST /api/monitor/compute: rolls up, computes, and looks at the result.
struct ComputeEndpoint: Sendable {
    private static let date = BodyField<Day>.day("date", "The day to compute, UTC; absent: today.")
    private static let hour = BodyField<Int>.integer("hour", in: 0...23, "The hour of that day, UTC; absent: all of them.")
    private static let updateBaseline = BodyField<Bool>.flag(
        "update_baseline", default: true, "Whether the baseline is computed anew as well.")

    private let computation: Computation

    init(client: PostgresClient) {
        computation = Computation(client: client)
    }

    var all: [Endpoint] {
        [
            .post(
                "/api/monitor/compute", deadline: .seconds(300),
                Operation(
                    id: "compute", tag: .metrics, summary: "Roll up, compute metrics and baseline, and evaluate",
                    detail: "For a past date it computes and opens no alerts.",
                    fields: [Self.date.declaration, Self.hour.declaration, Self.updateBaseline.declaration],
                    bodyExamples: [.object(["update_baseline": true]), .object(["date": "2026-02-21", "hour": 10])],
                    answer: .json(Computation.Report.self),
                    problems: [.contradiction: "date must be a date that has begun."])
            ) { try await compute($0) }
        ]
    }

    private func compute(_ call: Call) async throws -> Response {
        let body = try call.fields()
        let day = try body.value(Self.date)
        if let day, day > Day(containing: call.now) {
            throw Problem(
                .contradiction, "date must be a date that has begun.",
                members: ["field": .string("date"), "allowed": .string("a date that has begun")])
        }
        // Each step is bounded; the deadline of the endpoint ends a backfill that takes longer, and the worker goes on with it.
        return try .json(
            await computation.run(
                day: day, hour: try body.value(Self.hour), updatesBaseline: try body.value(Self.updateBaseline) ?? true, at: call.now))
    }
}
