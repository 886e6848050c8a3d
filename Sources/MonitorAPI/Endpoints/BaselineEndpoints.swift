import Foundation
import Hummingbird
import Monitoring
import Postgres

/// The baseline, and its acceptance as a new normal.
struct BaselineEndpoints: Sendable {
    private static let reason = BodyField<String>.text(
        "reason", maximum: ActionOrder.maximumNote, multiline: true, isRequired: true, "Why it is the new normal.")
    private static let acceptedBy = BodyField<String>.text(
        "accepted_by", maximum: ActionOrder.maximumName, isRequired: true, "Who says so.")
    private static let from = BodyField<Date>.time(
        "from", "A whole UTC hour of the last 28 days: nothing before it counts any more. Absent: the present hour.")
    private static let name = BodyField<String>.text("baseline_name", maximum: 100, "Absent: the one that the settings name.")

    private let baselines: BaselineRepository

    init(client: PostgresClient) {
        baselines = BaselineRepository(client: client)
    }

    var all: [Endpoint] {
        [
            .get(
                "/api/monitor/baseline",
                Operation(
                    id: "showBaseline", tag: .baseline, summary: "What figures are compared with", answer: .json(BaselineAnswer.self),
                    problems: [.notFound: Self.missing])
            ) { _ in try await show() },
            .post(
                "/api/monitor/baseline", deadline: .seconds(60),
                Operation(
                    id: "acceptBaseline", tag: .baseline, summary: "Accept what is measured as the new normal",
                    detail: "Nothing before `from` counts any more, and the alerts that are compared with this baseline end.",
                    fields: [Self.reason.declaration, Self.acceptedBy.declaration, Self.from.declaration, Self.name.declaration],
                    bodyExamples: [.object(["reason": "The new model answers slower.", "accepted_by": "Ana"])],
                    answer: .json(BaselineAnswer.self),
                    problems: [.contradiction: "from is a whole UTC hour of the last 28 days."])
            ) { try await accept($0) },
        ]
    }

    private static let missing = "There is no baseline yet: it needs events, and is computed by POST /api/monitor/compute or by the worker."

    private func show() async throws -> Response {
        guard let baseline = try await baselines.baseline() else { throw Problem(.notFound, Self.missing) }
        return try .json(BaselineAnswer(baseline))
    }

    private func accept(_ call: Call) async throws -> Response {
        let body = try call.fields()
        guard let reason = try body.value(Self.reason) else { throw JSONBody.refusal("reason", allowed: "a text that says why") }
        guard let actor = try body.value(Self.acceptedBy) else {
            throw JSONBody.refusal("accepted_by", allowed: "the name of who says so")
        }
        do {
            let baseline = try await baselines.accept(
                name: body.value(Self.name), actor: actor, credential: call.principal.credential, reason: reason,
                from: body.value(Self.from), at: call.now)
            return try .json(BaselineAnswer(baseline))
        } catch let error as MonitoringError where error.code == .invalidArgument {
            // What the body says is checked already: what is left is the hour, against the present.
            throw Problem(.contradiction, error.message, members: ["field": .string("from")])
        }
    }
}
