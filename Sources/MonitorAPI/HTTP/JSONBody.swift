import Foundation
import Monitoring

/// The object that a request's body is: known fields alone, each value checked when it is asked for. An absent body is `{}`.
struct JSONBody: Sendable {
    private let members: [String: JSONValue]

    /// - Throws: A problem naming the fields that are allowed.
    init(_ bytes: [UInt8], allowed: [String]) throws(Problem) {
        guard bytes.contains(where: { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }) else {
            members = [:]
            return
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

    /// A text without its surrounding spaces; nil where it is absent, null or empty.
    ///
    /// - Parameter multiline: Whether line breaks and tabs may be in it; other control characters never may.
    func text(_ name: String, maximum: Int, multiline: Bool = false) throws(Problem) -> String? {
        guard let value = value(name) else { return nil }
        guard case .string(let text) = value else { throw Self.refusal(name, allowed: "a text") }
        return try PlainText.check(text, maximum: maximum, multiline: multiline).get { Self.refusal(name, allowed: $0) }
    }

    /// One of an enumeration's words; nil where it is absent.
    func choice<Choice: RawRepresentable<String> & CaseIterable>(_ name: String, of type: Choice.Type) throws(Problem) -> Choice? {
        guard let value = value(name) else { return nil }
        guard let choice = value.string.flatMap(Choice.init(rawValue:)) else {
            throw Self.refusal(name, allowed: QueryParameters.list(Choice.allCases.map(\.rawValue)))
        }
        return choice
    }

    /// true or false.
    func flag(_ name: String, default standard: Bool) throws(Problem) -> Bool {
        guard let value = value(name) else { return standard }
        guard case .bool(let flag) = value else { throw Self.refusal(name, allowed: "true or false") }
        return flag
    }

    /// A whole number within its range.
    func integer(_ name: String, in range: ClosedRange<Int>) throws(Problem) -> Int? {
        guard let value = value(name) else { return nil }
        guard let number = value.integer, range.contains(number) else {
            throw Self.refusal(name, allowed: "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// A date, `YYYY-MM-DD`.
    func day(_ name: String) throws(Problem) -> Day? {
        guard let value = value(name) else { return nil }
        guard let day = value.string.flatMap(Day.init) else { throw Self.refusal(name, allowed: "a date, YYYY-MM-DD") }
        return day
    }

    /// An RFC 3339 time.
    func time(_ name: String) throws(Problem) -> Date? {
        guard let value = value(name) else { return nil }
        guard let date = value.string.flatMap(MonitoringJSON.date(fromTimestamp:)) else {
            throw Self.refusal(name, allowed: "a time like 2026-02-21T10:00:00Z")
        }
        return date
    }

    /// Texts, each of at most `maximum` characters.
    func texts(_ name: String, count: ClosedRange<Int>, maximum: Int) throws(Problem) -> [String] {
        let allowed = "\(count.lowerBound) to \(count.upperBound) texts of at most \(maximum) characters"
        guard let elements = value(name)?.array, count.contains(elements.count) else { throw Self.refusal(name, allowed: allowed) }
        var texts: [String] = []
        for element in elements {
            guard let text = element.string, !text.isEmpty, text.count <= maximum, !text.unicodeScalars.contains("\0") else {
                throw Self.refusal(name, allowed: allowed)
            }
            texts.append(text)
        }
        return texts
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
