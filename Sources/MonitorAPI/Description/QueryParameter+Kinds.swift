import Foundation
import Monitoring

extension QueryParameter where Value == Int {
    /// A whole number within its range, without a sign or leading zeros.
    static func integer(_ name: String, in range: ClosedRange<Int>, default standard: Int, _ text: String) -> QueryParameter {
        QueryParameter(
            name, text,
            schema: Schema.integer.with([
                "minimum": .integer(Int64(range.lowerBound)), "maximum": .integer(Int64(range.upperBound)),
                "default": .integer(Int64(standard)),
            ]), example: .integer(Int64(standard)), default: standard,
            allowed: "a whole number from \(range.lowerBound) to \(range.upperBound)"
        ) { given in
            guard given.utf8.count <= 9, given.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(given),
                range.contains(number), String(number) == given
            else { return nil }
            return number
        }
    }
}

extension QueryParameter where Value == Bool {
    /// `true` or `false`, also `1` or `0`; false where it is absent.
    static func flag(_ name: String, _ text: String) -> QueryParameter {
        QueryParameter(
            name, text, schema: Schema.words(["true", "false", "1", "0"]).with(["default": "false"]), example: "true", default: false,
            allowed: "true or false"
        ) { ["true": true, "1": true, "false": false, "0": false][$0] }
    }
}

extension QueryParameter where Value == Window {
    /// `24h`, or `1d` to `90d`.
    static func window(default standard: String = "7d") -> QueryParameter {
        QueryParameter(
            "window", "How far it looks back: `24h`, or `1d` to `90d`.",
            schema: Schema.text.with(["pattern": "^(24h|([1-9]|[1-8][0-9]|90)d)$", "default": .string(standard)]),
            example: .string(standard),
            default: Window(standard), allowed: Window.allowed, parse: { Window($0) })
    }
}

extension QueryParameter where Value == Day {
    /// A date, `YYYY-MM-DD`.
    static func day(_ name: String, _ text: String, example: String) -> QueryParameter {
        QueryParameter(
            name, text, schema: Day.schema, example: .string(example), allowed: "a date, YYYY-MM-DD, from 1970 to 2099"
        ) { given in
            Day(given).flatMap { Day.allowed.contains($0) ? $0 : nil }
        }
    }
}

extension QueryParameter {
    /// One of an enumeration's words.
    static func choice(_ name: String, of type: Value.Type, default standard: Value? = nil, isRequired: Bool = false, _ text: String)
        -> QueryParameter where Value: RawRepresentable<String> & CaseIterable
    {
        let words = Value.allCases.map(\.rawValue)
        return QueryParameter(
            name, text, schema: Schema.words(words).with(standard.map { ["default": .string($0.rawValue)] } ?? [:]),
            example: .string(standard?.rawValue ?? words[0]), default: standard, isRequired: isRequired,
            allowed: QueryParameters.list(words), parse: { Value(rawValue: $0) })
    }

    /// One of an enumeration's words, or `all`, which is nil.
    static func choiceOrAll<Word>(_ name: String, of type: Word.Type, default standard: Word, _ text: String) -> QueryParameter
    where Word: RawRepresentable<String> & CaseIterable & Sendable, Value == Word? {
        let words = Word.allCases.map(\.rawValue) + ["all"]
        return QueryParameter(
            name, text, schema: Schema.words(words).with(["default": .string(standard.rawValue)]), example: .string(standard.rawValue),
            default: .some(standard), allowed: QueryParameters.list(words)
        ) { given -> Word?? in
            if given == "all" { return .some(nil) }
            return Word(rawValue: given).map { .some($0) }
        }
    }
}

extension QueryParameter where Value == String {
    /// A text of `maximum` characters (Unicode scalars) at most.
    static func text(_ name: String, maximum: Int, _ text: String, example: String) -> QueryParameter {
        QueryParameter(
            name, text, schema: Schema.keptText.with(["minLength": 1, "maxLength": .integer(Int64(maximum))]), example: .string(example),
            allowed: "a text of 1 to \(maximum) characters"
        ) { given in (1...maximum).contains(given.unicodeScalars.count) ? given : nil }
    }
}

extension Day {
    /// What the API takes.
    static let allowed = Day(number: 0)...Day("2099-12-31")!

    /// Exactly the dates of that time.
    static let pattern =
        "((19[7-9][0-9]|20[0-9]{2})-((0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31)"
        + "|(19(72|76|80|84|88|92|96)|20([02468][048]|[13579][26]))-02-29)"
    static let schema = Schema.date.with(["pattern": .string("^\(pattern)$")])
}
