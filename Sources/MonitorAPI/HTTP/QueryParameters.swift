import Foundation
import Monitoring

/// The parameters of a request: known names alone, each value checked when it is asked for.
struct QueryParameters: Sendable {
    let values: [String: String]
    /// Of those that may be given several times.
    private let lists: [String: [String]]

    /// - Parameter isLenient: What is not declared, and what is empty, says nothing.
    /// - Throws: A problem naming the parameter that is not as it must be, or the parameters that are allowed.
    init(_ query: String?, declared: [ParameterDeclaration], isLenient: Bool = false) throws(Problem) {
        try self.init(
            query, allowed: declared.map(\.name), repeatable: Set(declared.filter(\.isRepeatable).map(\.name)), isLenient: isLenient)
        for parameter in declared {
            guard lists[parameter.name, default: []].count <= ParameterDeclaration.mostRepetitions else {
                throw Problem(
                    .invalidParameter, "\(parameter.name) may be given at most \(ParameterDeclaration.mostRepetitions) times.",
                    members: ["parameter": .string(parameter.name)])
            }
            for given in lists[parameter.name] ?? [] { try parameter.check(given) }
            if let given = values[parameter.name] {
                try parameter.check(given)
            } else if parameter.isRequired {
                throw parameter.missing
            }
        }
    }

    /// What the parameter says, or its default; nil where it has none.
    func value<Value>(_ parameter: QueryParameter<Value>) throws(Problem) -> Value? {
        guard let given = values[parameter.declaration.name] else { return parameter.standard }
        return try parameter.read(given)
    }

    /// All that a parameter says that may be given several times.
    func all<Value>(_ parameter: QueryParameter<Value>) throws(Problem) -> [Value] {
        var values: [Value] = []
        for given in lists[parameter.declaration.name] ?? [] { values.append(try parameter.read(given)) }
        return values
    }

    /// What a parameter says that is required or has a default.
    func get<Value>(_ parameter: QueryParameter<Value>) throws(Problem) -> Value {
        guard let value = try value(parameter) else { preconditionFailure("\(parameter.declaration.name) has no default") }
        return value
    }

    /// - Throws: A problem naming the parameters that are allowed.
    init(_ query: String?, allowed: [String], repeatable: Set<String> = [], isLenient: Bool = false) throws(Problem) {
        let fields: FormFields
        do {
            fields = try FormFields(isLenient ? Self.known(query ?? "", allowed) : query ?? "", repeatable: repeatable)
        } catch .repeated(let name) {
            throw Problem(.invalidParameter, "The parameter \(name) is given twice.", members: ["parameter": .string(name)])
        } catch {
            throw Problem(.malformed, "The query is not percent-encoded UTF-8 text.")
        }
        if isLenient {
            values = fields.values.filter { !$0.value.isEmpty }
            lists = fields.lists
            return
        }
        if let unknown = (Array(fields.values.keys) + Array(fields.lists.keys)).filter({ !allowed.contains($0) }).min() {
            let name = String(unknown.prefix(100))
            let known = allowed.isEmpty ? "none are" : "\(allowed.joined(separator: ", ")) \(allowed.count == 1 ? "is" : "are")"
            throw Problem(
                .unknownParameter, "There is no parameter \(name) here; \(known) allowed.",
                members: ["parameter": .string(name), "allowed": .array(allowed.map(JSONValue.string))])
        }
        values = fields.values
        lists = fields.lists
    }

    /// A query without what others have hung on to it, such as `fbclid`, however that is written.
    private static func known(_ query: String, _ allowed: [String]) -> String {
        query.split(separator: "&").filter { pair in
            FormFields.decode(pair.prefix { $0 != "=" }).map(allowed.contains) ?? false
        }.joined(separator: "&")
    }

    static func refusal(_ name: String, _ given: String, allowed: String) -> Problem {
        Problem(
            .invalidParameter, "\(name) is \(quoted(given)); allowed is \(allowed).",
            members: ["parameter": .string(name), "allowed": .string(allowed)])
    }

    static func list(_ words: [String]) -> String {
        words.dropLast().joined(separator: ", ") + (words.count > 1 ? " or " : "") + (words.last ?? "")
    }

    private static func quoted(_ text: String) -> String {
        text.isEmpty ? "empty" : "\"\(text.prefix(60))\(text.count > 60 ? "…" : "")\""
    }
}
