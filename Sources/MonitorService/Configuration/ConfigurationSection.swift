/// A map of the configuration while it is read: asks for keys by name, and knows at the end which were never asked for.
final class ConfigurationSection {
    /// The key of the section, with a dot or an index for each step down; empty for the whole.
    let path: String

    private let source: ConfigurationSource
    private let node: ConfigurationNode?
    private let isInList: Bool
    private var asked: [String] = []

    init(source: ConfigurationSource, path: String, node: ConfigurationNode?, isInList: Bool) {
        self.source = source
        self.path = path
        self.node = node
        self.isInList = isInList
    }

    /// Reads a value; where it is absent or faulty the target keeps what it has.
    func read<Value>(_ key: String, _ value: ConfigurationValue<Value>, into target: inout Value) {
        if let found = single(key, value, isRequired: false) { target = found }
    }

    /// Reads a value that may be absent.
    func read<Value>(_ key: String, _ value: ConfigurationValue<Value>, into target: inout Value?) {
        if let found = single(key, value, isRequired: false) { target = found }
    }

    /// Reads a value that must be there; nil where it is not, which is reported.
    func required<Value>(_ key: String, _ value: ConfigurationValue<Value>) -> Value? {
        single(key, value, isRequired: true)
    }

    /// Reads a value that may be absent, but not by an environment variable that was forgotten.
    func optional<Value>(_ key: String, _ value: ConfigurationValue<Value>) -> Value? {
        if case .unset(let variable) = source.text(lookUp(key), key: name(key)) {
            source.reportUnset(variable, lookUp(key) ?? node, key: name(key))
            return nil
        }
        return single(key, value, isRequired: false)
    }

    /// Reads a list of single values; one value alone is a list of one, and a variable may separate them by commas.
    func list<Value>(_ key: String, _ value: ConfigurationValue<Value>) -> [Value]? {
        guard let items = nodes(key) else { return nil }
        return items.enumerated().compactMap { parse($0.element, key: "\(name(key))[\($0.offset)]", value, isRequired: true) }
    }

    /// Reads a list that may be absent, but not by an environment variable that was forgotten.
    func optionalList<Value>(_ key: String, _ value: ConfigurationValue<Value>) -> [Value]? {
        if let found = lookUp(key), case .scalar = found.content, case .unset(let variable) = source.text(found, key: name(key)) {
            source.reportUnset(variable, found, key: name(key))
            return nil
        }
        return list(key, value)
    }

    /// Reads names of receivers, each of which must be declared somewhere.
    func receiverNames(_ key: String) -> [String]? {
        for (index, item) in (nodes(key) ?? []).enumerated() { source.noteReceiver(item, key: "\(name(key))[\(index)]") }
        return optionalList(key, .receiverName)
    }

    /// Reads the name of a receiver, which may be absent, but must be declared somewhere.
    func receiverName(_ key: String) -> String? {
        if let found = lookUp(key) { source.noteReceiver(found, key: name(key)) }
        return optional(key, .receiverName)
    }

    /// Reads the name that this section declares a receiver by.
    func declaredReceiver(_ key: String) -> String? {
        guard let declared = required(key, .receiverName) else { return nil }
        if !source.declareReceiver(declared) { problem(key, "another receiver is called \(declared) already") }
        return declared
    }

    /// Notes a receiver that is made without being written.
    func declareReceiver(named name: String) {
        _ = source.declareReceiver(name)
    }

    /// Reports names that no receiver has. Asked for at the end.
    func checkReceiverNames() {
        source.checkReceiverNames()
    }

    /// Reads a list of maps, each by `body`; nil where the key is absent.
    func sections<Item>(_ key: String, _ body: (ConfigurationSection) -> Item?) -> [Item]? {
        guard let items = nodes(key) else { return nil }
        return items.enumerated().compactMap { index, item in
            visit(ConfigurationSection(source: source, path: "\(name(key))[\(index)]", node: item, isInList: true), body)
        }
    }

    /// Reads a map, which may be absent: what is in the environment counts all the same.
    func section<Result>(_ key: String, _ body: (ConfigurationSection) -> Result) -> Result {
        if !asked.contains(key) { asked.append(key) }
        source.markKnown(name(key))
        return visit(ConfigurationSection(source: source, path: name(key), node: node?[key], isInList: isInList), body)
    }

    /// Whether the key is there and is a single value rather than a map.
    func isSingle(_ key: String) -> Bool {
        if !isInList, source.outsideValue(name(key)) != nil { return true }
        if case .scalar = node?[key]?.content { return true }
        return false
    }

