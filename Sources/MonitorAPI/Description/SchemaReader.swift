import Foundation
import Monitoring

/// Makes schemas of types by having their examples written: a key's type is that of what is encoded for it, and it may be null
/// where an optional is.
final class SchemaReader {
    /// By name.
    private(set) var components: [String: Schema] = [:]
    /// Keys without a note, notes without a key.
    private(set) var faults: [String] = []

    /// The schema of what `type` is written as.
    func schema(of type: Any.Type) -> Schema {
        switch type {
        case let optional as any SchemaOptional.Type: schema(of: optional.wrapped).orNull
        case let described as any Described.Type: component(described)
        case let words as any SchemaWords.Type: .words(words.words)
        case let list as any SchemaList.Type: .array(of: schema(of: list.element))
        case let map as any SchemaMap.Type: .map(of: schema(of: map.element))
        case is String.Type: .text
        case is Bool.Type: .flag
        case is Int.Type: .integer
        case is Double.Type: .number
        case is Date.Type: .time
        case is Day.Type: .date
        case is JSONValue.Type: .anything
        case is Cursor.Type: .text
        default: fault("\(type) has no schema")
        }
    }

    private func component<Value: Described>(_ type: Value.Type) -> Schema {
        let name = type.schemaName
        guard components[name] == nil else { return .reference(name) }
        components[name] = .anything  // Until it is known: a type may hold itself.
        let recorder = KeyRecorder(self)
        do {
            try type.example.encode(to: recorder)
        } catch {
            faults.append("\(name): \(error)")
        }
        var properties: [String: Schema] = [:]
        for (key, schema) in recorder.keys {
            guard let note = type.notes[key] else {
                faults.append("\(name).\(key) is not described")
                continue
            }
            properties[key] = schema.with(note.refinement).with(["description": .string(note.text)])
        }
        faults += type.notes.keys.filter { recorder.keys[$0] == nil }.sorted().map { "\(name).\($0) is described, and is not there" }
        var whole = Schema.object(properties, required: Set(recorder.keys.keys).subtracting(recorder.optional))
            .with(["description": .string(type.about)])
        if let example = try? MonitoringJSON.encode(type.example),
            let value = try? JSONValue(parsing: String(decoding: example, as: UTF8.self))
        {
            whole = whole.with(["examples": .array([value])])
        }
        components[name] = whole
        return .reference(name)
    }

    private func fault(_ text: String) -> Schema {
        faults.append(text)
        return .anything
    }
}

/// What is written as a value or as null.
protocol SchemaOptional {
    static var wrapped: Any.Type { get }
}

extension Optional: SchemaOptional {
    static var wrapped: Any.Type { Wrapped.self }
}

extension Nullable: SchemaOptional {
    static var wrapped: Any.Type { Value.self }
}

protocol SchemaList {
    static var element: Any.Type { get }
}

extension Array: SchemaList {
    static var element: Any.Type { Element.self }
}

protocol SchemaMap {
    static var element: Any.Type { get }
}

extension Dictionary: SchemaMap where Key == String {
    static var element: Any.Type { Value.self }
}
