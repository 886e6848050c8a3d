import Foundation
import Monitoring

extension BodyField where Value == String {
    /// A text without control characters, of `maximum` characters (Unicode scalars) at most, read without its surrounding spaces.
    ///
    /// - Parameters:
    ///   - multiline: Whether line breaks and tabs may be in it.
    ///   - isRequired: It must be there, and hold more than spaces.
    static func text(_ name: String, maximum: Int, multiline: Bool = false, isRequired: Bool = false, _ text: String) -> BodyField {
        let control = multiline ? "[^\\u0000-\\u0008\\u000B-\\u001F\\u007F-\\u009F]" : "[^\\u0000-\\u001F\\u007F-\\u009F]"
        let schema = Schema.text.with([
            "maxLength": .integer(Int64(maximum)),
            "pattern": .string(isRequired ? "^\(control)*[!-~¡-\\uD7FF]\(control)*$" : "^\(control)*$"),
        ])
        return BodyField(name, text, schema: schema, isRequired: isRequired) { value throws(Problem) in
            guard case .string(let given) = value else { throw JSONBody.refusal(name, allowed: "a text") }
            return try PlainText.check(given, maximum: maximum, multiline: multiline).get { JSONBody.refusal(name, allowed: $0) }
        }
    }
}

extension BodyField where Value == Int {
    static func integer(_ name: String, in range: ClosedRange<Int>, _ text: String) -> BodyField {
        BodyField(
            name, text,
            schema: Schema.integer.with([
                "minimum": .integer(Int64(range.lowerBound)), "maximum": .integer(Int64(range.upperBound)),
            ]), allowed: "a whole number from \(range.lowerBound) to \(range.upperBound)"
        ) { value in value.integer.flatMap { range.contains($0) ? $0 : nil } }
    }
}

extension BodyField where Value == Bool {
    static func flag(_ name: String, default standard: Bool, _ text: String) -> BodyField {
        BodyField(name, text, schema: Schema.flag.with(["default": .bool(standard)]), allowed: "true or false") { value in
            guard case .bool(let flag) = value else { return nil }
            return flag
        }
    }
}

extension BodyField where Value == Day {
    static func day(_ name: String, _ text: String) -> BodyField {
        BodyField(name, text, schema: Day.schema, allowed: "a date, YYYY-MM-DD, from 1970 to 2099") { value in
            value.string.flatMap { Day($0) }.flatMap { Day.allowed.contains($0) ? $0 : nil }
        }
    }
}

extension BodyField where Value == Date {
    /// An RFC 3339 time of the years 1970 to 2099.
    static func time(_ name: String, _ text: String) -> BodyField {
        BodyField(name, text, schema: .nearTime, allowed: "a time like 2026-02-21T10:00:00Z") { value in
            guard let given = value.string, let date = MonitoringJSON.date(fromTimestamp: given),
                Day.allowed.contains(Day(containing: date))
            else { return nil }
            return date
        }
    }
}

extension BodyField where Value: RawRepresentable<String> & CaseIterable {
    static func choice(_ name: String, of type: Value.Type, isRequired: Bool = false, _ text: String) -> BodyField {
        let words = Value.allCases.map(\.rawValue)
        return BodyField(name, text, schema: .words(words), isRequired: isRequired, allowed: QueryParameters.list(words)) { value in
            value.string.flatMap { Value(rawValue: $0) }
        }
    }
}

extension BodyField where Value == [String] {
    /// Texts, each of 1 to `maximum` characters (Unicode scalars), all of one form.
    ///
    /// - Parameter pattern: What they look like, for the document.
    static func texts(
        _ name: String, count: ClosedRange<Int>, maximum: Int, pattern: String, isRequired: Bool = false, _ text: String
    ) -> BodyField {
        let element = Schema.text.with(["minLength": 1, "maxLength": .integer(Int64(maximum)), "pattern": .string(pattern)])
        return BodyField(
            name, text,
            schema: Schema.array(of: element).with([
                "minItems": .integer(Int64(count.lowerBound)), "maxItems": .integer(Int64(count.upperBound)),
            ]), isRequired: isRequired,
            allowed: "\(count.lowerBound) to \(count.upperBound) texts of at most \(maximum) characters"
        ) { value in
            guard let elements = value.array, count.contains(elements.count) else { return nil }
            let texts = elements.compactMap(\.string)
            let areFine = texts.allSatisfy { (1...maximum).contains($0.unicodeScalars.count) && !$0.unicodeScalars.contains("\0") }
            return texts.count == elements.count && areFine ? texts : nil
        }
    }
}
