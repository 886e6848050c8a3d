import Yams

/// Reads the text of a configuration file into a tree.
///
/// swift-configuration's own YAML snapshot knows scalars and lists of scalars, but neither lists of maps (receivers, routes)
/// nor the line a key stands on; so the tree is made here from Yams' nodes.
enum ConfigurationFile {
    /// Deepest nesting that is read; also ends aliases that hold themselves.
    private static let deepest = 20

    /// Aliases of aliases could make gigabytes of a few lines.
    private static let mostNodes = 20_000

    /// Parses YAML; an empty file is an empty map.
    ///
    /// - Throws: what is wrong with the syntax and on which line.
    static func parse(_ text: String, name: String) throws(ConfigurationError) -> ConfigurationNode {
        let root: Node?
        do {
            root = try Parser(yaml: text).singleRoot()
        } catch {
            throw ConfigurationError([problem(error, name: name)])
        }
        guard let root else { return ConfigurationNode(content: .map([]), origin: .file(line: 1)) }
        var budget = mostNodes
        let node = try convert(root, origin: { .file(line: $0) }, name: name, depth: 0, budget: &budget)
        switch node.content {
        case .map: return node
        case .absent: return ConfigurationNode(content: .map([]), origin: .file(line: 1))
        case .list, .scalar, .unset:
            throw ConfigurationError([
                ConfigurationProblem(
                    place: "\(name):1", key: "", message: "the file must hold keys and values, such as `listener: {port: 8080}`")
            ])
        }
    }

    /// Parses the YAML (or JSON) of one value that stands in an environment variable or on the command line.
    static func parseValue(_ text: String, origin: ConfigurationNode.Origin) -> ConfigurationNode? {
        guard let root = try? Parser(yaml: text).singleRoot() else { return nil }
        var budget = mostNodes
        return try? convert(root, origin: { _ in origin }, name: "", depth: 0, budget: &budget)
    }

    private static func convert(
        _ node: Node, origin: (Int) -> ConfigurationNode.Origin, name: String, depth: Int, budget: inout Int
    ) throws(ConfigurationError) -> ConfigurationNode {
        let place = origin(node.mark?.line ?? 1)
        budget -= 1
        guard budget >= 0 else {
            throw ConfigurationError([
                ConfigurationProblem(
                    place: "\(name):\(node.mark?.line ?? 1)", key: "", message: "more than \(mostNodes) values, aliases counted each time")
            ])
        }
        guard depth < deepest else {
            throw ConfigurationError([
                ConfigurationProblem(place: "\(name):\(node.mark?.line ?? 1)", key: "", message: "nested more than \(deepest) deep")
            ])
        }
        switch node {
        case .scalar(let scalar):
            let isNull = scalar.style == .plain && ["", "~", "null", "Null", "NULL"].contains(scalar.string)
            return ConfigurationNode(content: isNull ? .absent : .scalar(scalar.string), origin: place)
        case .sequence(let sequence):
            var items: [ConfigurationNode] = []
            for item in sequence { items.append(try convert(item, origin: origin, name: name, depth: depth + 1, budget: &budget)) }
            return ConfigurationNode(content: .list(items), origin: place)
        case .mapping(let mapping):
            var entries: [ConfigurationNode.Entry] = []
            for (key, value) in mapping {
                let keyPlace = origin(key.mark?.line ?? 1)
                guard let text = key.scalar?.string else {
                    throw ConfigurationError([
                        ConfigurationProblem(
                            place: "\(name):\(key.mark?.line ?? 1)", key: "", message: "a key must be a word, not a list or a map")
                    ])
                }
                let value = try convert(value, origin: origin, name: name, depth: depth + 1, budget: &budget)
                entries.append(ConfigurationNode.Entry(key: text, origin: keyPlace, value: value))
            }
            return ConfigurationNode(content: .map(entries), origin: place)
        case .alias:
            throw ConfigurationError([
                ConfigurationProblem(place: "\(name):\(node.mark?.line ?? 1)", key: "", message: "an alias without its anchor")
            ])
        }
    }

    /// What the parser found. Its own description quotes the line, which may hold a secret: only its words are taken.
    private static func problem(_ error: any Error, name: String) -> ConfigurationProblem {
        switch error as? YamlError {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _), .composer(_, let problem, let mark, _):
            return ConfigurationProblem(place: "\(name):\(mark.line)", key: "", message: "not YAML: \(problem), column \(mark.column)")
        case .duplicatedKeysInMapping(let duplicates, let context):
            return ConfigurationProblem(
                place: "\(name):\(context.mark.line)", key: "", message: "given twice: \(duplicates.sorted().joined(separator: ", "))")
        case .reader(let problem, _, _, _):
            return ConfigurationProblem(place: name, key: "", message: "not YAML: \(problem)")
        case .no, .memory, .writer, .emitter, .representer, .dataCouldNotBeDecoded, nil:
            return ConfigurationProblem(place: name, key: "", message: "not YAML")
        }
    }
}
