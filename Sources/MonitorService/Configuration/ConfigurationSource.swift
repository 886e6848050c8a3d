import Configuration

/// What one reading of the configuration draws on, and what it finds wrong.
///
/// Used by one thread, for one reading.
final class ConfigurationSource {
    /// What a value's text is after `${NAME}` has been replaced.
    enum Text {
        case absent
        /// The whole value is `${NAME}` of a variable that is not set.
        case unset(variable: String)
        case given(String)
        /// It cannot be had; the problem is reported already.
        case faulty
    }

    /// What the variables of keys begin with.
    private static let prefix = "TORQ_MONITOR_"

    /// Variables that mean something under a name of their own.
    private static let aliases = ["database.url": "DATABASE_URL"]

    private let fileName: String
    private let environment: [String: String]
    private let overrides: [String: String]
    private let readSecretFile: (String) -> String?
    private let reader: ConfigReader
    /// Whether any variable begins as ours do: most often none does, and none is looked for a hundred times over.
    private let mayBeSet: Bool
    private(set) var problems: [ConfigurationProblem] = []
    private(set) var warnings: [ConfigurationProblem] = []
    /// The files that secrets were to be read from, as they are named.
    private(set) var secretFiles: [String] = []

    /// Every key that was asked for, whether it was there or not: the known ones.
    private var known: Set<String> = []
    private var knownVariables: Set<String> = []
    private var declaredReceivers: [String] = []
    private var namedReceivers: [(node: ConfigurationNode, key: String)] = []
    private var unknown: [(entry: ConfigurationNode.Entry, path: String, siblings: [String])] = []

    init(
        fileName: String, environment: [String: String], overrides: [String: String], readSecretFile: @escaping (String) -> String?
    ) {
        self.fileName = fileName
        self.environment = environment
        self.overrides = overrides
        self.readSecretFile = readSecretFile
        mayBeSet = environment.keys.contains { $0.hasPrefix(Self.prefix) }
        reader = ConfigReader(provider: EnvironmentVariablesProvider(environmentVariables: environment))
    }

    /// The environment variable of a key: `listener.port` is TORQ_MONITOR_LISTENER_PORT.
    static func variable(for path: String) -> String {
        prefix + path.uppercased().replacing(".", with: "_")
    }

    /// What the command line, then the environment, say of a key. An empty variable says nothing.
    func outsideValue(_ path: String) -> ConfigurationNode? {
        let variable = Self.variable(for: path)
        knownVariables.insert(variable)
        if let text = overrides[path] { return ConfigurationNode(content: .scalar(text), origin: .override) }
        if mayBeSet, let text = reader.string(forKey: ConfigKey(["torq", "monitor"] + path.split(separator: ".").map(String.init))),
            !text.isEmpty
        {
            return ConfigurationNode(content: .scalar(text), origin: .environment(variable))
        }
        if let alias = Self.aliases[path], let text = environment[alias], !text.isEmpty {
            return ConfigurationNode(content: .scalar(text), origin: .environment(alias))
        }
        return nil
    }

    /// Notes that a key means something.
    func markKnown(_ path: String) {
        known.insert(path)
    }

    /// Notes a key of the file that nothing asked for; whether another was meant is found at the end.
    func noteUnknown(_ entry: ConfigurationNode.Entry, path: String, siblings: [String]) {
        unknown.append((entry, path, siblings))
    }

    /// The text of a single value, with `${NAME}` replaced where it stands in the file.
    func text(_ node: ConfigurationNode?, key: String) -> Text {
        switch node?.content {
        case nil, .absent: return .absent
        case .unset(let variable): return .unset(variable: variable)
        case .list, .map:
            report(node, key: key, "must be a single value, not a list or a map")
            return .faulty
        case .scalar(let raw):
            guard case .file = node?.origin else { return .given(raw) }
            switch EnvironmentReference.expand(raw, environment: environment) {
            case .text(let text): return .given(text)
            case .unset(let variable, whole: true): return .unset(variable: variable)
            case .unset(let variable, whole: false):
                reportUnset(variable, node, key: key)
                return .faulty
            case .malformed:
                report(node, key: key, "has a ${ that is no ${NAME} or ${NAME:-default}; write $${ for the characters themselves")
                return .faulty
            }
        }
    }

