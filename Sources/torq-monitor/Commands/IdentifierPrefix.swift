import Foundation

/// The beginning of a UUID: 4 to 32 hexadecimal digits, with its hyphens or without.
struct IdentifierPrefix: Sendable, Hashable {
    /// All UUIDs that begin so.
    let range: ClosedRange<UUID>

    var isWhole: Bool { range.lowerBound == range.upperBound }

    /// nil: it is the beginning of none.
    init?(_ text: String) {
        let digits = text.filter { $0 != "-" }
        let places = [8, 13, 18, 23]
        guard (4...32).contains(digits.count), digits.allSatisfy({ $0.isASCII && $0.isHexDigit }),
            digits.count == text.count || text.enumerated().allSatisfy({ ($0.element == "-") == places.contains($0.offset) }),
            let low = Self.identifier(digits, "0"), let high = Self.identifier(digits, "f")
        else { return nil }
        range = low...high
    }

    /// The id that begins so, where it is the only one.
    ///
    /// - Parameters:
    ///   - kind: What it is the id of, in the singular.
    ///   - text: The prefix as it was given.
    ///   - find: The ids there are, five at most.
    func only(_ kind: String, _ text: String, among find: (ClosedRange<UUID>) async throws -> [UUID]) async throws -> UUID {
        if isWhole { return range.lowerBound }
        let found = try await find(range)
        guard let first = found.first else { throw CommandFailure(description: "there is no \(kind) whose id begins with \(text)") }
        guard found.count == 1 else {
            let names = found.map { $0.uuidString.lowercased() }.joined(separator: ", ")
            throw CommandFailure(description: "several \(kind)s have ids that begin with \(text): \(names)")
        }
        return first
    }

    private static func identifier(_ digits: String, _ rest: Character) -> UUID? {
        var text = digits.padding(toLength: 32, withPad: String(rest), startingAt: 0)
        for place in [20, 16, 12, 8] { text.insert("-", at: text.index(text.startIndex, offsetBy: place)) }
        return UUID(uuidString: text)
    }
}
