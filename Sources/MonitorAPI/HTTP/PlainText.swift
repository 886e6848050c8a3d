import Foundation

/// Texts that people send: bounded, trimmed, without control characters.
enum PlainText: Sendable, Hashable {
    /// As it may be kept; nil where nothing was written.
    case accepted(String?)
    /// What would be allowed.
    case refused(allowed: String)

    /// - Parameters:
    ///   - maximum: In Unicode scalars, the surrounding spaces included; a line break is one, however it is sent.
    ///   - multiline: Whether line breaks and tabs may be in it; one line break at the end always may.
    static func check(_ text: String, maximum: Int, multiline: Bool) -> PlainText {
        // A form's field counts its line breaks so, and sends each as two characters.
        let unified = text.replacing("\r\n", with: "\n")
        guard unified.unicodeScalars.count <= maximum else { return .refused(allowed: "at most \(maximum) characters long") }
        let printable = (unified.hasSuffix("\n") ? unified.dropLast() : unified[...]).unicodeScalars.allSatisfy { scalar in
            scalar.properties.generalCategory != .control || (multiline && (scalar == "\n" || scalar == "\t"))
        }
        guard printable else { return .refused(allowed: "a text without control characters") }
        let trimmed = unified.trimmingCharacters(in: .whitespacesAndNewlines)
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
