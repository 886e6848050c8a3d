import Foundation
import Monitoring

/// The object that a request's body is: known fields alone, each value checked when it is asked for. An empty body is `{}`.
struct JSONBody: Sendable {
    private let members: [String: JSONValue]

    /// - Throws: A problem naming the field that is not as it must be, or the fields that are allowed.
    init(_ bytes: [UInt8], fields: [FieldDeclaration]) throws(Problem) {
        let allowed = fields.map(\.name)
        guard !bytes.isEmpty else {
            members = [:]
            return
        }
        // The decoder would read UTF-16 and UTF-32 as well, in which the depth is not what the bytes say.
        guard String(validating: bytes, as: UTF8.self) != nil, !bytes.contains(0) else {
            throw Problem(.invalidBody, "The body is not JSON in UTF-8.")
        }
        // Decoding takes time that grows with the square of the depth, and cannot be interrupted.
        guard Self.depth(of: bytes) <= Self.deepest else {
            throw Problem(.invalidBody, "The body is nested more than \(Self.deepest) deep.")
        }
        guard let value = try? JSONDecoder().decode(JSONValue.self, from: Data(bytes)) else {
            throw Problem(.invalidBody, "The body is not JSON.")
        }
        guard case .object(let members) = value else { throw Problem(.invalidBody, "The body must be a JSON object.") }
        if let unknown = members.keys.filter({ !allowed.contains($0) }).min() {
            let name = String(unknown.prefix(100))
            let known = allowed.isEmpty ? "none are" : "\(allowed.joined(separator: ", ")) \(allowed.count == 1 ? "is" : "are")"
            throw Problem(
                .invalidBody, "There is no field \(name) here; \(known) allowed.",
                members: ["field": .string(name), "allowed": .array(allowed.map(JSONValue.string))])
        }
        self.members = members
        for field in fields {
            if let given = self.value(field.name) { try field.check(given) }
        }
    }

    private static let deepest = 8

    /// How deep arrays and objects stand in each other, brackets in texts not counted.
    static func depth(of bytes: [UInt8]) -> Int {
        var depth = 0
        var deepest = 0
        var isText = false
        var isEscaped = false
        for byte in bytes {
            if isText {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else {
                    isText = byte != UInt8(ascii: "\"")
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): isText = true
            case UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
            case UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
            default: continue
            }
            deepest = max(deepest, depth)
        }
        return deepest
    }

    /// Whether the field is there, and not null.
    func has(_ name: String) -> Bool { value(name) != nil }

    /// What the field says; nil where it is absent or null, or says nothing.
    func value<Value>(_ field: BodyField<Value>) throws(Problem) -> Value? {
        guard let value = value(field.declaration.name) else { return nil }
        return try field.read(value)
    }

    /// What is refused, and what would not be.
    static func refusal(_ name: String, allowed: String) -> Problem {
        Problem(
            .invalidBody, "The field \(name) must be \(allowed).", members: ["field": .string(name), "allowed": .string(allowed)])
    }

    private func value(_ name: String) -> JSONValue? {
        members[name] == .null ? nil : members[name]
    }
}
