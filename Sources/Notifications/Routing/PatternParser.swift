/// Reads a pattern by recursive descent; groups go at most 20 deep.
struct PatternParser {
    private let scalars: [Unicode.Scalar]
    private var position = 0
    private var depth = 0
    /// `(?i)`, `(?s)` and `(?m)`, to the end of the group that they stand in.
    private struct Flags {
        var foldsCase = false
        var coversLineFeed = false
        var isOfLines = false
    }

    private var flags = Flags()

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

    /// Two scalars, the first a backslash.
    private mutating func takeEscape(_ scalar: Unicode.Scalar) -> Bool {
        guard peek == "\\", position + 1 < scalars.count, scalars[position + 1] == scalar else { return false }
        position += 2
        return true
    }

    private mutating func alternatives() throws(PatternError) -> PatternTree {
        var branches = [try sequence()]
        while take("|") { branches.append(try sequence()) }
        return branches.count == 1 ? branches[0] : .either(branches)
    }

    private mutating func sequence() throws(PatternError) -> PatternTree {
        var parts: [PatternTree] = []
        while let scalar = peek, scalar != "|", scalar != ")" {
            if takeEscape("Q") {
                parts += try quotation()
                guard let last = parts.popLast() else { continue }
                parts.append(try quantified(last))
            } else {
                parts.append(try quantified(try atom()))
            }
        }
        return parts.isEmpty ? .empty : .sequence(parts)
    }

    /// What stands between `\Q` and `\E`: all of it itself.
    private mutating func quotation() throws(PatternError) -> [PatternTree] {
        var parts: [PatternTree] = []
        while !takeEscape("E") {
            guard let scalar = peek else { throw PatternError("has a '\\Q' without its '\\E'") }
            parts.append(.set(folded(.one(scalar))))
            position += 1
        }
        return parts
    }

    private mutating func quantified(_ tree: PatternTree) throws(PatternError) -> PatternTree {
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
        return try bounds()
    }

    /// nil, and nothing is read, where what stands there is no repetition: RE2 takes its `{` for itself.
    private mutating func bounds() throws(PatternError) -> (Int, Int?)? {
        let start = position
        guard take("{"), let least = number() else {
            position = start
            return nil
        }
        var most: Int? = least
        if take(",") { most = peek == "}" ? nil : number() ?? -1 }
        guard most != -1, take("}") else {
            position = start
            return nil
        }
        guard least <= 1000, most ?? 0 <= 1000, most ?? least >= least else {
            throw PatternError("has a repetition that is not {n}, {n,} or {n,m} up to 1000")
        }
        return (least, most)
    }

    /// Digits, the first of several not 0; nil where there are none. One that is too large for an Int is the largest.
    private mutating func number() -> Int? {
        var digits = ""
        while let scalar = peek, ("0"..."9").contains(scalar) {
            digits.unicodeScalars.append(scalar)
            position += 1
        }
        if digits.isEmpty || digits.utf8.count > 1 && digits.utf8.first == UInt8(ascii: "0") { return nil }
        return Int(digits) ?? .max
    }

    private mutating func atom() throws(PatternError) -> PatternTree {
        if takeEscape("A") { return .assertion(.textBegins) }
        if takeEscape("z") { return .assertion(.textEnds) }
        if try quantifier() != nil { throw PatternError("has a repetition with nothing to repeat") }
        let scalar = scalars[position]
        position += 1
        switch scalar {
        case "(": return try group()
        case "[": return .set(try bracket())
        case ".": return .set(flags.coversLineFeed ? .anyWithLineFeed : .any)
        case "\\": return .set(folded(try escape()))
        case "^": return .assertion(flags.isOfLines ? .lineBegins : .textBegins)
        case "$": return .assertion(flags.isOfLines ? .lineEnds : .textEnds)
        default: return .set(folded(.one(scalar)))
        }
    }

    private func folded(_ set: ScalarSet) -> ScalarSet { flags.foldsCase ? set.foldingCase : set }

    private mutating func group() throws(PatternError) -> PatternTree {
        let outside = flags
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
        flags = outside
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
        readFlags(true)
        let isFaulty = take("-") && !readFlags(false)
        if !isFaulty, take(":") { return .group }
        if !isFaulty, take(")") { return .flagsAlone }
        throw PatternError("has a group other than (…), (?:…), (?P<name>…) and the flags i, m, s and U")
    }

