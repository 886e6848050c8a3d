/// One thing that is wrong with the configuration, for a person who is to put it right. Never holds a secret.
public struct ConfigurationProblem: Sendable, Hashable {
    /// File and line (`monitor.yaml:12`), the environment variable, `command line`; nil where nothing was written at all.
    public var place: String?

    /// The key it concerns, such as `receivers[0].url`; empty for the file as a whole.
    public var key: String

    /// What is wrong and what is allowed.
    public var message: String

    /// The nearest known key, for an unknown one.
    public var suggestion: String?

    /// Whether it is no fault of the configuration: this process has no such variable, or may not read the file of a
    /// secret, or has no tokens to listen with.
    public var isOfSurroundings: Bool

    /// Describes a problem.
    public init(place: String? = nil, key: String, message: String, suggestion: String? = nil, isOfSurroundings: Bool = false) {
        self.place = place
        self.key = key
        self.message = message
        self.suggestion = suggestion
        self.isOfSurroundings = isOfSurroundings
    }
}

extension ConfigurationProblem: CustomStringConvertible {
    /// One line: place, key, message, suggestion.
    public var description: String {
        let parts = [place, key.isEmpty ? nil : key, message].compactMap { $0 }
        return parts.joined(separator: ": ") + (suggestion.map { "; did you mean \($0)?" } ?? "")
    }
}
