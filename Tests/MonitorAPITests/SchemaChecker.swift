import Foundation
import Monitoring

/// Holds values against schemas of a document, as far as that uses JSON Schema.
struct SchemaChecker {
    let document: JSONValue

    /// What is wrong, each with its place; none where the value is as described.
    func faults(_ value: JSONValue, _ schema: JSONValue, at place: String = "$") -> [String] {
        guard case .object(let members) = schema else { return ["\(place): no schema"] }
        if let reference = members["$ref"]?.string { return faults(value, resolved(reference), at: place) }
        return combined(value, members, place) + typed(value, members, place) + bounded(value, members, place)
            + object(value, members, place)
    }

    /// What `#/components/…` names.
    func resolved(_ reference: String) -> JSONValue {
        reference.split(separator: "/").dropFirst().reduce(document) { $0[String($1)] ?? .null }
    }

    private func combined(_ value: JSONValue, _ schema: [String: JSONValue], _ place: String) -> [String] {
        var found: [String] = []
        if let any = schema["anyOf"]?.array, !any.contains(where: { faults(value, $0).isEmpty }) {
            found.append("\(place): none of anyOf: \(any.map { faults(value, $0, at: place) })")
        }
        if let one = schema["oneOf"]?.array, one.filter({ faults(value, $0).isEmpty }).count != 1 {
            found.append("\(place): not one of oneOf")
        }
        for all in schema["allOf"]?.array ?? [] { found += faults(value, all, at: place) }
        if let not = schema["not"], faults(value, not).isEmpty { found.append("\(place): what it must not be") }
        return found
    }

    private func typed(_ value: JSONValue, _ schema: [String: JSONValue], _ place: String) -> [String] {
        var found: [String] = []
        let types = schema["type"].map { $0.array?.compactMap(\.string) ?? [$0.string ?? ""] }
        if let types, !types.contains(where: { Self.is(value, $0) }) { found.append("\(place): \(value) is none of \(types)") }
        if let words = schema["enum"]?.array, !words.contains(value) { found.append("\(place): \(value) is no word of \(words)") }
        if let constant = schema["const"], constant != value { found.append("\(place): \(value) is not \(constant)") }
        return found
    }

    private static func `is`(_ value: JSONValue, _ type: String) -> Bool {
        switch (value, type) {
        case (.null, "null"), (.bool, "boolean"), (.integer, "integer"), (.integer, "number"), (.number, "number"), (.string, "string"),
            (.array, "array"), (.object, "object"):
            true
        default: false
        }
    }

    private func bounded(_ value: JSONValue, _ schema: [String: JSONValue], _ place: String) -> [String] {
        var found: [String] = []
        if let number = value.double {
            if let least = schema["minimum"]?.double, number < least { found.append("\(place): \(number) < \(least)") }
            if let most = schema["maximum"]?.double, number > most { found.append("\(place): \(number) > \(most)") }
        }
        if let text = value.string {
            let count = text.unicodeScalars.count
            if count < schema["minLength"]?.integer ?? 0 || count > schema["maxLength"]?.integer ?? .max {
                found.append("\(place): length \(count)")
            }
            if let pattern = schema["pattern"]?.string, text.range(of: pattern, options: .regularExpression) == nil {
                found.append("\(place): \(text) does not match \(pattern)")
            }
            if !Self.matches(text, format: schema["format"]?.string) {
                found.append("\(place): \(text) is no \(schema["format"] ?? .null)")
            }
        }
        if let elements = value.array {
            if elements.count < schema["minItems"]?.integer ?? 0 || elements.count > schema["maxItems"]?.integer ?? .max {
                found.append("\(place): \(elements.count) items")
            }
            if let schema = schema["items"] {
                for (index, element) in elements.enumerated() { found += faults(element, schema, at: "\(place)[\(index)]") }
            }
        }
        return found
    }

    private static func matches(_ text: String, format: String?) -> Bool {
        switch format {
        case "uuid": UUID(uuidString: text) != nil && text == text.lowercased()
        case "date": Day(text) != nil
        case "date-time": MonitoringJSON.date(fromTimestamp: text) != nil && text.hasSuffix("Z")
        default: true
        }
    }

    private func object(_ value: JSONValue, _ schema: [String: JSONValue], _ place: String) -> [String] {
        guard case .object(let members) = value else { return [] }
        var found = (schema["required"]?.array ?? []).compactMap(\.string).filter { members[$0] == nil }.map { "\(place).\($0) is missing" }
        for (name, member) in members {
            if let described = schema["properties"]?[name] {
                found += faults(member, described, at: "\(place).\(name)")
            } else if schema["additionalProperties"] == false {
                found.append("\(place).\(name) is not described")
            } else if let further = schema["additionalProperties"], case .object = further {
                found += faults(member, further, at: "\(place).\(name)")
            }
        }
        return found
    }
}