    /// Whether there were any.
    @discardableResult
    private mutating func readFlags(_ isOn: Bool) -> Bool {
        let start = position
        while let scalar = peek {
            switch scalar {
            case "i": flags.foldsCase = isOn
            case "m": flags.isOfLines = isOn
            case "s": flags.coversLineFeed = isOn
            case "U": break
            default: return position > start
            }
            position += 1
        }
        return position > start
    }

    private mutating func escape() throws(PatternError) -> ScalarSet {
        guard let scalar = peek else { throw PatternError("ends in a backslash") }
        position += 1
        switch scalar {
        case "d", "D": return ScalarSet(ranges: [48...57], isNegated: scalar == "D")
        case "w", "W": return ScalarSet(ranges: [48...57, 65...90, 95...95, 97...122], isNegated: scalar == "W")
        case "s", "S": return ScalarSet(ranges: [9...13, 32...32], isNegated: scalar == "S")
        case "a": return .one("\u{7}")
        case "f": return .one("\u{C}")
        case "n": return .one("\n")
        case "r": return .one("\r")
        case "t": return .one("\t")
        case "v": return .one("\u{B}")
        case "x": return .one(try hexadecimal())
        case "0"..."7":
            position -= 1
            return .one(try octal())
        default:
            guard scalar.isASCII, !scalar.properties.isAlphabetic, !("0"..."9").contains(scalar) else {
                throw PatternError("has the unknown escape '\\\(scalar)'")
            }
            return .one(scalar)
        }
    }

    /// After `\x`: two digits, or any number of them in braces.
    private mutating func hexadecimal() throws(PatternError) -> Unicode.Scalar {
        let isBraced = take("{")
        var (value, count): (UInt32, Int) = (0, 0)
        while let digit = peek.flatMap({ $0.isASCII ? Character($0).hexDigitValue : nil }), isBraced || count < 2, value <= 0x10FFFF {
            value = value * 16 + UInt32(digit)
            count += 1
            position += 1
        }
        guard isBraced ? count > 0 && take("}") : count == 2, let scalar = Unicode.Scalar(value) else {
            throw PatternError("has an escape other than \\x41 and \\x{10FFFF} of a character")
        }
        return scalar
    }

    /// After a backslash: up to three digits. One alone but 0 is a back reference, of which there are none.
    private mutating func octal() throws(PatternError) -> Unicode.Scalar {
        let start = position
        var value: UInt32 = 0
        while let scalar = peek, ("0"..."7").contains(scalar), position < start + 3 {
            value = value * 8 + (scalar.value - 48)
            position += 1
        }
        guard position > start + 1 || value == 0, let scalar = Unicode.Scalar(value) else {
            throw PatternError("has the unknown escape '\\\(scalars[start])'")
        }
        return scalar
    }

    /// `[:alpha:]` in a class, or its opposite, `[:^alpha:]`.
    private mutating func namedClass() throws(PatternError) -> ScalarSet {
        var name = ""
        var place = position + 2
        let isNegated = place < scalars.count && scalars[place] == "^"
        if isNegated { place += 1 }
        while place < scalars.count, scalars[place].isASCII, scalars[place].properties.isAlphabetic, name.count < 10 {
            name.unicodeScalars.append(scalars[place])
            place += 1
        }
        guard place + 1 < scalars.count, scalars[position + 1] == ":", scalars[place] == ":", scalars[place + 1] == "]",
            var named = ScalarSet.named(name)
        else { throw PatternError("has a class with a name that there is none of; one is [[:alpha:]]") }
        position = place + 2
        named.isNegated = isNegated
        return named
    }

    private mutating func bracket() throws(PatternError) -> ScalarSet {
        var set = ScalarSet(ranges: [])
        set.isNegated = take("^")
        var isFirst = true
        while let scalar = peek, isFirst || scalar != "]" {
            isFirst = false
            if scalar == "[", position + 1 < scalars.count, [":", ".", "="].contains(scalars[position + 1]) {
                set.ranges += folded(try namedClass()).plainRanges
                continue
            }
            position += 1
            let low = scalar == "\\" ? try escape() : .one(scalar)
            guard let first = low.single, peek == "-", position + 1 < scalars.count, scalars[position + 1] != "]" else {
                set.ranges += folded(low).plainRanges
                continue
            }
            position += 1
            let end = scalars[position]
            position += 1
            guard let last = (end == "\\" ? try escape() : .one(end)).single, first <= last else {
                throw PatternError("has a range in a class that runs backwards")
            }
            set.ranges += folded(ScalarSet(ranges: [first...last])).ranges
        }
        guard take("]") else { throw PatternError("has a '[' without its ']'") }
        return set
    }
}
