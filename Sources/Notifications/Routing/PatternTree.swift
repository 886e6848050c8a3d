/// A pattern as a tree.
indirect enum PatternTree {
    case empty
    case set(ScalarSet)
    case assertion(PatternAssertion)
    case sequence([PatternTree])
    case either([PatternTree])
    case repeated(PatternTree, least: Int, most: Int?)
}
