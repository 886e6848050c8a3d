import Foundation
import HTTPTypes
import Hummingbird
import Monitoring
import Notifications

/// Silences as Alertmanager's API has them: the same silences, in other words.
extension AlertmanagerEndpoints {
    private static let filter = QueryParameter<Matcher>.matchers(
        "filter", "A matcher that a silence has among its own: name, sign and value; of several all.")
    private static let mostSilences = 10_000
    private static let example = "00000000-0000-4000-8000-00000000ffff"

    var silenceEndpoints: [Endpoint] {
        [
            .get(
                "/api/v2/silences", freshness: nil,
                Operation(
                    id: "alertmanagerSilences", tag: .relay, summary: "Silences, as Alertmanager shows them",
                    detail: "Those that have ended as well, as long as they are kept.", query: [Self.filter.declaration],
                    answer: .list(AlertmanagerSilence.self))
            ) { call in
                let matchers = try call.query.all(Self.filter)
                let records = try await silences.list(all: true, limit: Self.mostSilences, now: call.now)
                let conditions = matchers.map(AlertmanagerSilence.Condition.init)
                return try .json(
                    records.map(AlertmanagerSilence.init).filter { silence in conditions.allSatisfy(silence.matchers.contains) })
            },
            .post(
                "/api/v2/silences",
                Operation(
                    id: "alertmanagerSilence", tag: .relay, summary: "Add a silence or change one, as Alertmanager does",
                    detail: """
                        One with an `id` is changed where its matchers are the same; else, and where one that holds is to begin later, it \
                        ends, and another takes its place. One of the matchers at least must ask for a label, or say what one is not.
                        """,
                    bodySchema: PostableSilence.schema, requiresBody: true, bodyExamples: [PostableSilence.example],
                    answer: .json(AlertmanagerSilenceID.self),
                    problems: [
                        .notFound: "There is no silence \(Self.example).",
                        .contradiction: "endsAt must be a time after startsAt that is still to come.",
                    ])
            ) { try await keep($0) },
            .get(
                "/api/v2/silence/{id}", freshness: nil,
                Operation(
                    id: "alertmanagerShowSilence", tag: .relay, summary: "A silence, as Alertmanager shows it",
                    path: [.id(of: "a silence")], answer: .json(AlertmanagerSilence.self),
                    problems: [.notFound: "There is no silence \(Self.example)."])
            ) { call in
                let id = try call.id()
                guard let record = try await silences.silence(id: id, now: call.now) else { throw Self.absent(id) }
                return try .json(AlertmanagerSilence(record))
            },
            .delete(
                "/api/v2/silence/{id}",
                Operation(
                    id: "alertmanagerEndSilence", tag: .relay, summary: "End a silence, as Alertmanager does",
                    path: [.id(of: "a silence")], answer: .empty, problems: [.notFound: "There is no silence \(Self.example)."])
            ) { call in
                let id = try call.id()
                guard try await silences.end(id: id, now: call.now) != nil else { throw Self.absent(id) }
                return Response(status: .ok, headers: [.cacheControl: "no-store"])
            },
        ]
    }

    private static func absent(_ id: UUID) -> Problem {
        Problem(.notFound, "There is no silence \(id.uuidString.lowercased()).")
    }

    private func keep(_ call: Call) async throws -> Response {
        let order = try SilenceOrder(call.body, now: call.now)
        var record: SilenceRecord?
        if let id = order.id {
            guard let present = try await silences.silence(id: id, now: call.now) else { throw Self.absent(id) }
            // What has begun has begun then, and what is over does not come back. Moved to the future, it holds no longer until then.
            let isMoved = present.state == .active && order.startsAt > call.now
            if present.state != .expired, present.matchers == order.matchers, !isMoved {
                record = try await silences.change(
                    id: id, matchers: order.matchers, from: present.state == .active ? present.startsAt : order.startsAt,
                    until: order.endsAt, by: order.createdBy, comment: order.comment, now: call.now)
            } else if present.state != .expired {
                _ = try await silences.end(id: id, now: call.now)
            }
        }
        if record == nil {
            record = try await silences.create(
                matchers: order.matchers, from: order.startsAt, until: order.endsAt, by: order.createdBy, comment: order.comment,
                now: call.now)
        }
        return try .json(AlertmanagerSilenceID(silenceID: record?.id ?? ""))
    }
}

/// A silence that is to be.
private struct SilenceOrder {
    var id: UUID?
    var matchers: [String]
    var startsAt: Date
    var endsAt: Date
    var createdBy: String
    var comment: String

    init(_ body: [UInt8], now: Date) throws(Problem) {
        let posted: PostableSilence
        do {
            posted = try RelayBody.decode(PostableSilence.self, from: body)
        } catch let error as DecodingError {
            throw RelayBody.refusal(error, ofAlerts: false)
        } catch let problem as Problem {
            throw problem
        } catch {
            throw Problem(.invalidBody, "The body is no silence.")
        }
        if let text = posted.id, !text.isEmpty {
            guard let id = UUID(uuidString: text) else { throw JSONBody.refusal("id", allowed: "a UUID") }
            self.id = id
        }
        guard (1...50).contains(posted.matchers.count) else { throw JSONBody.refusal("matchers", allowed: "1 to 50 matchers") }
        var conditions: [Matcher] = []
        for condition in posted.matchers {
            guard (1...IncomingAlert.longestName).contains(condition.name.utf8.count) else {
                throw JSONBody.refusal("matchers", allowed: "matchers whose names are labels', of 1 to \(IncomingAlert.longestName) bytes")
            }
            guard !condition.value.utf8.contains(0) else {
                throw JSONBody.refusal("matchers", allowed: "matchers whose values have no NUL")
            }
            do throws(NotificationConfigurationError) {
                conditions.append(try Matcher(condition.text))
            } catch {
                throw Problem(.invalidBody, "The field matchers is faulty: \(error.message).", members: ["field": .string("matchers")])
            }
        }
        guard !conditions.allSatisfy(\.matchesEmpty) else {
            throw Problem(
                .contradiction, "One of the matchers at least must ask for a label, or say what one is not: this would cover everything.",
                members: ["field": .string("matchers")])
        }
        matchers = conditions.map(\.description)
        startsAt = max(try Self.time(posted.startsAt, "startsAt") ?? now, now)
        guard let end = try Self.time(posted.endsAt, "endsAt"), end > now, end > startsAt else {
            throw Problem(
                .contradiction, "endsAt must be a time after startsAt that is still to come.", members: ["field": .string("endsAt")])
        }
        endsAt = end
        createdBy = String(SilenceOrder.line(posted.createdBy).prefix(ActionOrder.maximumName))
        comment = String(posted.comment.replacing("\0", with: "").prefix(ActionOrder.maximumNote))
    }

    private static func line(_ text: String) -> String {
        String(text.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7F }.map(Character.init))
    }

    private static func time(_ text: String, _ name: String) throws(Problem) -> Date? {
        do throws(IncomingAlert.Fault) {
            return try RelayBody.time(text, name)
        } catch {
            throw JSONBody.refusal(name, allowed: "a time like 2026-02-21T10:00:00Z")
        }
    }
}
