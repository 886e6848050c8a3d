/// A regular expression that must match the whole text, in time proportional to pattern × text whatever either holds.
///
/// The syntax is RE2's, without `\b`, `\B`, `\C` and `\p`: literals, `.`, classes (`[a-z]`, `[^0-9]`, `[[:alpha:]]`, `\d \w \s` and their
/// opposites), groups `(…)`, `(?:…)` and `(?P<name>…)`, the flags `i`, `m`, `s` and `U`, `|`, `*`, `+`, `?`, `{n}`, `{n,}`, `{n,m}` up to
/// 1000, escapes, `\Q…\E`, and the anchors `^`, `$`, `\A`, `\z`. A `?` after a repetition means nothing, nor does `U`, since a whole match
/// is the same whether it was found lazily or not. There are no back references.
struct Pattern: Sendable, Hashable {
    /// As it was written.
    let source: String
    private let program: [Step]

    /// - Parameter source: At most 4,000 characters.
    /// - Throws: A `PatternError` that says what is wrong.
    init(_ source: String) throws(PatternError) {
        guard source.unicodeScalars.count <= 4000 else { throw PatternError("is longer than 4000 characters") }
        var parser = PatternParser(source)
        let tree = try parser.parse()
        var compiler = PatternCompiler()
        try compiler.emit(tree)
        self.source = source
        program = compiler.steps + [.match]
    }

    /// One instruction: take a scalar, go on where something holds, or go on in one or two places.
    enum Step: Sendable, Hashable {
        case take(ScalarSet)
        case assert(PatternAssertion)
        case split(Int, Int)
        case jump(Int)
        case match
    }

    /// Whether the pattern covers all of `text`, of which at most 4,096 scalars are looked at, as many as a label holds.
    func matches(_ text: String) -> Bool {
        var current = StateSet(count: program.count)
        var next = StateSet(count: program.count)
        var scalars = text.unicodeScalars.prefix(4096).makeIterator()
        var following = scalars.next()
        add(0, to: &current, after: nil, before: following)
        while let scalar = following {
            following = scalars.next()
            next.empty()
            for state in current.members {
                if case .take(let set) = program[state], set.contains(scalar) {
                    add(state + 1, to: &next, after: scalar, before: following)
                }
            }
            if next.members.isEmpty { return false }
            swap(&current, &next)
        }
        return current.members.contains { program[$0] == .match }
    }

    /// Adds a state and whatever is reached from it, between two scalars, without taking one; nil: the text begins or ends there.
    private func add(_ first: Int, to states: inout StateSet, after: Unicode.Scalar?, before: Unicode.Scalar?) {
        var waiting = [first]
        while let state = waiting.popLast() {
            guard states.insert(state) else { continue }
            switch program[state] {
            case .jump(let target): waiting.append(target)
            case .split(let left, let right): waiting += [right, left]
            case .assert(let assertion):
                let holds =
                    switch assertion {
                    case .textBegins: after == nil
                    case .textEnds: before == nil
                    case .lineBegins: after == nil || after == "\n"
                    case .lineEnds: before == nil || before == "\n"
                    }
                if holds { waiting.append(state + 1) }
            case .take, .match: break
            }
        }
    }

    /// In the order in which they were reached.
    private struct StateSet {
        private(set) var members: [Int] = []
        private var present: [Bool]

        init(count: Int) { present = Array(repeating: false, count: count) }

        mutating func insert(_ state: Int) -> Bool {
            guard !present[state] else { return false }
            present[state] = true
            members.append(state)
            return true
        }

        mutating func empty() {
            for state in members { present[state] = false }
            members.removeAll(keepingCapacity: true)
        }
    }

    static func == (left: Pattern, right: Pattern) -> Bool { left.source == right.source }
    func hash(into hasher: inout Hasher) { hasher.combine(source) }
}
