import Foundation

/// Texts that people send: bounded, trimmed, without control characters.
enum PlainText: Sendable, Hashable {
    /// As it may be kept; nil where nothing was written.
    case accepted(String?)
    /// What would be allowed.
    case refused(allowed: String)

    /// - Parameter multiline: Whether line breaks and tabs may be in it.
    static func check(_ text: String, maximum: Int, multiline: Bool) -> PlainText {
        let trimmed = text.replacing("\r\n", with: "\n").trimmingCharacters(in: .whitespacesAndNewlines)
        guard trimmed.count <= maximum, trimmed.unicodeScalars.count <= maximum * 4 else {
            return .refused(allowed: "at most \(maximum) characters long")
        }
        let printable = trimmed.unicodeScalars.allSatisfy { scalar in
            scalar.properties.generalCategory != .control || (multiline && (scalar == "\n" || scalar == "\t"))
        }
        guard printable else { return .refused(allowed: "a text without control characters") }
        return .accepted(trimmed.isEmpty ? nil : trimmed)
    }

    /// The text, or the problem that `problem` makes of what is allowed.
    func get(_ problem: (String) -> Problem) throws(Problem) -> String? {
        switch self {
        case .accepted(let text): return text
        case .refused(let allowed): throw problem(allowed)
        }
    }
}
