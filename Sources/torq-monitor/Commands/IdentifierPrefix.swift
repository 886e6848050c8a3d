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

    private static func identifier(_ digits: String, _ rest: Character) -> UUID? {
        var text = digits.padding(toLength: 32, withPad: String(rest), startingAt: 0)
        for place in [20, 16, 12, 8] { text.insert("-", at: text.index(text.startIndex, offsetBy: place)) }
        return UUID(uuidString: text)
    }
}
