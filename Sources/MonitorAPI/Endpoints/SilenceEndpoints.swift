import Foundation
import Hummingbird
import Monitoring
import Notifications
import Postgres

/// Silences: list, add, end.
struct SilenceEndpoints: Sendable {
    private static let includesEnded = QueryParameter<Bool>.flag("all", "Whether those that have ended come as well.")
    private static let limit = QueryParameter<Int>.integer("limit", in: 1...1000, default: 100, "How many a page holds at most.")
    private static let matchers = BodyField<[String]>(
        "matchers", "All of them must match. A value may stand in double quotes; =~ and !~ take regular expressions for the whole value.",
        schema: Schema.array(of: Schema.matcher.with(["maxLength": .integer(Int64(longestMatcher))]))
            .with(["minItems": 1, "maxItems": 50]), isRequired: true
    ) { value throws(Problem) in
        guard let elements = value.array, (1...50).contains(elements.count) else { throw matchersRefusal }
        let texts = elements.compactMap(\.string)
        guard texts.count == elements.count, texts.allSatisfy({ (1...longestMatcher).contains($0.unicodeScalars.count) }) else {
            throw matchersRefusal
        }
        for text in texts { try check(text) }
        return texts
    }
    private static let startsAt = BodyField<Date>.time("starts_at", "From when it holds; absent: now.")
    private static let endsAt = BodyField<Date>.time("ends_at", "Until when; or `minutes`.")
    private static let minutes = BodyField<Int>.integer("minutes", in: 1...525_600, "How long it holds; or `ends_at`.")
    private static let createdBy = BodyField<String>.text(
        "created_by", maximum: ActionOrder.maximumName, "Who makes it; absent, the token's name stands for them.")
    private static let comment = BodyField<String>.text("comment", maximum: ActionOrder.maximumNote, multiline: true, "Why.")

    private let silences: SilenceRepository

    init(client: PostgresClient) {
        silences = SilenceRepository(client: client)
    }

    var all: [Endpoint] {
        [
            .get(
                "/api/monitor/silences", freshness: .brief,
                Operation(
                    id: "listSilences", tag: .silences, summary: "Silences, latest end first",
                    query: [Self.includesEnded.declaration, Self.limit.declaration, QueryParameter.cursor.declaration],
                    answer: .json(SilenceListAnswer.self))
            ) { try await list($0) },
            .post(
                "/api/monitor/silences",
                Operation(
                    id: "createSilence", tag: .silences, summary: "Tell nobody of what matches, for a time",
                    fields: [
                        Self.matchers.declaration, Self.startsAt.declaration, Self.endsAt.declaration, Self.minutes.declaration,
                        Self.createdBy.declaration, Self.comment.declaration,
                    ],
                    bodyRule: ["oneOf": .array([ActionOrder.given("ends_at"), ActionOrder.given("minutes")])],
                    bodyExamples: [
                        .object(["matchers": .array(["severity>=high"]), "minutes": 60, "created_by": "Ana", "comment": "deploy"])
                    ],
                    answer: .json(SilenceRecord.self, .created),
                    problems: [.contradiction: "ends_at must be a time after starts_at that is still to come, within ten years."])
            ) { try await create($0) },
            .delete(
                "/api/monitor/silences/{id}",
                Operation(
                    id: "endSilence", tag: .silences, summary: "End a silence",
                    detail: "It ends now; one that had not begun never does, and ending it again changes nothing.",
                    path: [.id(of: "a silence")], answer: .json(SilenceRecord.self),
                    problems: [.notFound: "There is no silence 00000000-0000-4000-8000-00000000ffff."])
            ) { try await end($0) },
        ]
    }

    private func list(_ call: Call) async throws -> Response {
        let limit = try call.query.get(Self.limit)
        let cursor = try call.query.value(.cursor)
        let rows = try await silences.list(
            all: try call.query.get(Self.includesEnded), limit: limit + 1, now: call.now, after: cursor.map { ($0.microseconds, $0.id) })
        let page = Array(rows.prefix(limit))
        let last = page.last.flatMap { silence in UUID(uuidString: silence.id).map { Cursor(time: silence.endsAt, id: $0) } }
        return try .json(SilenceListAnswer(silences: page, count: page.count, nextCursor: rows.count > limit ? last : nil))
    }

    private func create(_ call: Call) async throws -> Response {
        let body = try call.fields()
        guard let matchers = try body.value(Self.matchers) else { throw Self.matchersRefusal }
        let start = try body.value(Self.startsAt) ?? call.now
        let end: Date
        switch (try body.value(Self.endsAt), try body.value(Self.minutes)) {
        case (let time?, nil): end = time
        case (nil, let minutes?): end = start.addingTimeInterval(Double(minutes) * 60)
        default:
            throw Problem(
                .invalidBody, "A silence needs either ends_at (a time) or minutes (1 to 525600).", members: ["field": .string("ends_at")])
        }
        guard end > start, end > call.now, end < call.now.addingTimeInterval(10 * 366 * 86_400) else {
            let allowed = "a time after starts_at that is still to come, within ten years"
            throw Problem(
                .contradiction, "ends_at must be \(allowed).", members: ["field": .string("ends_at"), "allowed": .string(allowed)])
        }
        let creator = try body.value(Self.createdBy) ?? call.principal.defaultActor
        let silence = try await silences.create(
            matchers: matchers, from: start, until: end, by: creator, comment: try body.value(Self.comment) ?? "", now: call.now)
        return try .json(silence, status: .created)
    }

    private func end(_ call: Call) async throws -> Response {
        let id = try call.id()
        guard let silence = try await silences.end(id: id, now: call.now) else {
            throw Problem(.notFound, "There is no silence \(id.uuidString.lowercased()).")
        }
        return try .json(silence)
    }

    private static let matchersRefusal = JSONBody.refusal("matchers", allowed: "1 to 50 texts of at most \(longestMatcher) characters")
    private static let longestMatcher = 4000

    /// A matcher that the dispatcher could not read would silence nothing.
    private static func check(_ text: String) throws(Problem) {
        guard !text.utf8.contains(0) else { throw matchersRefusal }
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
    @Nullable var nextCursor: Cursor?

    enum CodingKeys: String, CodingKey {
        case silences, count
        case nextCursor = "next_cursor"
    }
}
