/// `${NAME}` and `${NAME:-default}` inside a value of the file.
enum EnvironmentReference {
    /// What became of a text.
    enum Expansion: Hashable {
        case text(String)
        /// A variable without default is not set or empty; `whole` where the text is nothing but it.
        case unset(String, whole: Bool)
        /// A `${` that is neither form.
        case malformed
    }

    /// Replaces every reference. `$${` stands for the characters `${`, and any other `$` for itself. What a variable holds is
    /// taken as it is: neither replaced again nor read as YAML.
    static func expand(_ text: String, environment: [String: String]) -> Expansion {
        var result = ""
        var rest = Substring(text)
        while let dollar = rest.firstRange(of: "${") {
            result += rest[..<dollar.lowerBound]
            if result.hasSuffix("$") {
                result.removeLast()
                result += "${"
                rest = rest[dollar.upperBound...]
                continue
            }
            guard let match = rest[dollar.lowerBound...].prefixMatch(of: /\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/) else {
                return .malformed
            }
            let name = String(match.output.1)
            let value = environment[name].flatMap { $0.isEmpty ? nil : $0 } ?? match.output.2.map(String.init)
            guard let value else { return .unset(name, whole: match.output.0.count == text.count) }
            result += value
            rest = rest[match.range.upperBound...]
        }
        return .text(result + rest)
    }
}
