/// Turns a tree into steps; at most 5,000 of them, with at most 10,000 ranges, so that the longest label is compared within a tenth of a second.
struct PatternCompiler {
    private(set) var steps: [Pattern.Step] = []
    private var ranges = 0
    /// Parts of the tree that were looked at, each as often as it is repeated: what is empty makes no steps, however often.
    private var visits = 0

    mutating func emit(_ tree: PatternTree) throws(PatternError) {
        visits += 1
        guard steps.count < 5000, ranges <= 10_000, visits <= 20_000 else { throw PatternError("repeats too much") }
        switch tree {
        case .empty:
            break
        case .set(let set):
            ranges += set.ranges.count
            steps.append(.take(set))
        case .assertion(let assertion):
            steps.append(.assert(assertion))
        case .sequence(let parts):
            for part in parts { try emit(part) }
        case .either(let branches):
            try emit(either: branches)
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

    private mutating func emit(either branches: [PatternTree]) throws(PatternError) {
        var ends: [Int] = []
        for branch in branches.dropLast() {
            let start = steps.count
            steps.append(.match)
            try emit(branch)
            ends.append(steps.count)
            steps.append(.match)
            steps[start] = .split(start + 1, steps.count)
        }
        if let last = branches.last { try emit(last) }
        for end in ends { steps[end] = .jump(steps.count) }
    }
}
