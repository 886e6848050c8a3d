/// Scalars by ranges, or all but those.
struct ScalarSet: Sendable, Hashable {
    var ranges: [ClosedRange<UInt32>]
    var isNegated = false

    static func one(_ scalar: Unicode.Scalar) -> ScalarSet { ScalarSet(ranges: [scalar.value...scalar.value]) }
    static let any = ScalarSet(ranges: [10...10], isNegated: true)
    static let anyWithLineFeed = ScalarSet(ranges: [], isNegated: true)

    /// A class with a name, as `[:alpha:]`: ASCII, as in RE2. nil: there is none of that name.
    static func named(_ name: String) -> ScalarSet? {
        let ranges: [ClosedRange<UInt32>]? =
            switch name {
            case "alnum": [48...57, 65...90, 97...122]
            case "alpha": [65...90, 97...122]
            case "ascii": [0...127]
            case "blank": [9...9, 32...32]
            case "cntrl": [0...31, 127...127]
            case "digit": [48...57]
            case "graph": [33...126]
            case "lower": [97...122]
            case "print": [32...126]
            case "punct": [33...47, 58...64, 91...96, 123...126]
            case "space": [9...13, 32...32]
            case "upper": [65...90]
            case "word": [48...57, 65...90, 95...95, 97...122]
            case "xdigit": [48...57, 65...70, 97...102]
            default: nil
            }
        return ranges.map { ScalarSet(ranges: $0) }
    }

    /// The one that it is alone of; nil: there are more, or none.
    var single: UInt32? { !isNegated && ranges.count == 1 && ranges[0].count == 1 ? ranges[0].lowerBound : nil }

    /// As ranges alone, of which there are at most one more where it is negated: what a class can be made of.
    var plainRanges: [ClosedRange<UInt32>] {
        guard isNegated else { return ranges }
        var rest: [ClosedRange<UInt32>] = []
        var next: UInt32 = 0
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if range.lowerBound > next { rest.append(next...range.lowerBound - 1) }
            next = max(next, range.upperBound + 1)
        }
        return next <= 0x10FFFF ? rest + [next...0x10FFFF] : rest
    }

    /// With the other case of each letter.
    var foldingCase: ScalarSet {
        var folded = self
        for range in ranges where range.count <= 2000 {
            for value in range {
                guard let properties = Unicode.Scalar(value)?.properties else { continue }
                for text in [properties.lowercaseMapping, properties.uppercaseMapping] {
                    let other = text.unicodeScalars
                    if other.count == 1, let scalar = other.first, !range.contains(scalar.value) {
                        folded.ranges.append(scalar.value...scalar.value)
                    }
                }
            }
        }
        return folded
    }

    func contains(_ scalar: Unicode.Scalar) -> Bool {
        ranges.contains { $0.contains(scalar.value) } != isNegated
    }
}
