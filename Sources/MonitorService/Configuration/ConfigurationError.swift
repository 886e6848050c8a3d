/// The configuration cannot be used, with everything that is wrong with it.
public struct ConfigurationError: Error, Sendable, Hashable, CustomStringConvertible {
    /// All that was found, in the order of the file, at least one.
    public var problems: [ConfigurationProblem]

    /// Collects problems into an error.
    public init(_ problems: [ConfigurationProblem]) {
        self.problems = problems
    }

    /// One line a problem.
    public var description: String {
        problems.map(\.description).joined(separator: "\n")
    }
}
