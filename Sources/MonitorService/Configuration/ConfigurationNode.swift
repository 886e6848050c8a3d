/// A piece of configuration as it was written, with the place it was written at.
///
/// File, environment and command line all become this tree, so that one decoder reads them and every message can say
/// where the fault stands.
struct ConfigurationNode: Sendable, Hashable {
    /// Where a value stands.
    enum Origin: Sendable, Hashable {
        /// In the configuration file, on this line (from 1).
        case file(line: Int)
        /// In an environment variable.
        case environment(String)
        /// Given on the command line.
        case override
    }

    /// A key and what it holds.
    struct Entry: Sendable, Hashable {
        var key: String
        /// Where the key stands.
        var origin: Origin
        var value: ConfigurationNode
    }

    /// What can stand there.
    enum Content: Sendable, Hashable {
        /// Nothing: an empty value or `null`.
        case absent
        /// The environment variable that would have given the value is not set.
        case unset(variable: String)
        /// Any single value; quoting makes no difference but to `null`.
        case scalar(String)
        case list([ConfigurationNode])
        case map([Entry])
    }

    var content: Content
    var origin: Origin

    /// The value of a key; nil where this is no map or has no such key.
    subscript(key: String) -> ConfigurationNode? {
        guard case .map(let entries) = content else { return nil }
        return entries.first { $0.key == key }?.value
    }

}
