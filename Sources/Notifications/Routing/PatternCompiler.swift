/// Turns a tree into steps; at most 1,000 of them.
struct PatternCompiler {
    private(set) var steps: [Pattern.Step] = []
    /// Parts of the tree that were looked at, each as often as it is repeated: what is empty makes no steps, however often.
    private var visits = 0

    mutating func emit(_ tree: PatternTree) throws(PatternError) {
        visits += 1
        guard steps.count < 1000, visits <= 4000 else { throw PatternError("repeats too much") }
        switch tree {
        case .empty:
            break
        case .set(let set):
            steps.append(.take(set))
        case .sequence(let parts):
            for part in parts { try emit(part) }
        case .either(let branches):
            try emit(branches[...])
        case .repeated(let part, let least, let most):
            for _ in 0..<least { try emit(part) }
            if let most {
                for _ in 0..<(most - least) { try optional(part) }
            } else {
                let start = steps.count
                steps.append(.match)
                try emit(part)
                steps.append(.jump(start))
                steps[start] = .split(start + 1, steps.count)
            }
        }
    }

    private mutating func optional(_ part: PatternTree) throws(PatternError) {
        let start = steps.count
        steps.append(.match)
        try emit(part)
        steps[start] = .split(start + 1, steps.count)
    }

    private mutating func emit(_ branches: ArraySlice<PatternTree>) throws(PatternError) {
        guard let first = branches.first else { return }
        guard branches.count > 1 else { return try emit(first) }
        let start = steps.count
        steps.append(.match)
        try emit(first)
        let end = steps.count
        steps.append(.match)
        steps[start] = .split(start + 1, steps.count)
        try emit(branches.dropFirst())
        steps[end] = .jump(steps.count)
    }
}