    /// The secret that a text stands for: itself, or the first line of the file it names.
    func secret(_ text: String, node: ConfigurationNode?, key: String) -> String? {
        guard text.hasPrefix("file:") else { return text }
        let path = String(text.dropFirst("file:".count))
        secretFiles.append(path)
        guard let content = readSecretFile(path) else {
            report(node, key: key, "the file \(path) cannot be read", isOfSurroundings: true)
            return nil
        }
        let secret = String(content.prefix { !$0.isNewline })
        if secret.isEmpty { report(node, key: key, "the file \(path) has an empty first line") }
        return secret.isEmpty ? nil : secret
    }

    /// Adds a problem that stands where the node stands.
    func report(_ node: ConfigurationNode?, key: String, _ message: String, isOfSurroundings: Bool = false) {
        problems.append(
            ConfigurationProblem(place: node.map { place($0.origin) }, key: key, message: message, isOfSurroundings: isOfSurroundings))
    }

    /// Reports a value that a variable would have given.
    func reportUnset(_ variable: String, _ node: ConfigurationNode?, key: String) {
        report(node, key: key, "the environment variable \(variable) is not set", isOfSurroundings: true)
    }

    /// Adds something worth saying that stops nothing.
    func warn(_ node: ConfigurationNode?, key: String, _ message: String) {
        warnings.append(ConfigurationProblem(place: node.map { place($0.origin) }, key: key, message: message))
    }

    /// Notes that a receiver of this name is described; false where there is one already.
    func declareReceiver(_ name: String) -> Bool {
        defer { declaredReceivers.append(name) }
        return !declaredReceivers.contains(name)
    }

    /// Notes that something speaks of a receiver.
    func noteReceiver(_ node: ConfigurationNode, key: String) {
        namedReceivers.append((node, key))
    }

    /// Reports every name that no receiver has, one that is described wrongly elsewhere not among them.
    func checkReceiverNames() {
        for (node, key) in namedReceivers {
            guard case .scalar(let raw) = node.content, case .text(let name) = EnvironmentReference.expand(raw, environment: environment),
                !declaredReceivers.contains(name), ConfigurationValue.receiverName.parse(name) != nil
            else { continue }
            let near = NearestKey.find(name, among: declaredReceivers).map { "; did you mean \($0)?" } ?? ""
            let present = declaredReceivers.isEmpty ? "none is described" : "described are \(declaredReceivers.joined(separator: ", "))"
            report(node, key: key, "no receiver is called \(name): \(present)\(near)")
        }
    }

    /// Turns what nothing asked for into problems (in the file) and warnings (in the environment).
    ///
    /// A variable is only warned of: container platforms make ones such as TORQ_MONITOR_SERVICE_HOST on their own.
    func finish() {
        for (entry, path, siblings) in unknown {
            let parent = path.hasSuffix(entry.key) ? String(path.dropLast(entry.key.count)) : ""
            let near = NearestKey.find(entry.key, among: siblings.sorted()).map { parent + $0 }
            let elsewhere = known.sorted().first { $0.split(separator: ".").last.map(String.init) == entry.key && !$0.contains("[") }
            problems.append(
                ConfigurationProblem(place: place(entry.origin), key: path, message: "unknown key", suggestion: elsewhere ?? near))
        }
        for variable in environment.keys.sorted() where variable.hasPrefix("TORQ_MONITOR_") && !knownVariables.contains(variable) {
            guard variable != "TORQ_MONITOR_CONFIG" else { continue }
            let near = NearestKey.find(variable, among: knownVariables.sorted())
            let close = near.flatMap { NearestKey.distance(variable, $0) <= 3 ? $0 : nil }
            warnings.append(
                ConfigurationProblem(place: variable, key: "", message: "an environment variable that nothing reads", suggestion: close))
        }
        problems = sorted(problems)
        warnings = sorted(warnings)
    }

    private func sorted(_ found: [ConfigurationProblem]) -> [ConfigurationProblem] {
        func line(_ problem: ConfigurationProblem) -> Int {
            guard let place = problem.place, place.hasPrefix(fileName + ":") else { return 0 }
            return Int(place.dropFirst(fileName.count + 1)) ?? 0
        }
        let ordered = found.enumerated().sorted { (line($0.element), $0.offset) < (line($1.element), $1.offset) }
        return ordered.map(\.element)
    }

    private func place(_ origin: ConfigurationNode.Origin) -> String {
        switch origin {
        case .file(let line): "\(fileName):\(line)"
        case .environment(let variable): variable
        case .override: "command line"
        }
    }
}
