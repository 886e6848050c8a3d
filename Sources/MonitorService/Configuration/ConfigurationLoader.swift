import Foundation

/// Reads the configuration: command line over environment over file over defaults.
///
/// It can be asked again and again: each `load()` reads the file and the files of secrets anew, and nothing is kept where one
/// is faulty.
public struct ConfigurationLoader: Sendable {
    /// Largest file that is read, in bytes.
    private static let largestFile = 1024 * 1024

    /// The file to read; nil reads none.
    public let file: String?

    private let environment: [String: String]
    private let overrides: [String: String]

    /// Says where the configuration comes from.
    ///
    /// - Parameters:
    ///   - file: path of a YAML file; nil takes TORQ_MONITOR_CONFIG, and without it there is none.
    ///   - environment: the variables; nil takes those of this process.
    ///   - overrides: what the command line says, by key: `["database.url": …]`.
    public init(
        file: String? = nil, environment: [String: String]? = nil, overrides: [String: String] = [:]
    ) {
        let environment = environment ?? ProcessInfo.processInfo.environment
        let named = environment["TORQ_MONITOR_CONFIG"].flatMap { $0.isEmpty ? nil : $0 }
        self.file = file ?? named
        self.environment = environment
        self.overrides = overrides
    }

    /// Reads the configuration now.
    ///
    /// - Throws: all that is wrong with it.
    public func load() throws(ConfigurationError) -> LoadedConfiguration {
        try read().result.get()
    }

    /// Reads the configuration for what needs the database alone: a secret of anything else that this process has not is no fault then.
    ///
    /// - Returns: One in which only `database` and `dataDirectory` are to be relied on.
    /// - Throws: All else that is wrong with it.
    public func loadForDatabase() throws(ConfigurationError) -> LoadedConfiguration {
        let reading = read()
        guard case .failure(let error) = reading.result, let partial = reading.partial else { return try reading.result.get() }
        guard error.problems.allSatisfy({ $0.isOfSurroundings && !$0.key.hasPrefix("database.") && $0.key != "data_dir" }) else {
            throw error
        }
        return partial
    }

    /// Reads a configuration from the text of a file.
    ///
    /// - Parameters:
    ///   - text: YAML.
    ///   - name: what messages call the file; `file:` paths are relative to its directory.
    public func load(text: String, name: String) throws(ConfigurationError) -> LoadedConfiguration {
        var files: [String] = []
        return try parse(text: text, name: name, files: &files).result.get()
    }

    /// What came of a reading.
    struct Reading: Sendable {
        var result: Result<LoadedConfiguration, ConfigurationError>
        /// What could be read in spite of its problems; nil where it is no YAML.
        var partial: LoadedConfiguration?
        /// Paths of the files that it depends on, those that could not be read among them.
        var files: [String]
    }

    /// Reads the configuration now, and says which files it depends on.
    func read() -> Reading {
        var files = file.map { [$0] } ?? []
        do throws(ConfigurationError) {
            guard let file else {
                let parsed = try parse(text: "", name: "configuration", files: &files)
                return Reading(result: parsed.result, partial: parsed.partial, files: files)
            }
            guard let text = Self.read(file, atMost: Self.largestFile) else {
                throw ConfigurationError([
                    ConfigurationProblem(place: file, key: "", message: "cannot be read: no such file, no permission, or more than 1 MiB")
                ])
            }
            let parsed = try parse(text: text, name: file, files: &files)
            return Reading(result: parsed.result, partial: parsed.partial, files: files)
        } catch {
            return Reading(result: .failure(error), partial: nil, files: files)
        }
    }

    /// - Throws: Where the text is no YAML of ours.
    private func parse(
        text: String, name: String, files: inout [String]
    ) throws(ConfigurationError) -> (result: Result<LoadedConfiguration, ConfigurationError>, partial: LoadedConfiguration) {
        let root = try ConfigurationFile.parse(text, name: name)
        let directory = URL(fileURLWithPath: name).deletingLastPathComponent()
        let source = ConfigurationSource(fileName: name, environment: environment, overrides: overrides) { path in
            Self.read(path.hasPrefix("/") ? path : directory.appendingPathComponent(path).path, atMost: 64 * 1024)
        }
        let section = ConfigurationSection(source: source, path: "", node: root, isInList: false)
        let configuration = section.visit(section) { ServiceConfiguration($0, slackWebhookURL: environment["SLACK_WEBHOOK_URL"]) }
        source.finish()
        files += source.secretFiles.map { $0.hasPrefix("/") ? $0 : directory.appendingPathComponent($0).path }
        let partial = LoadedConfiguration(configuration: configuration, warnings: source.warnings, file: file)
        return (source.problems.isEmpty ? .success(partial) : .failure(ConfigurationError(source.problems)), partial)
    }

    private static func read(_ path: String, atMost limit: Int) -> String? {
        guard let handle = FileHandle(forReadingAtPath: path) else { return nil }
        defer { try? handle.close() }
        do {
            let data = try handle.read(upToCount: limit + 1) ?? Data()
            return data.count <= limit ? String(data: data, encoding: .utf8) : nil
        } catch {
            return nil
        }
    }
}
