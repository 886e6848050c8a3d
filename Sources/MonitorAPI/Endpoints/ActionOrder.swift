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
    init(_ action: AlertAction, _ body: JSONBody, path id: UUID, now: Date) throws(Problem) {
        if let named = try body.value(Self.alertID), named != id {
            throw Problem(
                .invalidBody, "The body's alert_id names another alert than the path does.", members: ["field": .string("alert_id")])
        }
        let names = Self.names(action)
        for (index, name) in names.enumerated() where body.has(name.declaration.name) {
            guard !names[..<index].contains(where: { body.has($0.declaration.name) }) else {
                throw Problem(
                    .invalidBody, "Of \(QueryParameters.list(names.map(\.declaration.name))) one names who does it.",
                    members: ["field": .string(name.declaration.name)])
            }
            actor = try body.value(name)
        }
        note = try body.value(Self.note)
        if action == .snooze { until = try Self.end(of: body, now: now) }
    }

    static func fields(of action: AlertAction) -> [FieldDeclaration] {
        names(action).map(\.declaration) + [note.declaration, alertID.declaration]
            + (action == .snooze ? [until.declaration, minutes.declaration] : [])
    }

    /// One name at most; of a snooze, exactly one end.
    static func rule(of action: AlertAction) -> [String: JSONValue] {
        let names = names(action).map(\.declaration.name)
        var rules: [JSONValue] = []
        for (index, name) in names.enumerated() {
            for other in names[(index + 1)...] { rules.append(.object(["not": Self.given(name, other)])) }
        }
        if action == .snooze { rules.append(.object(["oneOf": .array([Self.given("until"), Self.given("minutes")])])) }
        return rules.isEmpty ? [:] : ["allOf": .array(rules)]
    }

    /// Those fields are there, and not null.
    static func given(_ names: String...) -> JSONValue {
        let present: JSONValue = .object(["not": .object(["type": "null"])])
        return .object([
            "required": .array(names.map(JSONValue.string)),
            "properties": .object(Dictionary(uniqueKeysWithValues: names.map { ($0, present) })),
        ])
    }

    private static let note = BodyField<String>.text("note", maximum: maximumNote, multiline: true, "What there is to say about it.")
    private static let until = BodyField<Date>.time("until", "The end of the snooze, within the next 30 days; or `minutes`.")
    private static let minutes = BodyField<Int>.integer("minutes", in: 1...43_200, "How long the snooze lasts; or `until`.")
    private static let alertID = BodyField<UUID>(
        "alert_id", "Tolerated where it is the id in the path, which decides.",
        schema: Schema.uuid.with(["readOnly": true, "deprecated": true]), allowed: "the id in the path"
    ) { value in
        value.string.flatMap { $0.utf8.count == 36 ? UUID(uuidString: $0) : nil }
    }

    /// Fields that name who does it; `acknowledged_by` is what the console's clients send with both of its actions.
    private static func names(_ action: AlertAction) -> [BodyField<String>] {
        let names =
            switch action {
            case .acknowledge: ["acknowledged_by", "actor"]
            case .resolve: ["acknowledged_by", "resolved_by", "actor"]
            default: ["actor"]
            }
        return names.map { .text($0, maximum: maximumName, "Who does it; absent, the token's name stands for them.") }
    }

    private static func end(of body: JSONBody, now: Date) throws(Problem) -> Date {
        switch (try body.value(Self.until), try body.value(Self.minutes)) {
        case (nil, let minutes?): return now.addingTimeInterval(Double(minutes) * 60)
        case (let until?, nil):
            guard until > now, until <= now.addingTimeInterval(2_592_000) else {
                throw Problem(
                    .contradiction, "until must be a time within the next 30 days.",
                    members: ["field": .string("until"), "allowed": .string("a time within the next 30 days")])
            }
            return until
        default:
            throw Problem(
                .invalidBody, "A snooze needs either until (a time) or minutes (1 to 43200).", members: ["field": .string("until")])
        }
    }
}
