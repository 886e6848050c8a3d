/// What holds at a place in the text, and takes nothing of it.
enum PatternAssertion: Sendable, Hashable {
    case textBegins, textEnds
    /// With `(?m)`: also after and before a line feed.
    case lineBegins, lineEnds
}
