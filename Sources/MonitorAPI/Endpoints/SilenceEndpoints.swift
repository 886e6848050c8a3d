import Foundation
import Hummingbird
import Monitoring
import Notifications
import Postgres

/// Silences: list, add, end.
struct SilenceEndpoints: Sendable {
    private let silences: SilenceRepository

    init(client: PostgresClient) {
        silences = SilenceRepository(client: client)
    }

    var all: [Endpoint] {
        [
            .get("/api/monitor/silences", query: ["all", "limit"]) { try await list($0) },
            .post("/api/monitor/silences") { try await create($0) },
            .delete("/api/monitor/silences/{id}") { try await end($0) },
        ]
    }

    private func list(_ call: Call) async throws -> Response {
        let all = try call.query.flag("all")
        let limit = try call.query.integer("limit", in: 1...1000, default: 100)
        let rows = try await silences.list(all: all, limit: limit, now: call.now)
        return try .json(SilenceListAnswer(silences: rows, count: rows.count))
    }

    private func create(_ call: Call) async throws -> Response {
        let body = try JSONBody(call.body, allowed: ["matchers", "starts_at", "ends_at", "minutes", "created_by", "comment"])
        let matchers = try body.texts("matchers", count: 1...50, maximum: 500)
        for matcher in matchers { try Self.check(matcher) }
        let start = try body.time("starts_at") ?? call.now
        let end: Date
        switch (try body.time("ends_at"), try body.integer("minutes", in: 1...525_600)) {
        case (let time?, nil): end = time
        case (nil, let minutes?): end = start.addingTimeInterval(Double(minutes) * 60)
        default:
            throw Problem(
                .invalidBody, "A silence needs either ends_at (a time) or minutes (1 to 525600).", members: ["field": .string("ends_at")])
        }
        guard end > start, end > call.now, end < call.now.addingTimeInterval(10 * 366 * 86_400) else {
            throw JSONBody.refusal("ends_at", allowed: "a time after starts_at that is still to come, within ten years")
        }
        let creator = try body.text("created_by", maximum: ActionOrder.maximumName) ?? call.principal.defaultActor
        let comment = try body.text("comment", maximum: ActionOrder.maximumNote, multiline: true) ?? ""
        let silence = try await silences.create(
            matchers: matchers, from: start, until: end, by: creator, comment: comment, now: call.now)
        return try .json(silence, status: .created)
    }

    private func end(_ call: Call) async throws -> Response {
        let id = try call.id()
        guard let silence = try await silences.end(id: id, now: call.now) else {
            throw Problem(.notFound, "There is no silence \(id.uuidString.lowercased()).")
        }
        return try .json(silence)
    }

    /// A matcher that the dispatcher could not read would silence nothing.
    private static func check(_ text: String) throws(Problem) {
        do {
            _ = try Matcher(text)
        } catch {
            throw Problem(.invalidBody, "The field matchers is faulty: \(error).", members: ["field": .string("matchers")])
        }
    }
}

/// GET /api/monitor/silences.
struct SilenceListAnswer: Encodable, Sendable {
    var silences: [SilenceRecord]
    var count: Int
}