    /// Whether the key is there at all.
    func has(_ key: String) -> Bool {
        switch lookUp(key)?.content {
        case nil, .absent: false
        default: true
        }
    }

    /// Whether the key is there with a list of nothing.
    func isEmptyList(_ key: String) -> Bool {
        nodes(key)?.isEmpty ?? false
    }

    /// Reports a problem where the key stands, or where the section does.
    func problem(_ key: String, _ message: String, isOfSurroundings: Bool = false) {
        source.report(lookUp(key) ?? node, key: name(key), message, isOfSurroundings: isOfSurroundings)
    }

    /// Reports a problem of an environment variable.
    func problem(ofVariable variable: String, _ key: String, _ message: String) {
        source.report(ConfigurationNode(content: .absent, origin: .environment(variable)), key: name(key), message)
    }

    /// Says something that stops nothing.
    func warning(_ key: String, _ message: String) {
        source.warn(lookUp(key) ?? node, key: name(key), message)
    }

    /// Reads with `body` and reports what it did not ask for.
    func visit<Result>(_ section: ConfigurationSection, _ body: (ConfigurationSection) -> Result) -> Result {
        let result = body(section)
        section.finish()
        return result
    }

    /// Reports the keys that were never asked for.
    func finish() {
        switch node?.content {
        case nil, .absent: return
        case .map(let entries):
            for entry in entries where !asked.contains(entry.key) {
                source.noteUnknown(entry, path: name(entry.key), siblings: asked)
            }
        case .list, .scalar, .unset:
            source.report(node, key: path, "must hold keys: \(asked.joined(separator: ", "))")
        }
    }

    private func name(_ key: String) -> String {
        path.isEmpty ? key : "\(path).\(key)"
    }

    private func lookUp(_ key: String) -> ConfigurationNode? {
        if !asked.contains(key) { asked.append(key) }
        source.markKnown(name(key))
        if !isInList, let outside = source.outsideValue(name(key)) { return outside }
        return node?[key]
    }

    private func single<Value>(_ key: String, _ value: ConfigurationValue<Value>, isRequired: Bool) -> Value? {
        guard let found = lookUp(key) else {
            if isRequired { problem(key, "is missing: \(value.allowed)") }
            return nil
        }
        return parse(found, key: name(key), value, isRequired: isRequired)
    }

    private func parse<Value>(_ node: ConfigurationNode, key: String, _ value: ConfigurationValue<Value>, isRequired: Bool) -> Value? {
        let text: String
        switch source.text(node, key: key) {
        case .faulty: return nil
        case .absent:
            if isRequired { source.report(node, key: key, "is empty: must be \(value.allowed)") }
            return nil
        case .unset(let variable):
            if isRequired { source.reportUnset(variable, node, key: key) }
            return nil
        case .given(let given): text = given
        }
        if value.isSecret {
            guard let secret = source.secret(text, node: node, key: key) else { return nil }
            if let result = value.parse(secret) { return result }
            source.report(node, key: key, "must be \(value.allowed)")
            return nil
        }
        if let result = value.parse(text) { return result }
        source.report(node, key: key, value.complaint?(text) ?? "must be \(value.allowed), not \(shown(node))")
        return nil
    }

    /// A value as it was written, before variables were put in, and not more than a line of it.
    private func shown(_ node: ConfigurationNode) -> String {
        guard case .scalar(let raw) = node.content else { return "this" }
        let plain = raw.replacing(/\s+/, with: " ")
        return "\"\(plain.prefix(60))\(plain.count > 60 ? "…" : "")\""
    }

    private func nodes(_ key: String) -> [ConfigurationNode]? {
        guard let found = lookUp(key) else { return nil }
        switch found.content {
        case .absent, .unset: return nil
        case .list(let items): return items
        case .map: return [found]
        case .scalar(let text):
            if case .file = found.origin {
                guard case .unset = source.text(found, key: name(key)) else { return [found] }
                return nil
            }
            let trimmed = text.drop(while: \.isWhitespace)
            guard trimmed.hasPrefix("[") || trimmed.hasPrefix("{") || trimmed.hasPrefix("- ") else {
                return text.split(separator: ",").map { part in
                    let item = String(part.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
                    return ConfigurationNode(content: .scalar(item), origin: found.origin)
                }
            }
            guard let parsed = ConfigurationFile.parseValue(text, origin: found.origin) else {
                source.report(found, key: name(key), "must be a list in YAML or JSON")
                return nil
            }
            if case .list(let items) = parsed.content { return items }
            return [parsed]
        }
    }
}
