import Monitoring

/// A condition on one label: `severity>=high`, `model="gpt-4o"`, `agent!=batch`, `alert_type=~"error_spike|fallback_spike"`.
///
/// Regular expressions match the whole value. A value may stand in double quotes, in which `\"` and `\\` are escaped.
public struct Matcher: Sendable, Hashable, CustomStringConvertible {
    private enum Test: Sendable, Hashable {
        case equal(String)
        case notEqual(String)
        case matching(Pattern)
        case notMatching(Pattern)
        case atLeast(Severity)
    }

    /// As it was written, without space around it.
    public let description: String
    private let label: AlertLabels.Name
    private let test: Test

    /// - Parameter text: At most 600 characters.
    /// - Throws: `.invalidMatcher`, which quotes it and says what is allowed.
    public init(_ text: String) throws(NotificationConfigurationError) {
        let text = Self.trimmed(text[...])
        guard text.unicodeScalars.count <= 600 else { throw Self.error(text, "has more than 600 characters") }
        guard let start = text.firstIndex(where: { !($0.isASCII && $0.isLetter) && $0 != "_" }) else {
            throw Self.error(text, "has no operator")
        }
        let name = text[..<start]
        guard let label = AlertLabels.Name(rawValue: String(name)) else {
            let known = AlertLabels.Name.allCases.map(\.rawValue).joined(separator: ", ")
            throw Self.error(text, "names no label; the labels are \(known)")
        }
        let rest = Self.trimmed(text[start...])
        guard let sign = [">=", "=~", "!~", "!=", "="].first(where: { rest.hasPrefix($0) }) else {
            throw Self.error(text, "has no operator; the operators are =, !=, =~, !~ and, for severity, >=")
        }
        let value = try Self.value(Self.trimmed(rest.dropFirst(sign.count)), of: text)
        if label == .severity, ["=", "!="].contains(sign), !value.isEmpty, Severity(rawValue: value) == nil {
            throw Self.error(text, "names no severity; they are low, medium, high and critical")
        }
        self.label = label
        description = String(text)
        switch sign {
        case "=": test = .equal(value)
        case "!=": test = .notEqual(value)
        case "=~": test = .matching(try Self.pattern(value, of: text))
        case "!~": test = .notMatching(try Self.pattern(value, of: text))
        default:
            guard label == .severity else { throw Self.error(text, "compares; only severity can be compared") }
            guard let severity = Severity(rawValue: value) else {
                throw Self.error(text, "names no severity; they are low, medium, high and critical")
            }
            test = .atLeast(severity)
        }
    }

    func matches(_ labels: AlertLabels) -> Bool {
        switch test {
        case .equal(let value): labels[label] == value
        case .notEqual(let value): labels[label] != value
        case .matching(let pattern): pattern.matches(labels[label])
        case .notMatching(let pattern): !pattern.matches(labels[label])
        case .atLeast(let least): labels.severity.map { $0 >= least } ?? false
        }
    }

    /// The value without its quotes.
    private static func value(_ text: Substring, of matcher: Substring) throws(NotificationConfigurationError) -> String {
        guard text.first == "\"" else {
            guard !text.contains("\"") else { throw error(matcher, "has a quote in the middle of its value") }
            return String(text)
        }
        var value = ""
        var rest = text.dropFirst()
        while let character = rest.popFirst() {
            switch character {
            case "\"":
                guard rest.isEmpty else { throw error(matcher, "goes on after its closing quote") }
                return value
            case "\\" where rest.first == "\"" || rest.first == "\\":
                value.append(rest.removeFirst())
            default:
                value.append(character)
            }
        }
        throw error(matcher, "has no closing quote")
    }

    private static func pattern(_ value: String, of matcher: Substring) throws(NotificationConfigurationError) -> Pattern {
        do {
            return try Pattern(value)
        } catch {
            throw self.error(matcher, "has a regular expression that \(error.message)")
        }
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text.drop { $0.isWhitespace }
        while text.last?.isWhitespace == true { text.removeLast() }
        return text
    }

    private static func error(_ matcher: Substring, _ why: String) -> NotificationConfigurationError {
        NotificationConfigurationError(.invalidMatcher, "matcher '\(matcher.prefix(120))' \(why)")
    }
}
