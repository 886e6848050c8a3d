/// A regular expression that must match the whole text, in time proportional to pattern × text whatever either holds.
///
/// The syntax is the common part of RE2's: literals, `.`, classes (`[a-z]`, `[^0-9]`, `[[:alpha:]]`, `\d \w \s` and their opposites),
/// groups `(…)`, `(?:…)` and `(?P<name>…)`, the flags `(?i)` and `(?s)`, `|`, `*`, `+`, `?`, `{n}`, `{n,}`, `{n,m}` up to 1000, and escaped
/// punctuation. `^` at the beginning and `$` at the end, of each alternative too, are allowed and mean nothing more; so does a `?` after a
/// repetition, since a whole match is the same whether it was found lazily or not. There are no back references.
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

    /// One instruction: take a scalar, or go on in one or two places.
    enum Step: Sendable, Hashable {
        case take(ScalarSet)
        case split(Int, Int)
        case jump(Int)
        case match
    }

    /// Whether the pattern covers all of `text`, of which at most 4,096 scalars are looked at, as many as a label holds.
    func matches(_ text: String) -> Bool {
        var current = StateSet(count: program.count)
        var next = StateSet(count: program.count)
        add(0, to: &current)
        for scalar in text.unicodeScalars.prefix(4096) {
            next.empty()
            for state in current.members {
                if case .take(let set) = program[state], set.contains(scalar) { add(state + 1, to: &next) }
            }
            if next.members.isEmpty { return false }
            swap(&current, &next)
        }
        return current.members.contains { program[$0] == .match }
    }

    /// Adds a state and whatever is reached from it without taking a scalar.
    private func add(_ first: Int, to states: inout StateSet) {
        var waiting = [first]
        while let state = waiting.popLast() {
            guard states.insert(state) else { continue }
            switch program[state] {
            case .jump(let target): waiting.append(target)
            case .split(let left, let right): waiting += [right, left]
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
