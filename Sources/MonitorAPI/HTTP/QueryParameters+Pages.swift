import Foundation

/// What pages and the stream ask for, which have no description whose parameters are checked beforehand.
extension QueryParameters {
    /// One of an enumeration's words; nil where it is absent.
    func choice<Choice: RawRepresentable<String> & CaseIterable>(_ name: String, of type: Choice.Type) throws(Problem) -> Choice? {
        guard let given = values[name] else { return nil }
        guard let choice = Choice(rawValue: given) else {
            throw Self.refusal(name, given, allowed: Self.list(Choice.allCases.map(\.rawValue)))
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
}
