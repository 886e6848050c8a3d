/// Reads a pattern by recursive descent; groups go at most 20 deep.
struct PatternParser {
    private let scalars: [Unicode.Scalar]
    private var position = 0
    private var depth = 0
    /// `(?i)` and `(?s)`, to the end of the group that they stand in.
    private var foldsCase = false
    private var coversLineFeed = false

    init(_ source: String) {
        scalars = Array(source.unicodeScalars)
    }

    mutating func parse() throws(PatternError) -> PatternTree {
        let tree = try alternatives()
        if position < scalars.count { throw PatternError("has a ')' without its '('") }
        return tree
    }

    private var peek: Unicode.Scalar? { position < scalars.count ? scalars[position] : nil }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard peek == scalar else { return false }
        position += 1
        return true
    }

    private mutating func alternatives() throws(PatternError) -> PatternTree {
        var branches = [try sequence()]
        while take("|") { branches.append(try sequence()) }
        return branches.count == 1 ? branches[0] : .either(branches)
    }

    private mutating func sequence() throws(PatternError) -> PatternTree {
        var parts: [PatternTree] = []
        if depth == 0 { _ = take("^") }
        while let scalar = peek, scalar != "|", scalar != ")" {
            if scalar == "$", depth == 0, position == scalars.count - 1 || scalars[position + 1] == "|" {
                position += 1
                break
            }
            parts.append(try quantified())
        }
        return parts.isEmpty ? .empty : .sequence(parts)
    }

    private mutating func quantified() throws(PatternError) -> PatternTree {
        let tree = try atom()
        guard let (least, most) = try quantifier() else { return tree }
        // The lazy form of the same: it changes which match is found first, and a whole match is but one.
        _ = take("?")
        guard try quantifier() == nil else { throw PatternError("has a repetition of a repetition; a group may be repeated: (…)*") }
        return .repeated(tree, least: least, most: most)
    }

    private mutating func quantifier() throws(PatternError) -> (least: Int, most: Int?)? {
        if take("*") { return (0, nil) }
        if take("+") { return (1, nil) }
        if take("?") { return (0, 1) }
        return take("{") ? try bounds() : nil
    }

    private mutating func bounds() throws(PatternError) -> (Int, Int?) {
        guard let least = number() else { throw PatternError("has a '{' that begins no repetition") }
        var most: Int? = least
        if take(",") { most = number() }
        guard take("}"), least <= 1000, most ?? 0 <= 1000, most ?? least >= least else {
            throw PatternError("has a repetition that is not {n}, {n,} or {n,m} up to 1000")
        }
        return (least, most)
    }

    private mutating func number() -> Int? {
        var digits = ""
        while let scalar = peek, ("0"..."9").contains(scalar), digits.count < 4 {
            digits.unicodeScalars.append(scalar)
            position += 1
        }
        return Int(digits)
    }

    private mutating func atom() throws(PatternError) -> PatternTree {
        let scalar = scalars[position]
        position += 1
        switch scalar {
        case "(": return try group()
        case "[": return .set(folded(try bracket()))
        case ".": return .set(coversLineFeed ? .anyWithLineFeed : .any)
        case "\\": return .set(folded(try escape()))
        case "*", "+", "?", "{": throw PatternError("has a '\(scalar)' with nothing to repeat")
        case "^", "$": throw PatternError("has a '\(scalar)' in its middle; it always matches the whole value")
        default: return .set(folded(.one(scalar)))
        }
    }

    private func folded(_ set: ScalarSet) -> ScalarSet { foldsCase ? set.foldingCase : set }

    private mutating func group() throws(PatternError) -> PatternTree {
        let outside = (foldsCase, coversLineFeed)
        if take("?") {
            switch try prefix() {
            case .flagsAlone: return .empty
            case .group: break
            }
        }
        depth += 1
        guard depth <= 20 else { throw PatternError("has groups more than 20 deep") }
        let tree = try alternatives()
        guard take(")") else { throw PatternError("has a '(' without its ')'") }
        depth -= 1
        (foldsCase, coversLineFeed) = outside
        return tree
    }

    private enum Prefix {
        case group
        /// `(?i)`: there is nothing in it, and it holds for what follows.
        case flagsAlone
    }

    /// What stands between `(?` and the group's own: `:`, `P<name>`, `<name>`, or flags and `:` or `)`.
    private mutating func prefix() throws(PatternError) -> Prefix {
        let start = position
        _ = take("P")
        if take("<") {
            while let scalar = peek, scalar.isASCII, scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) || scalar == "_" {
                position += 1
            }
            guard take(">") else { throw PatternError("has a group whose name is not written in letters, digits and '_' in < and >") }
            return .group
        }
        position = start
        while let scalar = peek, scalar == "i" || scalar == "s" {
            position += 1
            if scalar == "i" { foldsCase = true } else { coversLineFeed = true }
        }
        if take(":") { return .group }
        if position > start, take(")") { return .flagsAlone }
        throw PatternError("has a group other than (…), (?:…), (?P<name>…) and the flags (?i) and (?s)")
    }

    private mutating func escape() throws(PatternError) -> ScalarSet {
        guard let scalar = peek else { throw PatternError("ends in a backslash") }
        position += 1
        switch scalar {
        case "d", "D": return ScalarSet(ranges: [48...57], isNegated: scalar == "D")
        case "w", "W": return ScalarSet(ranges: [48...57, 65...90, 95...95, 97...122], isNegated: scalar == "W")
        case "s", "S": return ScalarSet(ranges: [9...13, 32...32], isNegated: scalar == "S")
        case "n": return .one("\n")
        case "t": return .one("\t")
        default:
            guard scalar.isASCII, !scalar.properties.isAlphabetic, !("0"..."9").contains(scalar) else {
                throw PatternError("has the unknown escape '\\\(scalar)'")
            }
            return .one(scalar)
        }
    }

    /// `[:alpha:]` in a class.
    private mutating func namedClass() throws(PatternError) -> ScalarSet {
        var name = ""
        var place = position + 2
        while place < scalars.count, scalars[place].isASCII, scalars[place].properties.isAlphabetic, name.count < 10 {
            name.unicodeScalars.append(scalars[place])
            place += 1
        }
        guard place + 1 < scalars.count, scalars[position + 1] == ":", scalars[place] == ":", scalars[place + 1] == "]",
            let named = ScalarSet.named(name)
        else { throw PatternError("has a class with a name that there is none of; one is [[:alpha:]]") }
        position = place + 2
        return named
    }

    private mutating func bracket() throws(PatternError) -> ScalarSet {
        var set = ScalarSet(ranges: [])
        set.isNegated = take("^")
        var isFirst = true
        while let scalar = peek, isFirst || scalar != "]" {
            isFirst = false
            if scalar == "[", position + 1 < scalars.count, [":", ".", "="].contains(scalars[position + 1]) {
                set.ranges += try namedClass().ranges
                continue
            }
            position += 1
            let low = scalar == "\\" ? try escape() : .one(scalar)
            guard !low.isNegated else { throw PatternError("has an opposite class inside a class") }
            if low.ranges.count == 1, low.ranges[0].count == 1, peek == "-", position + 1 < scalars.count, scalars[position + 1] != "]" {
                position += 1
                let end = scalars[position]
                position += 1
                let high = end == "\\" ? try escape() : .one(end)
                guard high.ranges.count == 1, high.ranges[0].count == 1, high.ranges[0].lowerBound >= low.ranges[0].lowerBound else {
                    throw PatternError("has a range in a class that runs backwards")
                }
                set.ranges.append(low.ranges[0].lowerBound...high.ranges[0].lowerBound)
            } else {
                set.ranges += low.ranges
            }
        }
        guard take("]") else { throw PatternError("has a '[' without its ']'") }
        return set
    }
}
