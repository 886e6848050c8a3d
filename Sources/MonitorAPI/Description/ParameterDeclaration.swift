import Monitoring

/// A parameter as the document describes it and as every request is checked.
struct ParameterDeclaration: Sendable {
    var name: String
    /// What it does, in a sentence.
    var text: String
    var schema: Schema
    var isRequired = false
    /// Whether it may be given several times; the schema is that of one.
    var isRepeatable = false
    /// How often at most.
    static let mostRepetitions = 20
    var example: JSONValue
    /// Throws what the client is told of a value that is not allowed.
    var check: @Sendable (String) throws(Problem) -> Void

    /// What the client is told where it is required and not there.
    var missing: Problem {
        var members: [String: JSONValue] = ["parameter": .string(name)]
        do {
            try check("")
        } catch {
            members["allowed"] = error.members["allowed"]
        }
        let allowed = members["allowed"]?.string.map { "; allowed is \($0)" } ?? ""
        return Problem(.invalidParameter, "\(name) is missing\(allowed).", members: members)
    }
}

/// A parameter whose values have a type: declared once, checked with the request, read by the handler.
struct QueryParameter<Value: Sendable>: Sendable {
    var declaration: ParameterDeclaration
    /// Where it is absent.
    var standard: Value?
    var read: @Sendable (String) throws(Problem) -> Value

    init(
        _ name: String, _ text: String, schema: Schema, example: JSONValue, default standard: Value? = nil, isRequired: Bool = false,
        read: @escaping @Sendable (String) throws(Problem) -> Value
    ) {
        declaration = ParameterDeclaration(name: name, text: text, schema: schema, isRequired: isRequired, example: example) {
            value throws(Problem) in
            _ = try read(value)
        }
        self.standard = standard
        self.read = read
    }
}

/// What is read from a value: nil is refused, with what would be allowed.
extension QueryParameter {
    init(
        _ name: String, _ text: String, schema: Schema, example: JSONValue, default standard: Value? = nil, isRequired: Bool = false,
        allowed: String, parse: @escaping @Sendable (String) -> Value?
    ) {
        self.init(name, text, schema: schema, example: example, default: standard, isRequired: isRequired) { given throws(Problem) in
            guard let value = parse(given) else { throw QueryParameters.refusal(name, given, allowed: allowed) }
            return value
        }
    }
}
