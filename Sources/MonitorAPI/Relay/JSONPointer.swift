import Foundation
import Monitoring

/// A place in a JSON document, as RFC 6901 writes it: `/check/name`, `/items/0/id`, and the empty text for the whole.
public struct JSONPointer: Sendable, Hashable, CustomStringConvertible {
    /// As it was written.
    public let description: String
    private let steps: [String]

    /// nil where the text is none: it neither is empty nor begins with a slash, or a `~` stands before neither 0 nor 1.
    public init?(_ text: String) {
        guard text.isEmpty || text.hasPrefix("/"), text.utf8.count <= 500 else { return nil }
        var steps: [String] = []
        for part in text.split(separator: "/", omittingEmptySubsequences: false).dropFirst() {
            let rest = part.replacing("~0", with: "").replacing("~1", with: "")
            guard !rest.contains("~") else { return nil }
            steps.append(String(part).replacing("~1", with: "/").replacing("~0", with: "~"))
        }
        description = text
        self.steps = steps
    }

    /// What stands there; nil where nothing does.
    func value(in document: JSONValue) -> JSONValue? {
        steps.reduce(document as JSONValue?) { value, step in
            switch value {
            case .object(let members): return members[step]
            case .array(let elements):
                guard let index = Int(step), String(index) == step, elements.indices.contains(index) else { return nil }
                return elements[index]
            default: return nil
            }
        }
    }

    /// A text, number or truth value that stands there, as text; nil where nothing does, or something else.
    func text(in document: JSONValue) -> String? {
        switch value(in: document) {
        case .string(let text): text
        case .integer(let number): String(number)
        case .number(let number): String(number)
        case .bool(let value): value ? "true" : "false"
        default: nil
        }
    }

    /// The same without space around it, for what is compared with words.
    func word(in document: JSONValue) -> String? {
        text(in: document)?.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// The last step as a label's name: what a value found there is called.
    public var labelName: String { IncomingAlert.labelName(steps.last ?? "") }
}
