import Foundation
import Monitoring

/// What the body of an action asks for.
struct ActionOrder: Sendable, Hashable {
    static let maximumName = 200
    static let maximumNote = 4000

    /// Who does it; nil where the body does not say.
    var actor: String?
    var note: String?
    /// The end of a snooze.
    var until: Date?

    /// - Throws: A problem naming the field that is not as it must be.
    init(_ action: AlertAction, body: [UInt8], path id: UUID, now: Date) throws(Problem) {
        let names = Self.names(action)
        let times = action == .snooze ? ["until", "minutes"] : []
        let body = try JSONBody(body, allowed: names + ["note", "alert_id"] + times)
        if let named = try body.text("alert_id", maximum: 100), named.lowercased() != id.uuidString.lowercased() {
            throw Problem(
                .invalidBody, "The body's alert_id names another alert than the path does.", members: ["field": .string("alert_id")])
        }
        for name in names {
            guard let given = try body.text(name, maximum: Self.maximumName) else { continue }
            guard actor == nil || actor == given else {
                throw Problem(.invalidBody, "\(QueryParameters.list(names)) name different people.", members: ["field": .string(name)])
            }
            actor = given
        }
        note = try body.text("note", maximum: Self.maximumNote, multiline: true)
        if action == .snooze { until = try Self.end(of: body, now: now) }
    }

    /// Fields that name who does it; `acknowledged_by` is what the console's clients send with both of its actions.
    private static func names(_ action: AlertAction) -> [String] {
        switch action {
        case .acknowledge: ["acknowledged_by", "actor"]
        case .resolve: ["acknowledged_by", "resolved_by", "actor"]
        default: ["actor"]
        }
    }

    private static func end(of body: JSONBody, now: Date) throws(Problem) -> Date {
        let until = try body.time("until")
        let minutes = try body.integer("minutes", in: 1...43_200)
        switch (until, minutes) {
        case (nil, let minutes?): return now.addingTimeInterval(Double(minutes) * 60)
        case (let until?, nil):
            guard until > now, until <= now.addingTimeInterval(2_592_000) else {
                throw JSONBody.refusal("until", allowed: "a time within the next 30 days")
            }
            return until
        default:
            throw Problem(
                .invalidBody, "A snooze needs either until (a time) or minutes (1 to 43200).", members: ["field": .string("until")])
        }
    }
}
