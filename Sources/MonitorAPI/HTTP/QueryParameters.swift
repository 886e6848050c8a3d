import Foundation
import Monitoring

/// The parameters of a request: known names alone, each value checked when it is asked for.
struct QueryParameters: Sendable {
    private let values: [String: String]

    /// - Throws: A problem naming the parameters that are allowed.
    init(_ query: String?, allowed: [String]) throws(Problem) {
        let fields: FormFields
        do {
            fields = try FormFields(query ?? "")
        } catch .repeated(let name) {
            throw Problem(.invalidParameter, "The parameter \(name) is given twice.", members: ["parameter": .string(name)])
        } catch {
            throw Problem(.invalidParameter, "The query is not percent-encoded UTF-8 text.")
        }
        if let unknown = fields.values.keys.filter({ !allowed.contains($0) }).min() {
            let name = String(unknown.prefix(100))
            let known = allowed.isEmpty ? "none are" : "\(allowed.joined(separator: ", ")) \(allowed.count == 1 ? "is" : "are")"
            throw Problem(
                .unknownParameter, "There is no parameter \(name) here; \(known) allowed.",
                members: ["parameter": .string(name), "allowed": .array(allowed.map(JSONValue.string))])
        }
        values = fields.values
    }

    /// `24h`, or `1d` to `90d`.
    func window(default text: String = "7d") throws(Problem) -> Window {
        let given = values["window"] ?? text
        guard let window = Window(given) else { throw Self.refusal("window", given, allowed: Window.allowed) }
        return window
    }

    /// One of an enumeration's words; nil where it is absent.
    func choice<Choice: RawRepresentable<String> & CaseIterable>(_ name: String, of type: Choice.Type) throws(Problem) -> Choice? {
        guard let given = values[name] else { return nil }
        guard let choice = Choice(rawValue: given) else {
            throw Self.refusal(name, given, allowed: Self.list(Choice.allCases.map(\.rawValue)))
        }
        return choice
    }

    /// One of an enumeration's words, or another that stands for all of them: nil then.
    func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ name: String, of type: Choice.Type, orAll all: String, default standard: Choice
    ) throws(Problem) -> Choice? {
        guard let given = values[name] else { return standard }
        if given == all { return nil }
        guard let choice = Choice(rawValue: given) else {
            throw Self.refusal(name, given, allowed: Self.list(Choice.allCases.map(\.rawValue) + [all]))
        }
        return choice
    }

    /// A UUID; nil where it is absent.
    func id(_ name: String) throws(Problem) -> UUID? {
        guard let given = values[name] else { return nil }
        guard given.utf8.count == 36, let id = UUID(uuidString: given) else { throw Self.refusal(name, given, allowed: "a UUID") }
        return id
    }

    /// A text as it is; nil where it is absent.
    ///
    /// - Parameter maximum: In characters.
    func text(_ name: String, maximum: Int) throws(Problem) -> String? {
        guard let given = values[name] else { return nil }
        guard !given.isEmpty, given.count <= maximum else {
            throw Self.refusal(name, given, allowed: "a text of 1 to \(maximum) characters")
        }
        return given
    }

    /// A whole number within its range.
    func integer(_ name: String, in range: ClosedRange<Int>, default standard: Int) throws(Problem) -> Int {
        guard let given = values[name] else { return standard }
        guard given.utf8.count <= 9, given.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(given), range.contains(number)
        else {
            throw Self.refusal(name, given, allowed: "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// `true` or `false`, also `1` or `0`.
    func flag(_ name: String) throws(Problem) -> Bool {
        switch values[name] {
        case nil, "false", "0": return false
        case "true", "1": return true
        case .some(let given): throw Self.refusal(name, given, allowed: "true or false")
        }
    }

    /// A date, `YYYY-MM-DD`; nil where it is absent.
    func day(_ name: String) throws(Problem) -> Day? {
        guard let given = values[name] else { return nil }
        guard let day = Day(given), day >= Day(number: 0) else {
            throw Self.refusal(name, given, allowed: "a date, YYYY-MM-DD, from 1970 on")
        }
        return day
    }

    /// Two dates, both included: by default the `days` days up to `today`.
    func days(_ days: Int, until today: Day) throws(Problem) -> ClosedRange<Day> {
        let end = try day("end_date")
        let start = try day("start_date") ?? (end ?? today).advanced(by: 1 - days)
        let last = end ?? max(today, start)
        guard start <= last else {
            throw Problem(
                .invalidParameter, "start_date \(start) lies after end_date \(last).", members: ["parameter": .string("start_date")])
        }
        return start...last
    }

    static func refusal(_ name: String, _ given: String, allowed: String) -> Problem {
        Problem(
            .invalidParameter, "\(name) is \(quoted(given)); allowed is \(allowed).",
            members: ["parameter": .string(name), "allowed": .string(allowed)])
    }

    static func list(_ words: [String]) -> String {
        words.dropLast().joined(separator: ", ") + (words.count > 1 ? " or " : "") + (words.last ?? "")
    }

    private static func quoted(_ text: String) -> String {
        text.isEmpty ? "empty" : "\"\(text.prefix(60))\(text.count > 60 ? "…" : "")\""
    }
}
