/// What is wrong with a pattern, as the end of a sentence.
struct PatternError: Error, Hashable {
    let message: String
    init(_ message: String) { self.message = message }
}
