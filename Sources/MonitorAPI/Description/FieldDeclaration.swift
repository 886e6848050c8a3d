import Monitoring

/// A field of a JSON body as the document describes it and as every body is checked.
struct FieldDeclaration: Sendable {
    var name: String
    /// What it says, in a sentence.
    var text: String
    /// Without null, which stands for an absent field.
    var schema: Schema
    var isRequired = false
    /// Throws what the client is told of a value that is not allowed; null is none.
    var check: @Sendable (JSONValue) throws(Problem) -> Void
}

/// A field whose values have a type: declared once, checked and read by the same rule.
struct BodyField<Value: Sendable>: Sendable {
    var declaration: FieldDeclaration
    /// nil: as if the field were absent. It throws what the client is told of a value that is not allowed.
    var read: @Sendable (JSONValue) throws(Problem) -> Value?

    init(
        _ name: String, _ text: String, schema: Schema, isRequired: Bool = false,
        read: @escaping @Sendable (JSONValue) throws(Problem) -> Value?
    ) {
        declaration = FieldDeclaration(name: name, text: text, schema: schema, isRequired: isRequired) { value throws(Problem) in
            _ = try read(value)
        }
        self.read = read
    }

    init(
        _ name: String, _ text: String, schema: Schema, isRequired: Bool = false, allowed: String,
        parse: @escaping @Sendable (JSONValue) -> Value?
    ) {
        self.init(name, text, schema: schema, isRequired: isRequired) { given throws(Problem) in
            guard let value = parse(given) else { throw JSONBody.refusal(name, allowed: allowed) }
            return value
        }
    }
}
