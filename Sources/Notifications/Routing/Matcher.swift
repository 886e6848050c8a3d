import Monitoring

/// A condition on one label: `severity>=high`, `model="gpt-4o"`, `agent!=batch`, `alert_type=~"error_spike|fallback_spike"`, and of
/// alerts from elsewhere any label that they have: `team=infra`.
///
/// The severity of an alert from elsewhere is both the word that it came with and what that means here: either may be named. One that came
/// with none has none, but for `>=`, which compares what it is taken for.
///
/// Regular expressions match the whole value. A value may stand in double quotes. With or without them `\"` and `\\` are escaped, and `\n` is
/// a line feed.
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
    /// The label's name.
    public let label: String
    private let test: Test

    /// - Parameter text: At most 8,400 characters: a pattern has 4,000 at most.
    /// - Throws: `.invalidMatcher`, which quotes it and says what is allowed.
    public init(_ text: String) throws(NotificationConfigurationError) {
        let text = Self.trimmed(text[...])
        guard text.unicodeScalars.count <= 8400 else { throw Self.error(text, "has more than 8400 characters") }
        let isOfName = { (character: Character) in character.isASCII && (character.isLetter || character.isNumber) || character == "_" }
        guard let start = text.firstIndex(where: { !isOfName($0) }) else { throw Self.error(text, "has no operator") }
        let label = text[..<start]
        guard let first = label.first, !first.isNumber else {
            throw Self.error(text, "names no label; a label is written in letters, digits and '_'")
        }
        let rest = Self.trimmed(text[start...])
        guard let sign = [">=", "=~", "!~", "!=", "="].first(where: { rest.utf8.starts(with: $0.utf8) }) else {
            throw Self.error(text, "has no operator; the operators are =, !=, =~, !~ and, for severity, >=")
        }
        let value = try Self.value(Self.trimmed(Substring(rest.unicodeScalars.dropFirst(sign.utf8.count))), of: text)
        self.label = String(label)
        description = String(text)
        switch sign {
        case "=": test = .equal(value)
        case "!=": test = .notEqual(value)
        case "=~": test = .matching(try Self.pattern(value, of: text))
        case "!~": test = .notMatching(try Self.pattern(value, of: text))
        default:
            guard label == Self.severity else { throw Self.error(text, "compares; only severity can be compared") }
            guard let severity = Severity(rawValue: value) else {
                throw Self.error(text, "compares with no severity; they are low, medium, high and critical")
            }
            test = .atLeast(severity)
        }
    }

    /// Whether an alert's labels are as it says.
    public func matches(_ labels: AlertLabels) -> Bool {
        switch test {
        case .equal(let value): fits(labels) { $0 == value }
        case .notEqual(let value): !fits(labels) { $0 == value }
        case .matching(let pattern): fits(labels) { pattern.matches($0) }
        case .notMatching(let pattern): !fits(labels) { pattern.matches($0) }
        case .atLeast(let least): labels.severity.map { $0 >= least } ?? false
        }
    }

    /// Whether it asks for a label that is not there, or is empty, or may be: as in Alertmanager what something is not says enough.
    public var matchesEmpty: Bool {
        switch test {
        case .equal(let value): value.isEmpty
        case .matching(let pattern): pattern.matches("")
        case .notEqual, .notMatching, .atLeast: false
        }
    }

    /// The value that the label must have, where it says so; what it does not say is empty.
    public var required: String? {
        if case .equal(let value) = test { value } else { nil }
    }

    /// As Alertmanager's API writes it: a comparison of severities is a pattern of words there.
    public var parts: (value: String, isRegex: Bool, isEqual: Bool) {
        switch test {
        case .equal(let value): (value, false, true)
        case .notEqual(let value): (value, false, false)
        case .matching(let pattern): (pattern.source, true, true)
        case .notMatching(let pattern): (pattern.source, true, false)
        case .atLeast(let least): (Severity.allCases.filter { $0 >= least }.map(\.rawValue).joined(separator: "|"), true, true)
        }
    }

    /// Whether it compares severities.
    var isComparison: Bool {
        if case .atLeast = test { true } else { false }
    }

    /// The value that it names without a pattern, whether the label must have it or must not.
    public var word: String? {
        switch test {
        case .equal(let value), .notEqual(let value): value
        default: nil
        }
    }

    private func fits(_ labels: AlertLabels, _ holds: (String) -> Bool) -> Bool {
        let value = labels[label]
        let isWord = label == Self.severity && labels.foreign != nil && !value.isEmpty
        return holds(value) || isWord && holds(labels[AlertLabels.Name.severity])
    }

    private static let severity = "severity"

    /// The value without its quotes, and without the backslashes that escape something: as in Alertmanager where there are no quotes too.
    private static func value(_ text: Substring, of matcher: Substring) throws(NotificationConfigurationError) -> String {
        // By scalars: a letter that joins the one before it would hide a quote.
        var rest = text.unicodeScalars
        let isQuoted = rest.first == "\""
        if isQuoted { rest.removeFirst() }
        var value = String.UnicodeScalarView()
        while let scalar = rest.popFirst() {
            switch scalar {
            case "\"":
                guard isQuoted else { throw error(matcher, "has a quote in the middle of its value") }
                guard rest.isEmpty else { throw error(matcher, "goes on after its closing quote") }
                return String(value)
            case "\\" where rest.first == "\"" || rest.first == "\\":
                value.append(rest.removeFirst())
            case "\\" where rest.first == "n":
                rest.removeFirst()
                value.append("\n")
            default:
                value.append(scalar)
            }
        }
        guard !isQuoted else { throw error(matcher, "has no closing quote") }
        return String(value)
    }

    private static func pattern(_ value: String, of matcher: Substring) throws(NotificationConfigurationError) -> Pattern {
        do {
            return try Pattern(value)
        } catch {
            throw self.error(matcher, "has a regular expression that \(error.message)")
        }
    }

    /// Without the blanks around it, by scalars: a letter that joins a blank is no part of it.
    static func trimmed(_ text: Substring) -> Substring {
        let isBlank = { (scalar: Unicode.Scalar) in [" ", "\t", "\r", "\n"].contains(scalar) }
        var scalars = text.unicodeScalars.drop(while: isBlank)
        while scalars.last.map(isBlank) == true { scalars.removeLast() }
        return Substring(scalars)
    }

    static func error(_ matcher: Substring, _ why: String) -> NotificationConfigurationError {
        NotificationConfigurationError(.invalidMatcher, "matcher '\(matcher.prefix(120))' \(why)")
    }
}
