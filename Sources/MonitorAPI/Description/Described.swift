import Monitoring

/// A type of the API's answers: what its fields mean stands beside it, what they are follows from how it is written.
///
/// A field without a word here, or a word without its field, is a fault of the document that a test finds.
protocol Described: Encodable, Sendable {
    /// Its name in the document.
    static var schemaName: String { get }
    /// What it is, in a sentence.
    static var about: String { get }
    /// What each key means.
    static var notes: [String: FieldNote] { get }
    /// One as it could be.
    static var example: Self { get }
}

/// What a key of an answer means, and what is known of its value beyond its type.
struct FieldNote: Sendable, Hashable, ExpressibleByStringLiteral {
    var text: String
    /// Members of its schema.
    var refinement: [String: JSONValue] = [:]

    init(_ text: String, _ refinement: [String: JSONValue] = [:]) {
        self.text = text
        self.refinement = refinement
    }

    init(stringLiteral value: String) { self.init(value) }

    /// The text of an id.
    static func uuid(_ text: String) -> FieldNote { FieldNote(text, ["format": "uuid"]) }
    /// A share of events.
    static func share(_ text: String) -> FieldNote { FieldNote(text, ["minimum": 0, "maximum": 1]) }
    /// How many.
    static func count(_ text: String) -> FieldNote { FieldNote(text, ["minimum": 0]) }
    /// Milliseconds.
    static func milliseconds(_ text: String) -> FieldNote { FieldNote("\(text) In milliseconds.", ["minimum": 0]) }
    /// One of a few texts.
    static func words(_ text: String, _ words: [String], orNull: Bool = false) -> FieldNote {
        FieldNote(text, ["enum": .array(words.map(JSONValue.string) + (orNull ? [.null] : []))])
    }
    /// Any object.
    static func object(_ text: String) -> FieldNote { FieldNote(text, ["type": "object"]) }
}

/// An enumeration whose words stand in answers.
protocol SchemaWords {
    static var words: [String] { get }
}

extension SchemaWords where Self: RawRepresentable<String> & CaseIterable {
    static var words: [String] { allCases.map(\.rawValue) }
}

extension Severity: SchemaWords {}
extension AlertStatus: SchemaWords {}
extension AlertTransition.Kind: SchemaWords {}
extension Trend: SchemaWords {}

/// Decodes an example that is written as JSON. A faulty one is a programmer's error, which every use of the document shows.
func exampleValue<Value: Decodable>(_ text: String, as type: Value.Type = Value.self) -> Value {
    do {
        return try MonitoringJSON.decode(type, from: text.utf8)
    } catch {
        fatalError("the example of \(type) is none: \(error)")
    }
}
